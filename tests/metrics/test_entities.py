"""F1 of names: worked by hand, and seqeval's where that is installed."""

from __future__ import annotations

import random
from importlib.util import find_spec

import pytest

from bench.metrics.catalogue import METRICS
from bench.metrics.entity_f1 import entities
from bench.record import Sample


def sample(place: int, right: str, given: str) -> Sample:
    return Sample(place, str(place), right, given)


def value(name: str, rows: list[Sample]) -> float:
    metric = METRICS[name]()
    return float(metric.value(metric.statistics(rows, ()).sum(axis=0)))


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        ("O O", []),
        ("B-PER I-PER O", [("PER", 0, 1)]),
        ("B-PER B-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        ("I-PER I-LOC", [("PER", 0, 0), ("LOC", 1, 1)]),  # begun without a B, as CoNLL's script takes it
        ("B-PER I-LOC I-LOC", [("PER", 0, 0), ("LOC", 1, 2)]),
        ("S-LOC B-PER I-PER E-PER O S-LOC", [("LOC", 0, 0), ("PER", 1, 3), ("LOC", 5, 5)]),
        ("U-LOC B-PER L-PER", [("LOC", 0, 0), ("PER", 1, 2)]),
        ("B-LOC", [("LOC", 0, 0)]),
    ],
)
def test_names_are_found(tags: str, names: list[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == set(names)


def test_a_name_must_be_right_as_a_whole() -> None:
    rows = [
        sample(0, "B-PER I-PER O B-LOC", "B-PER I-PER O B-ORG"),  # one of two is right, two are predicted
        sample(1, "O B-LOC I-LOC", "O B-LOC O"),  # its end is wrong
        sample(2, "O O", "O O"),
    ]
    assert value("entity_f1", rows) == pytest.approx(2 * 1 / (3 + 3))
    assert value("tag_accuracy", rows) == pytest.approx(7 / 9)


@pytest.mark.skipif(find_spec("seqeval") is None, reason="pip install seqeval")
def test_the_f1_is_seqevals() -> None:
    from seqeval.metrics import f1_score

    rng = random.Random(4)
    tags = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    for _ in range(100):
        right, given = ([rng.choices(tags, k=8) for _ in range(3)] for _ in range(2))
        rows = [sample(i, " ".join(r), " ".join(g)) for i, (r, g) in enumerate(zip(right, given, strict=True))]
        if any(entities(row) for row in [*right, *given]):
            assert value("entity_f1", rows) == pytest.approx(f1_score(right, given))
