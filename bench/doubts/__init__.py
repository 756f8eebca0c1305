"""The catalogue of doubts: one kind per file of this folder, those of third parties by entry points `bench.doubts`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.doubts.doubt_not_examined import DoubtNotExamined
from bench.plugins import declared_classes
from bench.record import Doubt

__all__ = ["DoubtKind", "Evidence", "Stage", "disturbances", "doubt_kinds", "examined"]

GROUP = "bench.doubts"


@cache
def doubt_kinds() -> Mapping[str, type[DoubtKind]]:
    """Collect the kinds of doubt by their codes, in the order of the codes.

    Raises:
        UsageError: a plug-in cannot be loaded, is no kind of doubt, or takes a code that is in use.
    """
    return MappingProxyType(declared_classes(__name__, GROUP, DoubtKind, "code"))


def disturbances() -> frozenset[str]:
    """Collect the codes of the doubts that say why a machine was slower."""
    return frozenset(code for code, kind in doubt_kinds().items() if kind.slows_machine)


def examined(stage: Stage, evidence: Evidence) -> list[Doubt]:
    """Let every kind of doubt of a stage examine the evidence.

    An examination that raises becomes a doubt itself: it must not cost the cell what was measured.
    """
    doubts: list[Doubt] = []
    for kind in doubt_kinds().values():
        if kind.stage != stage:
            continue
        try:
            doubts += [case.doubt(evidence.process) for case in kind.examine(evidence)]
        except Exception as error:  # noqa: BLE001  may be a third party's
            case = DoubtNotExamined(failed_code=kind.code, error=f"{type(error).__name__}: {error}")
            doubts.append(case.doubt(evidence.process))
    return doubts
