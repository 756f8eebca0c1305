"""Any callable as a candidate: here rules by words, as well a request to a service or a call of another program."""

WORDS = {
    "billing": ("charged", "invoice", "fee", "receipt", "bill", "pay"),
    "delivery": ("parcel", "courier", "package", "tracking", "driver", "brought"),
    "returns": ("back", "return", "swap", "changed my mind"),
}


def topic_of(text: str) -> str:
    """What somebody has already: a function from a text to an answer."""
    hits = {label: sum(word in text.lower() for word in words) for label, words in WORDS.items()}
    return max(hits, key=hits.__getitem__)


class Called:
    """What bench asks: one row of scores per text, one score per label."""

    parameters_count = 0
    weights_bytes = 0

    def classify(self, texts: list[str], labels: list[str]) -> list[list[float]]:
        return [[float(topic_of(text) == label) for label in labels] for text in texts]
