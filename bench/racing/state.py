"""What a race is, what is known at a look, and what is concluded from it; no logic.

A pick is "wrong" where the candidate that would be picked if all examples were answered, the costs being what they are
now, is better than it by more than the margin. A place on the front is "wrong" where, with all examples answered,
another candidate that is no dearer is better than one called on the front by more than the margin, or one called off it
is better than everybody no dearer by more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bench.decision.board import Column
from bench.decision.constraints import State
from bench.metrics.base import Metric
from bench.suite import DecisionSpec

Floats = NDArray[np.float64]


class Guarantee(Enum):
    """What stands behind the promise that a pick is wrong with at most the race's risk."""

    PREDICTIVE = "predictive"
    """The chance, given the answers so far, of what the rest may bring; held by `benchmarks/race.py`."""
    ANYTIME = "anytime"
    """A boundary that the answers cross in at most so many races, however often they are looked at."""


class Until(Enum):
    """What a race goes on for."""

    DECIDED = "decided"
    """The pick."""
    FRONT = "front"
    """The pick, and who is on the front."""


class Membership(Enum):
    """Where a candidate stands with the front of all examples."""

    ON = "on"
    OFF = "off"
    TIE = "tie"
    """Either would be right: what decides it is within the margin."""
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Race:
    """How a run is raced."""

    guarantee: Guarantee = Guarantee.PREDICTIVE
    risk: float = 0.05
    """Chance of a wrong pick that is taken, of each task."""
    margin: float = 0.5
    """Difference of quality that does not matter, in points (`Metric.point`), or in percent where a metric has none."""
    seed: int = 42
    """Of the order."""
    until: Until = Until.DECIDED


class OutReason(Enum):
    """Why a candidate answers no further example of a task."""

    ENDED = "ended"
    """Its cell ended otherwise than well, or a doubt bars it."""
    LIMIT = "limit"
    """It breaks a limit for certain."""
    INCOMPLETE = "incomplete"
    """It lacks something that the rule looks at."""
    NO_RIVAL = "no rival"
    """It is not better than the leader by more than the margin, whatever the rest brings."""


@dataclass(frozen=True, slots=True)
class Out:
    """A candidate that answers no further example."""

    name: str
    reason: OutReason
    detail: str = ""
    """The limit that it breaks (`LimitState.label`), the candidate that it is no rival of, or why it ended."""
    chance: float = 0.0
    """Chance, when it was let go, that it would be the better pick all the same."""


class Ending(Enum):
    """Why a race ended."""

    DECIDED = "decided"
    """Nobody else may be better than the pick by more than the margin."""
    TIE = "tie"
    """The pick is within the margin of candidates that are as good or better, and cheaper than they are."""
    DATA_SPENT = "data spent"
    """All examples are answered."""
    LIMIT_OPEN = "limit open"
    """Further examples change nothing; whether a candidate keeps a limit is open, and no more is measured."""
    BUDGET = "budget"
    """The time is up."""
    NOBODY = "nobody"
    """All candidates are out."""


@dataclass(frozen=True, slots=True)
class RacedColumn:
    """One thing that the rule or a limit looks at."""

    column: Column
    """Of the decision's board."""
    tolerance: float = 0.0
    """The difference that does not matter to the race, in the column's unit; 0 for a cost."""
    metric: Metric | None = None
    """What turns sums of a quality's statistics into its value; None for a cost."""


@dataclass(frozen=True, slots=True)
class LimitState:
    """What is known of one candidate and one limit."""

    label: str
    """As the suite writes it."""
    column: str
    state: State
    """As the decision judges it."""
    kept: float
    """Chance that the limit is kept; 0.5 where nothing is known of it."""
    by_examples: bool
    """Whether further examples would show more (a limit on quality), and not further processes."""


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """What is known of one candidate of a task."""

    name: str
    answered: int
    """Examples of the order, from its start."""
    values: Mapping[str, float]
    """Of each cost as measured, by the column's name; absent where missing."""
    statistics: Mapping[str, Floats]
    """By column of quality: a row for each example answered, in the race's order, shape `(answered, k)`."""
    limits: tuple[LimitState, ...] = ()
    kept: float = 1.0
    """Chance that it may be picked for all its limits: 1 where each is `inside`, else that of the open ones."""
    all_kept: float = 1.0
    """Chance that it keeps all its limits; what is missing to 1 is paid for, where a broken limit has a price."""
    broken: str | None = None
    """Why it cannot be judged at all; None when it can."""
    is_baseline: bool = False
    answers: str = ""
    """SHA-256 (hex) of the answers in the race's order."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Everything that the verdict at one look depends on."""

    task: str
    race: Race
    spec: DecisionSpec
    """The suite's rule."""
    columns: tuple[RacedColumn, ...]
    objectives: int
    """The first so many columns are the suite's objectives."""
    ends: tuple[int, ...]
    """How many examples are answered after each unit of the order."""
    contestants: tuple[Contestant, ...]
    order: str = ""
    """Digest of the order."""
    out: tuple[Out, ...] = ()
    """Who was out before this look, and stays so."""

    @property
    def total(self) -> int:
        """Count all examples of the task."""
        return self.ends[-1] if self.ends else 0


@dataclass(frozen=True, slots=True)
class OpenLimit:
    """A limit that decides whether a candidate may be the pick, and that further measuring would settle."""

    name: str
    limit: LimitState
    better: float
    """Chance that the candidate would be the better pick if it kept its limits."""


@dataclass(frozen=True, slots=True)
class OpenPair:
    """A candidate that may yet turn out better than the pick by more than the margin."""

    name: str
    chance: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a candidate stands with the front."""

    name: str
    membership: Membership
    other: str | None
    """Who is no dearer, and as good or better for all that is known; None where nobody is near that."""
    chance: float
    """Chance that the place is wrong; of an open one, of the likelier place."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is concluded at one look."""

    task: str
    answered: int
    """Examples that the candidates which go on have answered."""
    pick: str | None
    """What would be shipped now; None where nobody is eligible."""
    leader: str | None
    """Whom the rule favours by the observed values, where that is another: a tie goes to the cheaper."""
    risk: float
    """Chance that the pick is wrong: the sum of the chances of all that may be better."""
    ending: Ending | None
    """Why the race of this task ends; None where it goes on."""
    answering: tuple[str, ...]
    """Who answers the next block of examples; empty where further examples change nothing."""
    out: tuple[Out, ...]
    """Everybody who is out, those of former looks first."""
    limits: tuple[OpenLimit, ...] = ()
    """Where a further process or window would help, the most promising first."""
    pairs: tuple[OpenPair, ...] = ()
    """Who may be better, the likeliest first."""
    tied: tuple[str, ...] = ()
    """Who is within the margin of the pick, or may be."""
    unraced: str | None = None
    """The stage of the rule that cannot be raced, so that all examples are answered; None where it is raced."""
    places: tuple[Place, ...] = ()
    """Of all that can be compared, in a race until the front is settled."""
    decided: Ending | None = None
    """Why the race for the pick is over, where it goes on for the front alone."""


def is_eligible(own: Contestant) -> bool:
    """Tell whether a candidate keeps all its limits, for all that is known."""
    return all(limit.state == "inside" for limit in own.limits)
