"""What a recommendation is made of and what comes out of it; no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from bench.decision.board import Board, Column, Missing
from bench.decision.constraints import Check
from bench.decision.fronts import Front
from bench.decision.next_step import NextStep
from bench.decision.rule import Stage
from bench.decision.stages import pick


class Outcome(Enum):
    """What a recommendation comes to."""

    ALONE = "alone"
    """One candidate is eligible, and no other would be preferred to it if it were: the pick, and settled."""
    SETTLED = "settled"
    """The pick is the best choice with the confidence that the suite asks for."""
    RIVAL_OPEN = "rival open"
    """There is a pick, but a candidate that is not shown to meet its limits may be the better choice."""
    OPEN = "open"
    """There is a pick, but the data do not decide between it and other eligible candidates."""
    NOBODY = "nobody"
    """No pick: nobody is eligible."""

    @property
    def is_pick(self) -> bool:
        """Tell whether there is something to ship."""
        return self is not Outcome.NOBODY

    @property
    def is_settled(self) -> bool:
        """Tell whether further measuring is not expected to change the pick."""
        return self in (Outcome.ALONE, Outcome.SETTLED)


class Nobody(Enum):
    """Why no candidate is eligible."""

    NOT_RUN = "not run"
    NOT_FINISHED = "not finished"
    NOT_MEASURED = "not measured"
    """None of the objectives was measured."""
    INCOMPLETE = "incomplete"
    """No candidate has every objective."""
    UNSCORED = "unscored"
    """None that meets the limits has everything that the rule looks at."""
    BARRED = "barred"
    """Those that finished are barred by doubts."""
    LIMITS = "limits"
    """None is shown to meet every limit."""
    BASELINES = "baselines"
    """Only baselines are shown to meet every limit."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A limit without which the pick would be another."""

    check: Check
    """Of the leader."""
    instead: str
    """The pick without it."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A candidate that is not eligible."""

    name: str
    unscored: tuple[str, ...] = ()
    """Columns that the rule looks at and that it lacks; empty where its standing says why."""


@dataclass(frozen=True, slots=True)
class Hopefuls:
    """Candidates that would be picked instead of the leader if they were shown to meet their limits."""

    first: str
    """The likeliest."""
    others: tuple[str, ...]
    is_rival: bool
    """Whether the first keeps the answer from being settled."""


@dataclass(frozen=True, slots=True)
class Incomparable:
    """A candidate that is better in what the rule looks at first, but lacks an objective."""

    name: str
    stage: str
    """What the rule looks at first."""
    missing: Missing


@dataclass(frozen=True, slots=True)
class BaselineLeads:
    """The leader is a baseline."""


@dataclass(frozen=True, slots=True)
class BaselineNear:
    """A baseline answers better than the leader, or is not shown to answer worse."""

    task: str
    baseline: str
    column: str
    own: float
    """The leader's value."""
    theirs: float
    is_better: bool
    """Whether the baseline's value is the better one; else the difference may be chance."""


@dataclass(frozen=True, slots=True)
class FewExamples:
    """The pick rests on so few examples that another handful might turn it."""

    task: str
    n: int
    """Examples that were answered."""


@dataclass(frozen=True, slots=True)
class Barred:
    """A candidate that a doubt bars from being picked."""

    name: str
    missing: Missing
    """With the doubt's code, and across tasks the task on which it was raised."""


Caution = Barred | Hopefuls | Incomparable | BaselineLeads | BaselineNear | FewExamples
"""What must be known before acting on a recommendation."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Where nobody is eligible, the candidate that comes nearest to being it."""

    name: str
    failed: tuple[Check, ...]
    """The limits that it is not shown to meet."""
    breaks: float | None = None
    """Chance that it breaks one of its limits; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What shipping the leader risks, by the draws that judge everything else."""

    breaks: float
    """Chance that it breaks one of its limits."""
    loss: float
    """Expected loss against the best candidate that keeps the limits, in the unit of what the rule looks at first;
    what the rule gives up on purpose is no loss."""
    best: float
    """Chance that the rule would pick it, if everything were known."""
    column: Column | None
    """What the loss is one of; None for a utility over several columns."""
    within: bool = False
    """Whether `breaks` is that of the measured processes alone: how much another differs is not known."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What further measuring could gain: another candidate that may turn out to be the better choice."""

    name: str
    share: float
    """Chance that it is the best choice."""
    most: float
    """How much better it may be than the leader, as large as in one draw in twenty of those in which it keeps its
    limits, in the unit of `Risk.column`; 0 where it would be chosen for something that the rule looks at later."""
    is_eligible: bool
    """Whether it is shown to meet its limits."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to ship, or why there is no answer."""

    task: str
    rule: str
    outcome: Outcome
    needed: float
    """Confidence from which a pick counts as settled."""
    leader: str | None = None
    """Whom the rule favours among the eligible, a chance of breaking a limit being paid for: the pick."""
    risk: Risk | None = None
    """What shipping the leader risks."""
    gain: Gain | None = None
    """What further measuring could gain; None where nobody else may be the better choice."""
    confidence: float | None = None
    """Share of the replicates in which the rule picks the leader. A candidate whose limits are open takes part in
    those replicates in which it meets them. Where a limit lies between the bounds of an estimate, it is the least
    share over all values between them."""
    covers_estimates: bool = False
    """Whether the confidence is the least over the bounds of an estimate."""
    shares: dict[str, float] = field(default_factory=dict)
    """Share of the replicates by candidate, largest first."""
    rival: str | None = None
    """The candidate, other than the leader, that the rule picks in most replicates."""
    rival_is_estimated: bool = False
    """Whether only an estimate leaves open that the rival meets its limits."""
    runner_up: str | None = None
    binding: tuple[Binding, ...] = ()
    tightest: Check | None = None
    """The leader's check with the least room; None where the leader has none."""
    excluded: tuple[Exclusion, ...] = ()
    """Candidates that were not eligible."""
    next_step: NextStep | None = None
    knee: str | None = None
    """The member of the front nearest to the best of everything; a remark, not the pick."""
    cautions: tuple[Caution, ...] = ()
    nobody: Nobody | None = None
    """Why, where nobody is eligible."""
    nearest: Nearest | None = None

    @property
    def pick(self) -> str | None:
        """Name the candidate to ship; None where nobody is eligible."""
        return self.leader if self.outcome.is_pick else None

    @property
    def settled_pick(self) -> str | None:
        """Name the candidate to ship where further measuring is not expected to change it."""
        return self.leader if self.outcome.is_settled else None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A board on which somebody is eligible, with the leader of the observed values."""

    board: Board
    front: Front
    rule: Sequence[Stage]
    """The scores of its first stage may have the chance of breaking a limit taken off, and its draws are shrunk."""
    rows: Sequence[int]
    """Eligible candidates."""
    undecided: Sequence[int]
    """Candidates that break no limit for certain, and are not shown to meet every one."""
    hopefuls: Sequence[int]
    """Those of them that the rule would prefer to the leader, were they shown to meet limits that are now open."""
    leader: int
    shares: dict[str, float]
    needed: float
    """Confidence from which a pick counts as settled."""

    @property
    def name(self) -> str:
        """Return the leader's name."""
        return self.board.names[self.leader]

    @property
    def confidence(self) -> float:
        """Return the share of the replicates in which the rule picks the leader."""
        return self.shares.get(self.name, 0.0)

    @property
    def rival(self) -> int | None:
        """Name the candidate, other than the leader, that the rule picks in most replicates."""
        return next((self.board.names.index(name) for name in self.shares if name != self.name), None)

    def ranked(self, rows: Sequence[int]) -> list[int]:
        """Order candidates as the rule would pick them."""
        remaining, out = list(rows), []
        while (best := pick(self.rule, remaining)) is not None:
            out.append(best)
            remaining.remove(best)
        return out

    @property
    def estimated(self) -> list[int]:
        """List the hopefuls whose limit lies between the bounds of an estimate."""
        checks = {row: self.front.standings[row].checks for row in self.hopefuls}
        return [row for row, own in checks.items() if any(c.estimated and c.state == "open" for c in own)]

    @property
    def outcome(self) -> Outcome:
        """Conclude what the recommendation comes to."""
        if self.confidence >= self.needed:
            alone = len(self.rows) == 1 and self.confidence == 1 and not self.hopefuls
            return Outcome.ALONE if alone else Outcome.SETTLED
        rival_is_open = self.rival is not None and self.rival not in self.rows
        return Outcome.RIVAL_OPEN if rival_is_open else Outcome.OPEN
