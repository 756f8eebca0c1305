"""Variants: the same weights run another way. One file per kind of variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.candidates.untyped import Network
from bench.errors import UnsupportedError
from bench.suite import VariantSpec

if TYPE_CHECKING:
    import torch


def torch_dtype(variant: VariantSpec) -> torch.dtype:
    """Returns the dtype in which the weights are loaded."""
    import torch

    dtype: torch.dtype = getattr(torch, variant.dtype)
    return dtype


def apply(module: Network, variant: VariantSpec, device: str) -> Network:
    """Returns `module` pruned, quantised and compiled as `variant` says, in that order.

    Raises:
        UnsupportedError: the variant does not exist on this device.
    """
    if variant.prune is not None:
        from bench.candidates.variants.prune import prune

        module = prune(module, variant.prune)
    if variant.quantise is not None:
        if not device.startswith("cpu"):
            raise UnsupportedError(
                f"int8 dynamic quantisation runs on the CPU only, not on {device}; leave it out there"
            )
        from bench.candidates.variants.quantise import quantise

        module = quantise(module)
    if variant.compile:
        from bench.candidates.variants.compile import compile_module

        module = compile_module(module)
    return module
