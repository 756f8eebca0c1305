"""Arithmetic per example of a model with a torch module; the counter, which needs torch, is imported for it alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.measure.requests import Requests
from bench.record import Fact

if TYPE_CHECKING:
    import torch

SOURCE = "flop_counter"
NAME, UNIT = "flops_per_example", "FLOP"
NO_MODULE = "the model has no torch module whose operators could be counted"


def arithmetic(
    module: torch.nn.Module | None, requests: Requests, lengths: Sequence[int], examples: int, process: int
) -> list[Fact]:
    """Count the arithmetic of single requests as `bench.measure.flops` does; a reason for a model without a module."""
    if module is None:
        return [] if process > 0 else [Fact(NAME, None, UNIT, SOURCE, NO_MODULE, process=process)]
    from bench.measure.flops import count_flops

    return count_flops(module, requests, lengths, examples, process)
