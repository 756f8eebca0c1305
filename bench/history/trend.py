"""What a series says by itself: an alarm over its last nights, and the nights at which its level changed.

Works on logarithms, so that 3 % means the same of every reading, and on values divided by the canary of their
night where the reading is a duration or a rate, so that a slower machine is not a slower model.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.history.series import Series


@dataclass(frozen=True, slots=True)
class Alarm:
    """The last nights differ from those before."""

    series: Series
    run_id: str
    """The newest night."""
    ratio: float
    """Median of the last nights ÷ median of those before, the machine's own speed taken out."""
    p: float
    worse: bool
    """False when the reading became better."""
    since: str
    """Run id of the first of the last nights."""
    baseline_nights: int
    minimum_effect: float
    """Smallest relative change that raises an alarm on this series."""
    text: str


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A night from which a series has another level."""

    run_id: str
    """First night of the new level."""
    started_at: str
    before: float
    """Median before, in the series' unit."""
    after: float
    ratio: float
    """after ÷ before, the machine's own speed taken out."""
    p: float
    worse: bool
    text: str


def trend_alarm(series: Series) -> Alarm | None:
    """Returns the alarm that the last nights of a series raise; None when they raise none, or are too few."""
    raise NotImplementedError


def change_points(series: Series) -> tuple[ChangePoint, ...]:
    """Returns the nights at which the level changed, oldest first."""
    raise NotImplementedError
