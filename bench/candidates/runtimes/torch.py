"""`torch`: eager torch, or compiled, which reads checkpoints as they are."""

from __future__ import annotations

from bench.candidates.family import Family
from bench.candidates.interface import Ability
from bench.candidates.runtime import Runtime


class TorchRuntime(Runtime):
    """The library in which models are written and trained; the parent of every other candidate."""

    name = "torch"
    summary = "torch itself, eager or with `compile`; the default, and the parent that the others are compared with"
    converts = False
    cpu_only = False
    compiles = True

    def path(self, family: Family, ability: Ability) -> str:
        """Name the function behind an ability, which is the family's."""
        return family.path(ability)
