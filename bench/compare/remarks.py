"""What must be known of a comparison, as types; `bench.words.compare` says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class NoCell:
    """One side has no such cell."""

    task: str
    model: str
    """Which candidate, where two whole runs are compared; else empty."""
    side: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A cell did not end well, so that there is nothing to compare."""

    task: str
    model: str
    side: str | None
    """Whose cell; None where neither side can do the task."""
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Quality is not compared, since no example was answered by both."""

    task: str
    model: str
    gone: str | None
    """Why the answers of one side are no longer there; None where they are."""


@dataclass(frozen=True, slots=True)
class UndefinedMetric:
    """A metric has no value on the examples that both answered."""

    task: str
    model: str
    metric: str
    sides: tuple[str, ...]
    """For whom."""


@dataclass(frozen=True, slots=True)
class NoRatio:
    """Readings are not compared, since A's are 0, and nothing is a multiple of that."""

    task: str
    model: str
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokensDiffer:
    """A metric per token is not compared, since the two sides count different tokens."""

    task: str
    model: str
    metric: str


class Apart(Enum):
    """How the machines of two runs differ."""

    OTHER_MACHINE = "other machine"
    """Another machine, or other software."""
    OTHER_TIME = "other time"


@dataclass(frozen=True, slots=True)
class FewProcesses:
    """Intervals of ratios rest on few processes."""


@dataclass(frozen=True, slots=True)
class OneProcess:
    """Efficiency was measured in one process, and is not tested."""


@dataclass(frozen=True, slots=True)
class OneGroup:
    """All examples that both answered belong to one group, or one decides the metric: quality is not compared."""

    task: str
    model: str


@dataclass(frozen=True, slots=True)
class StoppedEarly:
    """A side answered as many examples as a race needed: how many hangs on its answers, and no p-value knows that."""

    task: str
    model: str
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneFamily:
    """All tests are one family, and each verdict is corrected for it."""

    size: int


Uncompared = NoCell | NotCompared | Unpaired | UndefinedMetric | NoRatio | TokensDiffer | OneGroup
"""What says of one cell why it is not compared, or a metric of it."""
Remark = Uncompared | Apart | FewProcesses | OneProcess | OneFamily | StoppedEarly
