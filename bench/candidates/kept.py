"""What a process keeps between the cells of a model variant, so that weights are loaded once; and what outlives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.record import Fact
from bench.suite import ModelSpec, VariantSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keep:
    """Files in which a model that costs money or time for every answer keeps what outlives its process."""

    answers: Path
    """Of the cell; removed when its record is there."""
    spending: Path
    """What the run has spent on the model."""


@dataclass(slots=True)
class Kept:
    """The last thing that was loaded; loading another one drops it first, so that never two are in memory."""

    hits: int = 0
    """How often a load was spared."""
    facts: tuple[Fact, ...] = ()
    """Of the load."""
    task: str = ""
    """The task for which it was loaded."""
    _key: tuple[str, ...] | None = None
    _value: list[object] = field(default_factory=list)

    def obtain(self, key: tuple[str, ...], load: Callable[[], T]) -> T:
        """Reuse what was loaded under `key`, or load it now."""
        if key == self._key:
            self.hits += 1
            kept_value: T = self._value[0]  # type: ignore[assignment]
            return kept_value
        self._key = None
        self._value.clear()
        loaded = load()
        self._key, self._value = key, [loaded]
        return loaded


def load_key(loader: object, spec: ModelSpec, variant: VariantSpec, device: str) -> tuple[str, ...]:
    """Build the key that tells weights in memory apart: how they are loaded, which they are, and the variant."""
    name = str(getattr(loader, "__qualname__", loader))
    return (name, spec.model_dump_json(exclude={"variants", "prompts", "runtime"}), variant.model_dump_json(), device)
