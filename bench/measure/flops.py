"""Arithmetic per example by `torch.utils.flop_counter`: the one cost without noise.

It counts matrix products, convolutions and attention of the eager operators. It does not see compiled graphs,
quantised kernels or third-party extensions; there it gives no figure rather than a low one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import torch
import torch._dynamo  # the counter imports it on first use in 1.4 s; here the forkserver pays that once
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from bench.measure.requests import Batch, Requests
from bench.record import Fact

SOURCE = "flop_counter"

_sdpa_flops: Callable[..., int] = sdpa_flop_count


def count_flops(
    module: torch.nn.Module | None, requests: Requests, singles: Sequence[Batch], examples: int, process: int
) -> Fact:
    """Returns `flops_per_example`: the mean over the first `examples` single requests of the seeded order."""
    reason = why_uncountable(module)
    if reason is not None:
        return Fact("flops_per_example", None, "FLOP", SOURCE, reason, process=process)
    chosen = list(singles[:examples])
    total = sum(_flops(requests, batch) for batch in chosen)
    if total <= 0:
        reason = "the counter saw no operator that it knows; the model computes outside torch's eager operators"
        return Fact("flops_per_example", None, "FLOP", SOURCE, reason, process=process)
    reason = f"mean over {len(chosen)} examples at batch size 1"
    return Fact("flops_per_example", total / len(chosen), "FLOP", SOURCE, reason, process=process)


def why_uncountable(module: torch.nn.Module | None) -> str | None:
    """Returns why the counter would be wrong for a module, or None when it would be right."""
    if module is None:
        return "the model has no torch module whose operators could be counted"
    for part in module.modules():
        kind = type(part)
        if "quantized" in kind.__module__:
            return f"'{kind.__name__}' is quantised, and its kernels are not counted by torch's counter"
        if kind.__name__ == "OptimizedModule" or getattr(part, "_compiled_call_impl", None) is not None:
            return "the model is compiled, and the operators of a compiled graph are not counted; see its eager variant"
    return None


def _flops(requests: Requests, batch: Batch) -> int:
    def cpu_attention(query: object, key: object, value: object, *_: object, **__: object) -> int:
        """The CPU's fused attention, which torch's own table leaves out (2.13); the counter hands over shapes."""
        return int(_sdpa_flops(query, key, value))

    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counter = FlopCounterMode(display=False, custom_mapping={fused: cpu_attention})
    with _without_fast_path(), counter:
        requests.get(batch)(None)
    return int(counter.get_total_flops())


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Has `nn.TransformerEncoder` and `nn.MultiheadAttention` compute through operators that are counted.

    Their fast path in inference is one fused operator, which the counter takes for none (torch 2.13).
    """
    mha: ModuleType = torch.backends.mha
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)
