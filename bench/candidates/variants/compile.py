"""`torch.compile` of a module's forward. Compilation happens in the first requests, which warm-up leaves
out."""

from __future__ import annotations

import torch


def compile_module(module: torch.nn.Module) -> torch.nn.Module:
    """Returns `module` with a compiled forward, dynamic in its shapes, since real inputs differ in length."""
    module.compile(dynamic=True)
    return module
