"""What a recommendation is made of and what comes out of it; no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.decision.board import Board
from bench.decision.fronts import Front
from bench.decision.next_step import NextStep
from bench.decision.rules import Stage, pick


@dataclass(frozen=True, slots=True)
class Binding:
    """A limit without which the pick would be another."""

    limit: str
    """Name and text, e.g. `latency_p95_s <= 50 ms`."""
    instead: str
    """The pick without it."""
    slack: float | None
    """How far the pick's bound is inside the limit."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to ship, or why there is no answer."""

    task: str
    rule: str
    pick: str | None
    """None when it abstains or nobody is feasible."""
    leader: str | None
    """Whom the observed values favour, even where the data are too weak for a pick."""
    confidence: float | None
    """Share of the replicates in which the rule picks the leader. A candidate whose limits are open takes part in
    those replicates in which it meets them. Where a limit lies between the bounds of an estimate, it is the least
    share over all values between them."""
    shares: dict[str, float]
    """Share of the replicates by candidate, largest first."""
    runner_up: str | None
    price: str | None
    """How the runner-up differs from the leader."""
    binding: tuple[Binding, ...]
    excluded: dict[str, str]
    """Candidates that were not eligible, each with why and by how much."""
    next_step: NextStep | None
    knee: str | None
    """The member of the front nearest to the best of everything; a remark, not the pick."""
    warnings: tuple[str, ...]
    """What must be known before acting on it: a better candidate that is unresolved, a baseline as the pick."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A board on which somebody is eligible, with the leader of the observed values."""

    board: Board
    front: Front
    rule: Sequence[Stage]
    rows: Sequence[int]
    """Eligible candidates."""
    hopefuls: Sequence[int]
    """Candidates that the rule would prefer to the leader, were they shown to meet limits that are now open."""
    leader: int
    shares: dict[str, float]
    needed: float
    """Confidence that a pick needs."""

    @property
    def name(self) -> str:
        """The leader's name."""
        return self.board.names[self.leader]

    @property
    def confidence(self) -> float:
        """Share of the replicates in which the rule picks the leader."""
        return self.shares.get(self.name, 0.0)

    @property
    def rival(self) -> int | None:
        """The candidate, other than the leader, that the rule picks in most replicates."""
        return next((self.board.names.index(name) for name in self.shares if name != self.name), None)

    def ranked(self, rows: Sequence[int]) -> list[int]:
        """Returns candidates in the order in which the rule would pick them."""
        left, out = list(rows), []
        while (best := pick(self.rule, left)) is not None:
            out.append(best)
            left.remove(best)
        return out

    @property
    def estimated(self) -> list[int]:
        """The hopefuls whose limit lies between the bounds of an estimate."""
        checks = {row: self.front.standings[row].checks for row in self.hopefuls}
        return [row for row, found in checks.items() if any(c.estimated and c.state == "open" for c in found)]

    @property
    def sure(self) -> bool:
        """Whether the data support a pick."""
        return self.confidence >= self.needed

    @property
    def rival_is_open(self) -> bool:
        """Whether what keeps the leader from a pick is a candidate that is not shown to meet its limits."""
        return not self.sure and self.rival is not None and self.rival not in self.rows
