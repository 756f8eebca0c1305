"""Which reading stands in for an objective that a run, stored by an older bench, does not have.

The objective falls back for all candidates together: a front of two different readings would mean nothing. A limit does
not: that another reading kept it, or broke it, says nothing of the one that it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bench.catalogue.readings import READINGS, canonical
from bench.decision.question import Question
from bench.decision.remarks import StoodIn
from bench.summary import Entry

T = TypeVar("T")


def with_stand_ins(question: Question, entries: Sequence[Entry]) -> tuple[Question, tuple[StoodIn, ...]]:
    """Ask for what the run has, and tell which objectives were replaced."""
    rule = question.rule
    names = dict.fromkeys([*question.objectives, *filter(None, [rule.prefer]), *rule.order, *rule.rates])
    instead = {name: stand_in for name in names if (stand_in := _stand_in(name, entries)) is not None}
    if not instead:
        return question, ()
    changes = {
        "prefer": instead.get(rule.prefer or "", rule.prefer),
        "order": [instead.get(name, name) for name in rule.order],
        "rates": _renamed(rule.rates, instead),
        "margins": _renamed(rule.margins, instead),
        "reference": _renamed(rule.reference, instead),
    }
    objectives = tuple(dict.fromkeys(instead.get(name, name) for name in question.objectives))
    on_gpu = any(entry.on_gpu for entry in entries)
    remarks = tuple(StoodIn(canonical(name), canonical(stand_in, on_gpu)) for name, stand_in in instead.items())
    return replace(question, objectives=objectives, rule=rule.model_copy(update=changes)), remarks


def _stand_in(name: str, entries: Sequence[Entry]) -> str | None:
    """Find what stands in for a name, where a cell that ended well has that and not the reading itself."""
    reading = READINGS.get(canonical(name))
    if reading is None or not reading.stand_in:
        return None
    good = [entry for entry in entries if entry.status == "ok"]
    lacking = any(not _has(entry, reading.name) and _has(entry, reading.stand_in) for entry in good)
    return reading.stand_in if lacking else None


def _has(entry: Entry, name: str) -> bool:
    quantity = entry.quantity(name)
    return quantity is not None and quantity.value is not None


def _renamed(table: Mapping[str, T], instead: Mapping[str, str]) -> dict[str, T]:
    return {instead.get(name, name): value for name, value in table.items()}
