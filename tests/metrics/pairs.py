"""Pairs of prediction and reference that the metrics' tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from bench.metrics.base import Metric
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


def set_samples(n: int = 500, seed: int = 2) -> list[Sample]:
    """Texts with none to all of the labels, about half of them answered rightly, in any order."""
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(n):
        wanted = rng.random(len(LABELS)) < 0.4
        applied = wanted ^ (rng.random(len(LABELS)) < 0.15)
        right = tuple(label for label, on in zip(LABELS, wanted, strict=True) if on)
        given = [str(label) for label in rng.permutation([x for x, on in zip(LABELS, applied, strict=True) if on])]
        samples.append(Sample(i, str(i), json.dumps(right), json.dumps(given), answers=right))
    return samples


def adversarial_sets() -> list[Sample]:
    """Fifty: nothing right, nothing given, no answer at all, everything given, the same label twice."""
    odd: list[tuple[tuple[str, ...], str | None]] = [
        ((), "[]"),
        ((), None),
        ((), json.dumps(LABELS)),
        (("lost",), "[]"),
        (("lost",), None),
        (("lost",), '["lost", "lost"]'),
        (("lost", "early"), '["early", "lost"]'),
        (LABELS, '["lost"]'),
        (LABELS, json.dumps(LABELS[::-1])),
        (("early",), '["lost"]'),
    ]
    return [Sample(i, str(i), json.dumps(odd[i % 10][0]), odd[i % 10][1], answers=odd[i % 10][0]) for i in range(50)]


def numbered(pairs: Sequence[tuple[float, float]]) -> list[Sample]:
    """Samples of given and right numbers."""
    return [
        Sample(i, str(i), repr(float(right)), repr(float(given)), scores=(float(given),))
        for i, (given, right) in enumerate(pairs)
    ]


def number_samples(n: int = 500, seed: int = 3) -> list[Sample]:
    """Grades in steps of a fifth, many of them equal, and guesses about them."""
    rng = np.random.default_rng(seed)
    right = rng.integers(0, 26, n) / 5
    return numbered(list(zip(right + rng.normal(size=n), right, strict=True)))


def adversarial_numbers() -> list[Sample]:
    """Fifty: both zeros, negative, tiny, one far from all others, ties on either side, the wrong way round."""
    odd = [(0.0, -0.0), (-3.5, 2.0), (1e-12, 2e-12), (1e6, 5.0), (4.0, 4.0), (4.0, 1.0), (5.0, 0.0), (0.0, 5.0)]
    return numbered([odd[i % 8] for i in range(40)] + [(float(i), 10.0 - i) for i in range(10)])


def ranked(samples: Sequence[Sample]) -> list[Sample]:
    """The same with the ranks of the numbers in their place, as scipy ranks them."""
    given = rankdata([float(sample.prediction or "nan") for sample in samples])
    right = rankdata([float(sample.reference) for sample in samples])
    return numbered(list(zip(given, right, strict=True)))


def resampled_as(name: str, samples: Sequence[Sample]) -> tuple[str, Sequence[Sample]]:
    """The metric and samples of which a metric's replicates are those of resampling from scratch.

    Its own, but for Spearman's: a resample keeps the ranks that its texts have among all of them, so that its
    replicates are Pearson's of those ranks.
    """
    return ("pearson", ranked(samples)) if name == "spearman" else (name, samples)


def tag_samples(n: int = 500, seed: int = 4) -> list[Sample]:
    """Sentences of 1 to 30 tokens with names of two types, of which one tag in eight is answered wrongly."""
    rng = np.random.default_rng(seed)
    tags = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    samples = []
    for i in range(n):
        right = [str(tag) for tag in rng.choice(tags, size=int(rng.integers(1, 31)))]
        given = [str(rng.choice(tags)) if rng.random() < 0.125 else tag for tag in right]
        samples.append(Sample(i, str(i), " ".join(right), " ".join(given)))
    return samples


def adversarial_tags() -> list[Sample]:
    """Fifty: no tokens, no answer, too few or too many tags, names begun by `I`, side by side, of odd types."""
    odd: list[tuple[str, str | None]] = [
        ("", ""),
        ("O O O", None),
        ("B-PER I-PER", None),
        ("B-PER I-PER O B-LOC", "B-PER I-PER"),
        ("B-PER", "B-PER I-PER I-PER"),
        ("I-PER I-LOC I-LOC", "B-PER B-LOC I-LOC"),
        ("B-PER B-PER B-PER", "B-PER I-PER I-PER"),
        ("B-Größe I-Größe O", "B-Größe I-Größe B-Größe"),
        ("B-A-B I-A-B I-A", "B-A-B I-A-B O"),
        ("B-PER I-PERSON", "B-PER I-PER"),
    ]
    return [Sample(i, str(i), *odd[i % 10]) for i in range(50)]


def ordered(scores: Sequence[Sequence[float]], grades: Sequence[Sequence[int]]) -> list[Sample]:
    """Samples of queries: scores and grades of their documents."""
    return [
        Sample(i, str(i), "", "", scores=tuple(map(float, own)), answers=tuple(map(str, right)))
        for i, (own, right) in enumerate(zip(scores, grades, strict=True))
    ]


def order_samples(n: int = 500, seed: int = 5) -> list[Sample]:
    """Queries with 2 to 30 documents of grades 0 to 3, whose scores say something of them."""
    rng = np.random.default_rng(seed)
    grades = [rng.choice(4, p=[0.7, 0.15, 0.1, 0.05], size=int(rng.integers(2, 31))).tolist() for _ in range(n)]
    return ordered([(0.5 * np.array(own) + rng.normal(size=len(own))).tolist() for own in grades], grades)


def adversarial_orders() -> list[Sample]:
    """Fifty: one document, none that is relevant, all, every score the same, the worst order, a hundred documents."""
    odd = [
        ([0.3], [1]),
        ([0.3], [0]),
        ([0.1, 0.2, 0.3], [0, 0, 0]),
        ([0.1, 0.2, 0.3], [2, 2, 2]),
        ([0.5] * 20, [3] + [0] * 18 + [1]),
        ([-1.0] * 4 + [-2.0] * 4, [0, 1, 0, 1] * 2),
        (list(range(12)), [3] + [0] * 11),
        (list(range(100)), [1, 0] * 50),
        ([1e-300, 0.0, -1e-300], [1, 2, 3]),
        ([5.0, 4.0], [1, 0]),
    ]
    return ordered([odd[i % 10][0] for i in range(50)], [odd[i % 10][1] for i in range(50)])


ANSWERS: Mapping[str, tuple[Callable[[int], list[Sample]], Callable[[], list[Sample]]]] = {
    "labels": (set_samples, adversarial_sets),
    "number": (number_samples, adversarial_numbers),
    "tags": (tag_samples, adversarial_tags),
    "order": (order_samples, adversarial_orders),
}
"""Kinds of answers that are neither a label nor a text: what makes random samples of them, and adversarial ones."""


def answers_of(metric: Metric) -> str | None:
    """The kind of `ANSWERS` that a metric judges, unless it judges a label or a text as well."""
    return next(iter(metric.kinds), None) if metric.kinds <= set(ANSWERS) else None
