"""Which functions a cell's answers came from: those that were scored, and those that were timed.

They may differ (`bench.candidates.interface`), so that the record names both, and how often their answers agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from bench.candidates.family import Family
from bench.candidates.runtime import Runtime
from bench.tasks.base import Workload


class Paths(TypedDict):
    """The note `paths` of a record."""

    scored: str
    timed: str | None
    """None where nothing was measured."""
    compared: int
    """Timed answers that the audit compared with scored ones."""
    agree: float | None
    """The share of them that agree; None where none was compared."""


def paths_of(runtime: Runtime, family: Family, workload: Workload, audit: object) -> Paths:
    """Name the functions behind a workload.

    Args:
        runtime: that executes its network.
        family: of the loaded model.
        workload: that was scored and timed.
        audit: the record's note `audit`; None where nothing was measured.
    """
    many = bool(getattr(workload, "streams", False))
    scored = runtime.path(family, "generate_many" if many else workload.ability)
    if not isinstance(audit, Mapping):
        return Paths(scored=scored, timed=None, compared=0, agree=None)
    compared = int(audit["compared"])
    agree = 1 - int(audit["differing"]) / compared if compared else None
    return Paths(scored=scored, timed=runtime.path(family, workload.ability), compared=compared, agree=agree)
