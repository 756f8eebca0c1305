"""Variants: the same weights run another way. One file per kind of variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.candidates.untyped import Network
from bench.errors import UnsupportedError
from bench.suite import VariantSpec

if TYPE_CHECKING:
    import torch

    from bench.candidates.variants.reach import Reach

Note = dict[str, object]
"""Entries of `ModelFacts.notes`."""


def torch_dtype(variant: VariantSpec) -> torch.dtype:
    """Look up the dtype in which the weights are loaded."""
    import torch

    dtype: torch.dtype = getattr(torch, variant.dtype)
    return dtype


def version(variant: VariantSpec) -> int:
    """Number what has changed in what a variant does to weights; part of a cell's identity where it is not 1.

    2: Conv1D is reached, and a tied output layer is not pruned.
    """
    return 2 if variant.prune is not None or variant.quantise is not None else 1


def apply(module: Network, variant: VariantSpec, device: str) -> tuple[Network, Note]:
    """Prune, quantise and compile a module as `variant` says, in that order.

    Returns:
        The module, and a note for `ModelFacts.notes`: `variant_reach`, what was reached of which weights by the step
        that reached least; empty where weights stay as they are.

    Raises:
        UnsupportedError: the variant does not exist on this device, or reaches none of the weights.
    """
    reaches: dict[str, Reach] = {}
    if variant.prune is not None:
        from bench.candidates.variants.prune import prune

        module, reaches["pruning"] = prune(module, variant.prune)
    if variant.quantise is not None:
        if not device.startswith("cpu"):
            raise UnsupportedError(
                f"int8 dynamic quantisation runs on the CPU only, not on {device}; leave it out there"
            )
        from bench.candidates.variants.quantise import quantise

        module, reaches["int8"] = quantise(module)
    if variant.compile:
        from bench.candidates.variants.compile import compile_module

        module = compile_module(module)
    return module, _note(reaches)


def _note(reaches: Mapping[str, Reach]) -> Note:
    if not reaches:
        return {}
    step, least = min(reaches.items(), key=lambda item: item[1].reached / max(item[1].weights, 1))
    if not least.reached:
        left = f"; its weights are in layers of the class {', '.join(least.left[:3])}" if least.left else ""
        raise UnsupportedError(
            f"{step} reaches none of the model's weights{left}, and only linear layers are changed; leave the "
            "variant out"
        )
    return {"variant_reach": {"step": step, **least.note()}}
