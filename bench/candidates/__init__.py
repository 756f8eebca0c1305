"""Model families: what each declares of itself. Imports neither torch nor transformers until a model is loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.candidates.family import Family
from bench.errors import BenchError
from bench.plugins import Classes, Declared, Instances
from bench.suite import CellJob, ModelSpec

FAMILIES: Declared[Family] = Declared(
    "model family", "bench.families", Instances(Classes("bench.candidates.families", Family))
)
"""Every family by name: one file each in `bench/candidates/families/`, and the entry points `bench.families`."""


def is_floor(family: str) -> bool:
    """Tell whether a family, as a record names it, is a rule that every model must beat.

    A family whose plug-in is not installed is none.

    >>> [name for name in FAMILIES if is_floor(name)]
    ['baseline']
    """
    return family in FAMILIES and FAMILIES[family].is_floor


def without_torch(job: CellJob | None) -> bool:
    """Tell whether a cell's model runs in a process that never imports torch; a family that is gone has none."""
    return job is not None and job.model.family in FAMILIES and not uses_torch(job.model)


def uses_torch(model: ModelSpec) -> bool:
    """Tell whether a model computes with torch."""
    return FAMILIES[model.family].uses_torch(model)


def heavy_modules() -> Iterator[str]:
    """Yield the modules that the families' models need.

    A plug-in that cannot be imported is left to the cell that needs it, and fails there with its reason.
    """
    for name in FAMILIES:
        with contextlib.suppress(BenchError, ImportError):
            yield from FAMILIES[name].modules
