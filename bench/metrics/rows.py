"""What metrics share about rows: the texts of samples, and rows of statistics that end in a count."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.base import Floats
from bench.record import Sample

TEXT_KINDS = frozenset({"text"})
"""Answers that are free text."""
ANSWER_KINDS = TEXT_KINDS | {"short text"}
"""Answers that may be short."""
LABEL_KINDS = frozenset({"label"})
"""Answers that are one of a few."""

SET_KINDS = frozenset({"labels"})
"""Answers that are several of a few at once."""
NUMBER_KINDS = frozenset({"number"})
TAG_KINDS = frozenset({"tags"})
"""Answers that are a tag for each token."""
ORDER_KINDS = frozenset({"order"})
"""Answers that are an order of documents."""


def predictions(samples: Sequence[Sample]) -> list[str]:
    """List the predicted texts; a missing one is the empty text."""
    return [sample.prediction or "" for sample in samples]


def references(samples: Sequence[Sample]) -> list[str]:
    """List the expected texts."""
    return [sample.reference for sample in samples]


def accepted(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """List every right answer of each example; the empty text alone where a question has none."""
    return [sample.answers or (sample.reference,) for sample in samples]


def one_reference(samples: Sequence[Sample]) -> bool:
    """Tell whether every example has a single right text."""
    return all(len(sample.answers or "1") == 1 for sample in samples)


def counted(columns: ArrayLike) -> Floats:
    """Give `columns`, shape `(n, k)` or `(n,)`, as floats with a last column of ones."""
    values = np.asarray(columns, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    return np.hstack([values, np.ones((len(values), 1))])


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide elementwise, NaN where the denominator is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return quotient


def mean(sums: Floats) -> Floats:
    """Compute the mean of the first column of rows `(value, 1)`, from their sums of shape `(..., 2)`."""
    values = np.asarray(sums, dtype=np.float64)
    return ratio(values[..., 0], values[..., -1])


def label_sets(sample: Sample) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the labels that were given and those that are right, where there may be several.

    >>> label_sets(Sample(0, "0", '["a"]', '["a", "b"]', answers=("a",)))
    (('a', 'b'), ('a',))
    """
    given = tuple(map(str, json.loads(sample.prediction))) if sample.prediction else ()
    return given, sample.answers or ()


def numbers(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """Read the given and the right numbers, shape `(n,)` each."""
    given = np.asarray([float(sample.prediction or "nan") for sample in samples], dtype=np.float64)
    return given, np.asarray([float(sample.reference) for sample in samples], dtype=np.float64)


def graded(sample: Sample) -> Floats:
    """List the grades of a query's documents in the order of their scores, the highest first.

    Documents with the same score stand with the least relevant first: a model that does not decide gains nothing.

    >>> graded(Sample(0, "0", "", "", scores=(0.1, 0.9, 0.9), answers=("0", "0", "1"))).tolist()
    [0.0, 1.0, 0.0]
    """
    grades = np.asarray([float(grade) for grade in sample.answers or ()], dtype=np.float64)
    scores = np.asarray(sample.scores or (), dtype=np.float64)
    return np.asarray(grades[np.lexsort((grades, -scores))], dtype=np.float64)
