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
    asked = [*question.objectives, *filter(None, [rule.prefer]), *rule.order, *rule.rates]
    names = dict.fromkeys(map(canonical, asked))
    instead = {name: stand_in for name in names if (stand_in := _stand_in(name, entries)) is not None}
    if not instead:
        return question, ()
    changes = {
        "prefer": None if rule.prefer is None else _renamed(rule.prefer, instead),
        "order": [_renamed(name, instead) for name in rule.order],
        "rates": _keys_renamed(rule.rates, instead),
        "margins": _keys_renamed(rule.margins, instead),
        "reference": _keys_renamed(rule.reference, instead),
    }
    objectives = tuple(dict.fromkeys(_renamed(name, instead) for name in question.objectives))
    on_gpu = any(entry.on_gpu for entry in entries)
    remarks = tuple(StoodIn(name, canonical(stand_in, on_gpu)) for name, stand_in in instead.items())
    return replace(question, objectives=objectives, rule=rule.model_copy(update=changes)), remarks


def _stand_in(name: str, entries: Sequence[Entry]) -> str | None:
    """Find what stands in for a name, where a cell that ended well has that and not the reading itself."""
    reading = READINGS.get(name)
    if reading is None or not reading.stand_in:
        return None
    good = [entry for entry in entries if entry.ended_well]
    lacking = any(not _has(entry, reading.name) and _has(entry, reading.stand_in) for entry in good)
    return reading.stand_in if lacking else None


def _has(entry: Entry, name: str) -> bool:
    quantity = entry.quantity(name)
    return quantity is not None and quantity.value is not None


def _renamed(name: str, instead: Mapping[str, str]) -> str:
    """Replace a name under whichever of its spellings it is written."""
    return instead.get(canonical(name), name)


def _keys_renamed(table: Mapping[str, T], instead: Mapping[str, str]) -> dict[str, T]:
    return {_renamed(name, instead): value for name, value in table.items()}
