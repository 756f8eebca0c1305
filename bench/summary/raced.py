"""What the race of a run came to, as the store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.errors import UnreadableError

Ended = Literal["decided", "tie", "data spent", "limit open", "budget", "nobody"]
"""Why the race of a task ended; see `bench.racing.state.Ending`."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class PastLook(_Strict):
    """One look at a task."""

    rounds: int
    """After so many rounds."""
    answered: int
    """Examples that the candidates still in had answered."""
    pick: str | None
    risk: float
    """Chance that the pick was wrong then."""


class FrontPlace(_Strict):
    """Where a candidate stands with the front of all examples, the costs being as measured."""

    membership: Literal["on", "off", "tie", "open"]
    """`tie`: either would be right, as what decides it is within the margin."""
    other: str | None = None
    """Who is no dearer, and as good or better for all that is known."""
    chance: float = 0.0
    """Chance that the place is wrong; of an open one, of the likelier place."""


class LeftRace(_Strict):
    """Why a candidate answered no further example."""

    reason: str
    """A value of `bench.racing.state.OutReason`."""
    detail: str = ""
    chance: float = 0.0
    """Chance that it would have been the better pick nevertheless."""


class TaskOutcome(_Strict):
    """The race of one task."""

    order: str
    """SHA-256 (hex) of the examples' ids in their order."""
    examples: str = ""
    """SHA-256 (hex) of their ids in the data's order."""
    positions: tuple[int, ...]
    """The order: places in the task's data."""
    ends: tuple[int, ...]
    """How many examples are answered after each group, or each example without one."""
    looks: tuple[PastLook, ...]
    ending: Ended | None
    """None where the run was stopped."""
    pick: str | None
    leader: str | None
    """Whom the rule favours by the observed values; another than the pick after a tie."""
    risk: float
    """Chance, at the end, that the pick is wrong."""
    tied: tuple[str, ...] = ()
    unraced: str | None = None
    """What of the rule cannot be raced; None where all of it can."""
    tolerance: float = 0.0
    """The difference of quality that does not matter, in the metric's unit."""
    out: dict[str, LeftRace] = {}
    front: dict[str, FrontPlace] = {}
    """By candidate, in a race until the front is settled; without those that cannot be compared."""
    answered: dict[str, int] = {}
    """Examples by candidate."""
    total: int = 0
    """Examples of the task."""

    @property
    def evaluated(self) -> int:
        """Count the examples that were answered, of all candidates together."""
        return sum(self.answered.values())


class RaceOutcome(_Strict):
    """The race of a run."""

    version: int
    until: Literal["decided", "front"] = "decided"
    guarantee: Literal["predictive", "anytime"]
    risk: float
    margin: float
    seed: int
    budget_s: float | None = None
    spent_s: float = 0.0
    """Seconds of work, summed over the processes."""
    tasks: dict[str, TaskOutcome] = {}

    @property
    def share(self) -> float | None:
        """Return the share of the examples that were answered; None where there are none."""
        whole = sum(len(task.answered) * task.total for task in self.tasks.values())
        return sum(task.evaluated for task in self.tasks.values()) / whole if whole else None


def race_outcome(document: Mapping[str, object]) -> RaceOutcome | None:
    """Read what the store keeps of a race; None for a run without one.

    Raises:
        StoreError: it is not what bench writes.
    """
    if not document:
        return None
    try:
        return RaceOutcome.model_validate(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableError(
            f"the stored race cannot be read at '{place}': {first['msg']}; run the suite again"
        ) from error
