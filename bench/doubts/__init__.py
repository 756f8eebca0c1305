"""The catalogue of doubts: one kind per file of this folder, those of third parties by entry points `bench.doubts`."""

from __future__ import annotations

from collections.abc import Iterable

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.doubts.doubt_not_examined import DoubtNotExamined
from bench.plugins import Classes, Declared
from bench.record import Doubt

__all__ = ["DOUBTS", "DoubtKind", "Evidence", "Stage", "barring", "disturbances", "examined"]

DOUBTS: Declared[type[DoubtKind]] = Declared("doubt", "bench.doubts", Classes(__name__, DoubtKind, key="code"))
"""Every kind of doubt by its code."""


def disturbances() -> frozenset[str]:
    """Collect the codes of the doubts that say why a machine was slower."""
    return frozenset(code for code, kind in DOUBTS.items() if kind.slows_machine)


def barring(doubts: Iterable[Doubt]) -> Doubt | None:
    """Find the first of some doubts that bars a candidate from being picked; None where none does."""
    return next((doubt for doubt in doubts if (kind := DOUBTS.get(doubt.code)) is not None and kind.bars), None)


def examined(stage: Stage, evidence: Evidence) -> list[Doubt]:
    """Let every kind of doubt of a stage examine the evidence.

    An examination that raises becomes a doubt itself: it must not cost the cell what was measured.
    """
    doubts: list[Doubt] = []
    for kind in DOUBTS.values():
        if kind.stage != stage:
            continue
        try:
            doubts += [case.doubt(evidence.process) for case in kind.examine(evidence)]
        except Exception as error:  # noqa: BLE001  may be a third party's
            case = DoubtNotExamined(failed_code=kind.code, error=f"{type(error).__name__}: {error}")
            doubts.append(case.doubt(evidence.process))
    return doubts
