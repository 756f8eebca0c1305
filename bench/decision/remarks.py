"""What a reader must know of how the candidates of a task were compared, as types; `bench.words.remarks` says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bench.suite.limits import Limit


class Dropped(Enum):
    """Why an objective is left out of a task's front."""

    NOTHING_FINISHED = "nothing finished"
    NOT_MEASURED = "not measured"
    NOT_A_METRIC = "not a metric"


@dataclass(frozen=True, slots=True)
class ObjectiveDropped:
    """An objective is left out of a task's front."""

    task: str
    objective: str
    """As the suite calls it."""
    why: Dropped
    reasons: tuple[str, ...] = ()
    """What the cells say of why they lack it."""


@dataclass(frozen=True, slots=True)
class TokensDiffer:
    """Models are not compared by metrics per token, since their tokens differ."""

    task: str
    metrics: tuple[str, ...]
    instead: str | None
    """The metric that is the task's quality; None where it has no other."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """An objective is an estimate for some candidates or for all."""

    task: str
    column: str
    estimated: tuple[str, ...]
    measured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakenAsRead:
    """Columns are compared as if they had no noise, though they are not exact."""

    task: str
    columns: tuple[str, ...]
    candidates: tuple[str, ...]
    """Empty for all that have a value."""


@dataclass(frozen=True, slots=True)
class OneProcess:
    """Columns were measured in one process, which says nothing about another: no difference in them is certain."""

    task: str
    columns: tuple[str, ...]
    candidates: tuple[str, ...]
    """Empty for all that have a value."""


@dataclass(frozen=True, slots=True)
class StoppedEarly:
    """Candidates answered a part of the examples, as many as the race of their task needed: how many depends on their
    answers, so that no place on the front is certain by their quality."""

    task: str
    candidates: tuple[str, ...]
    """Empty for all that have a value."""


@dataclass(frozen=True, slots=True)
class FrontRaced:
    """Candidates answered a part of the examples, as many as a race until the front of all is settled needed: that says
    where they stand with that front, the costs being as measured; not what other examples or processes would show."""

    task: str
    total: int
    """Examples of the task."""
    on: tuple[str, ...]
    off: tuple[str, ...]
    ties: tuple[str, ...]
    """Either would be right: what decides it is within the race's margin."""
    open: tuple[str, ...]
    risk: float
    """Chance that any place that is not open is wrong, at most."""


@dataclass(frozen=True, slots=True)
class PeakRead:
    """Columns are peaks, of which small differences are not certain."""

    task: str
    columns: tuple[str, ...]
    candidates: tuple[str, ...]
    """Empty for all that have a value."""
    share: float
    """Of each value, up to which it may be off."""
    slack_bytes: float
    """Added to that share."""


@dataclass(frozen=True, slots=True)
class QualityAveraged:
    """Across tasks, quality is a weighted mean of shares of the best."""

    weights: tuple[tuple[str, float], ...]
    """By task."""


@dataclass(frozen=True, slots=True)
class NoShares:
    """Across tasks, a task is left out of the average quality, since nothing is a share of its best score."""

    task: str
    metric: str


@dataclass(frozen=True, slots=True)
class CostsCombined:
    """Across tasks, costs are summed, or taken at their worst."""

    columns: tuple[str, ...]
    summed: bool


@dataclass(frozen=True, slots=True)
class CostLeftOut:
    """Across tasks, a cost that only some tasks have is left out."""

    column: str
    tasks: tuple[str, ...]
    """Those that have it."""


@dataclass(frozen=True, slots=True)
class MetricsLeftOut:
    """Across tasks, only the first of a task's metrics counts."""

    task: str
    counted: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LimitInapplicable:
    """A limit names a metric that a task does not have."""

    task: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class StoodIn:
    """An objective that the run lacks was replaced by another reading."""

    objective: str
    """The reading that is lacking."""
    instead: str
    """The reading by which the candidates are compared."""


Remark = (
    ObjectiveDropped
    | StoodIn
    | TokensDiffer
    | Estimated
    | TakenAsRead
    | OneProcess
    | PeakRead
    | StoppedEarly
    | FrontRaced
    | QualityAveraged
    | NoShares
    | CostsCombined
    | CostLeftOut
    | MetricsLeftOut
    | LimitInapplicable
)
