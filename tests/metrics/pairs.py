"""Pairs of prediction and reference that the metrics' tests share."""

from __future__ import annotations

import numpy as np

from bench.record import Sample

LABELS = ("delayed", "early", "lost", "on_time")
_WORDS = [
    "the",
    "a",
    "ship",
    "port",
    "of",
    "Bremen",
    "is",
    "late",
    "on",
    "3",
    "May,",
    "and",
    "was",
    "unloaded;",
    "Größe",
    "東京",
    "isn't",
    "12.5%",
    "—",
    "done.",
]


def random_texts(n: int = 500, seed: int = 0) -> list[tuple[str, str]]:
    """Predictions that are references with words dropped, changed and moved."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(n):
        reference = [str(word) for word in rng.choice(_WORDS, size=int(rng.integers(1, 18)))]
        kept = [word if rng.random() > 0.2 else str(rng.choice(_WORDS)) for word in reference]
        kept = [word for word in kept if rng.random() > 0.1]
        if rng.random() < 0.2:
            kept = kept[len(kept) // 2 :] + kept[: len(kept) // 2]
        joint = "\n" if rng.random() < 0.1 else " "
        pairs.append((joint.join(kept), joint.join(reference)))
    return pairs


def adversarial_texts() -> list[tuple[str, str]]:
    """Fifty: empty, white space, Unicode, very long, all wrong, repeated, punctuation alone."""
    long = "word " * 400
    odd = [
        "",
        " ",
        "\n",
        "…",
        "...",
        "a",
        "the",
        "İstanbul",
        "e\u0301",
        "é",
        "👩‍👩‍👧 🚢",
        "مرحبا",
        "東京都",
        "\u200b",
        "A.B.C.",
    ]
    pairs = [(left, right) for left in odd[:6] for right in ("", "a b c d e", "...")]
    pairs += [(text, text) for text in odd]
    pairs += [("x y z w v", "a b c d e")] * 5 + [
        (long, long),
        (long, "word"),
        ("word", long),
        (long[::-1], long),
    ]
    pairs += [("a a a a a a", "a"), ("a", "a a a a a a"), ("Straße", "STRASSE"), ("1,000.5", "1000.5")]
    pairs[-1] = ("the ships were loading", "the ship was loaded")
    pairs += [("a\nb", "a b"), ("don't", "dont"), ("\t tab", "tab"), ("ﬁ", "fi")]
    assert len(pairs) == 50
    return pairs


def wrong_texts() -> list[tuple[str, str]]:
    """Fifty without a character in common."""
    return [("xyz vwx zzz yyy xxx", "abc def abc def abc")] * 50


def text_samples(pairs: list[tuple[str, str]]) -> list[Sample]:
    """Samples of the pairs."""
    return [Sample(i, str(i), reference, given) for i, (given, reference) in enumerate(pairs)]


def label_samples(n: int = 500, seed: int = 1, scores: bool = False) -> list[Sample]:
    """Samples of a classifier that is right in about two of three."""
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(n):
        reference = int(rng.choice(4, p=[0.5, 0.3, 0.15, 0.05]))
        logits = rng.normal(size=4) * 2
        logits[reference] += 2.0 * (rng.random() < 0.7)
        logits -= np.log(np.exp(logits).sum())
        given = LABELS[int(np.argmax(logits))]
        kept = tuple(float(x) for x in logits) if scores else None
        samples.append(Sample(i, str(i), LABELS[reference], given, scores=kept))
    return samples


def adversarial_labels() -> list[list[Sample]]:
    """One class alone, all wrong, one example, a class never expected."""

    def made(pairs: list[tuple[str, str]]) -> list[Sample]:
        return [Sample(i, str(i), right, left) for i, (left, right) in enumerate(pairs)]

    return [
        made([("lost", "lost")] * 50),
        made([("lost", "early")] * 25 + [("early", "lost")] * 25),
        made([("early", "lost")]),
        made([("early", "lost"), ("delayed", "lost"), ("delayed", "early")] * 16 + [("lost", "lost")] * 2),
    ]
