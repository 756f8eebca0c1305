"""Who is picked at which rate of requests: the break points of a decision in the load that is to be borne."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.catalogue.readings import at_level
from bench.decision.judgement import decide
from bench.decision.question import Question
from bench.suite.limits import Limit
from bench.summary import Entry
from bench.summary.levels import counted

RATE = "slo_rate_per_s"


@dataclass(frozen=True, slots=True)
class PickAtRate:
    """The pick among those that keep the SLO up to a rate."""

    rate: float
    """Requests per second that were sent, which a window rounds to whole requests."""
    pick: str | None
    """None where nobody keeps the SLO, or nobody that does can be picked."""
    kept: bool
    """Whether anybody keeps the SLO up to the rate."""


def picks_by_rate(entries: Sequence[Entry], question: Question) -> list[PickAtRate]:
    """Decide again at every level that all loaded candidates share, lowest rate first.

    Candidates that were not loaded bear nothing that is known, and are out of the question. Limits and objectives of
    the suite are those of the question, but for a limit of the rate itself; times that it names without a level are
    read at the level.

    Args:
        entries: of one task.
        question: of the suite.
    """
    loaded = [entry for entry in entries if entry.load]
    shared = [{level.rate for level in entry.load} for entry in loaded]
    rates = sorted(set.intersection(*shared)) if shared else []
    return [_at(loaded, question, rate) for rate in rates]


def _at(entries: Sequence[Entry], question: Question, rate: float) -> PickAtRate:
    known = set().union(*(entry.efficiency for entry in entries))
    objectives = [at if (at := at_level(name, rate)) in known else name for name in question.objectives]
    sent = min(level.numbers.offered_rate for entry in entries for level in counted(entry) if level.rate == rate)
    borne = Limit(RATE, ">=", sent, of_best=False, text=f">= {sent:.10g} /s")
    limits = (*(limit for limit in question.limits if limit.name != RATE), borne)
    asked = replace(question, objectives=tuple(dict.fromkeys(objectives)), limits=limits, as_raced=False)
    (decision,) = decide(entries, asked).tasks.values()
    rates = [kept.value for entry in entries if (kept := entry.quantity(RATE)) is not None and kept.value is not None]
    return PickAtRate(sent, decision.pick, kept=any(map(borne.admits, rates)))
