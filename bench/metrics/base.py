"""The interface of a quality metric.

A metric turns each example into a row of sufficient statistics, and sums of rows into a value. Everything
else (the score, its interval, paired tests, resampling) follows from the stored rows by arithmetic: a
bootstrap replicate is `value(weights @ statistics)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.record import Sample

Floats = NDArray[np.float64]

Answers = Literal["label", "short text", "text", "likelihood"]
"""What the answers of a kind of task are: one of a few, a short text of which any right one will do, a text, or how
likely a text is."""


class Judged(Protocol):
    """What metrics ask of a kind of task; `bench.tasks.kind.Kind` declares it."""

    name: str
    answers: Answers
    metrics: tuple[str, ...]


class Metric(Protocol):
    """One metric. Implementations are stateless classes in a file of their own."""

    name: str
    """The name in suites and reports."""
    unit: str
    """`ratio` (0 to 1), `score` (its own scale, such as BLEU's 0 to 100) or `count`."""
    higher_is_better: bool
    kinds: frozenset[str]
    """Kinds of answers (`Answers`), or of tasks, on which it makes sense."""
    proportion: bool
    """Whether it is a mean of 0/1 outcomes per example, so that a Wilson interval applies."""
    signature: str | None
    """What fixes the number besides the texts, e.g. sacrebleu's signature."""

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Returns the sufficient statistics, shape `(n, k)`: one row per sample."""

    def value(self, sums: Floats) -> Floats:
        """Returns the metric, shape `(...)`, from sums of rows, shape `(..., k)`; the last column counts
        examples.

        NaN where the metric is undefined.
        """
