"""Variants: the same weights run another way. One file per kind of variant."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Literal

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
    """Shrink, prune, quantise and compile a module as `variant` says, in that order.

    Returns:
        The module, and a note for `ModelFacts.notes`: `variant_reach`, what was reached of which weights by the step
        that reached least; `variant_shrunk`, which parts were taken out; `variant_made_by`, the library that quantised.
        Empty where weights stay as they are.

    Raises:
        UnsupportedError: the variant does not exist on this device, or reaches none of the weights.
    """
    reaches: dict[str, Reach] = {}
    note: Note = {}
    if variant.shrink is not None:
        from bench.candidates.variants.shrink import shrink

        module, note = shrink(module, variant.shrink)
    if variant.prune is not None:
        from bench.candidates.variants.prune import prune

        module, reaches["pruning"] = prune(module, variant.prune)
    if variant.sparsity is not None:
        from bench.candidates.variants.sparse import sparsify

        module, reaches[variant.sparsity] = sparsify(module, device)
    if variant.quantise is not None:
        module, reaches[variant.quantise], note["variant_made_by"] = _quantised(module, variant.quantise, device)
    if variant.compile:
        from bench.candidates.variants.compile import compile_module

        module = compile_module(module)
    return module, note | _note(reaches)


def _quantised(module: Network, bits: Literal["int8", "int4"], device: str) -> tuple[Network, Reach, str]:
    """Quantise a module by the library that is fastest there; return it with what was reached, and the library."""
    import torch

    if bits == "int8" and device.startswith("cpu") and hasattr(torch.ao.quantization, "quantize_dynamic"):
        from bench.candidates.variants.quantise import quantise

        return *quantise(module), f"torch {version_of('torch')} (quantize_dynamic)"
    from bench.candidates.variants.torchao import quantise_by_torchao

    return *quantise_by_torchao(module, bits, device), f"torchao {version_of('torchao')}"


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
