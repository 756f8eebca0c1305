"""Layers that round what they multiply, and how they are asked not to. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from bench.candidates.interface import Model, engine_of


@runtime_checkable
class Rounds(Protocol):
    """A layer that rounds what it multiplies, and can be asked not to."""

    exact_arithmetic: bool
    """Whether it computes in float32 for now."""


@contextmanager
def exactly(model: object) -> Iterator[None]:
    """Let the layers of a loaded model multiply without rounding their inputs, and round again afterwards.

    A scale that is taken from a whole batch makes an answer depend on what lies beside it. Whether masks, positions and
    caches are right is seen only without that.

    Args:
        model: with `facts`, whose module is looked through; anything else has no such layers.
    """
    layers = _rounding(model)
    for layer in layers:
        layer.exact_arithmetic = True
    try:
        yield
    finally:
        for layer in layers:
            layer.exact_arithmetic = False


def rounds(model: object) -> bool:
    """Tell whether a loaded model has layers that round what they multiply, or a runtime that does."""
    engine = engine_of(model)
    return bool(_rounding(model)) or (engine is not None and engine.rounds)


def _rounding(model: object) -> list[Rounds]:
    module = model.facts().module if isinstance(model, Model) else None
    layers: list[object] = [] if module is None else list(module.modules())
    kinds = {kind for kind, layer in {type(layer): layer for layer in layers}.items() if isinstance(layer, Rounds)}
    return [layer for layer in layers if type(layer) in kinds and isinstance(layer, Rounds)]
