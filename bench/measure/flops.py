"""Arithmetic per example, by the formulas of `torch.utils.flop_counter`: the one cost without noise.

It counts matrix products, convolutions and attention of the eager operators. It does not see compiled graphs,
quantised kernels or third-party extensions; there it gives no figure rather than a low one, and names the operator.

A number without noise need not be taken often. It is counted for a few inputs whose lengths stand for all: the one of
median length, or several of evenly spaced ranks; each length once, and in the first process alone. The fact says which.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

import torch
import torch._dynamo  # the registry's module needs it on first use, for 1.4 s; here the forkserver pays that once
from torch.utils.flop_counter import flop_registry, sdpa_flop_count, shape_wrapper

from bench.measure.arithmetic import NAME, NO_MODULE, SOURCE, UNIT
from bench.measure.requests import Requests
from bench.record import Fact

if TYPE_CHECKING:

    class TorchDispatchMode:
        """What is used of torch's class, which has no annotations."""

        def __enter__(self) -> Self: ...
        def __exit__(self, *error: object) -> None: ...

else:
    from torch.utils._python_dispatch import TorchDispatchMode

_sdpa_flops: Any = sdpa_flop_count


def count_flops(
    module: torch.nn.Module | None, requests: Requests, lengths: Sequence[int], examples: int, process: int
) -> list[Fact]:
    """Count the arithmetic of single requests, and return its mean per example; nothing in later processes.

    Args:
        module: the model's, for what would make the count wrong; None for a model without one.
        requests: prepared ones, by example.
        lengths: of each example's input.
        examples: how many inputs to count at most.
        process: which of the cell's fresh processes this is.
    """
    if process > 0:
        return []
    reason = why_uncountable(module)
    if reason is not None:
        return [Fact(NAME, None, UNIT, SOURCE, reason, process=process)]
    chosen = representatives(lengths, examples)
    unknown: set[str] = set()
    counts = {index: _flops(requests, index, unknown) for index in chosen}
    if unknown:
        reason = (
            f"the counter does not know {', '.join(sorted(unknown)[:MOST_NAMED])}, so that its count would be too low"
        )
        return [Fact(NAME, None, UNIT, SOURCE, reason, process=process)]
    total = sum(counts[index] * weight for index, weight in chosen.items())
    if total <= 0:
        reason = "the counter saw no operator that it knows; the model computes outside torch's eager operators"
        return [Fact(NAME, None, UNIT, SOURCE, reason, process=process)]
    shown = ", ".join(str(lengths[index]) for index in chosen)
    which = (
        f"counted once, at batch size 1, for the example of median length ({shown})"
        if len(chosen) == 1
        else f"mean over {len(chosen)} examples of evenly spaced ranks of length ({shown}), at batch size 1"
    )
    return [Fact(NAME, total / sum(chosen.values()), UNIT, SOURCE, which, process=process)]


def representatives(lengths: Sequence[int], most: int) -> Counter[int]:
    """Choose the examples that stand for all, with how many of `most` equal shares each stands for.

    The examples are ranked by length, and the middle one of each share is taken; of equal lengths the first stands for
    the others.

    >>> representatives([5, 1, 9, 9, 9], 1)
    Counter({2: 1})
    >>> representatives([5, 1, 9, 9, 9, 3], 3)
    Counter({2: 2, 5: 1})
    """
    ranked = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    shares = min(most, len(ranked))
    first = {lengths[index]: index for index in reversed(ranked)}
    middles = [ranked[int((share + 0.5) * len(ranked) / shares)] for share in range(shares)]
    return Counter(first[lengths[index]] for index in middles)


def why_uncountable(module: torch.nn.Module | None) -> str | None:
    """Explain why the counter would be wrong for a module, or None when it would be right."""
    if module is None:
        return NO_MODULE
    for part in module.modules():
        kind = type(part)
        if "quantized" in kind.__module__:
            return f"'{kind.__name__}' is quantised, and its kernels are not counted by torch's counter"
        if kind.__name__ == "OptimizedModule" or getattr(part, "_compiled_call_impl", None) is not None:
            return "the model is compiled, and the operators of a compiled graph are not counted; see its eager variant"
    return None


def _flops(requests: Requests, index: int, unknown: set[str]) -> int:
    """Count the arithmetic of one request; names of operators that cannot be counted are added to `unknown`."""
    counter = _FlopCounter()
    with _without_fast_path(), counter:
        requests.get((index,))(None)
    unknown |= counter.unknown
    return counter.total


def _vector_product(matrix: torch.Size, vector: torch.Size, *_: object, **__: object) -> int:
    """Count a matrix times a vector, or a dot product of two vectors, which torch's registry leaves out."""
    return 2 * math.prod(matrix)


def is_uncounted(namespace: str, name: str) -> bool:
    """Tell whether an operator without a formula multiplies matrices, as far as its name says, or is not torch's own.

    >>> is_uncounted("aten", "_int_mm"), is_uncounted("aten", "add"), is_uncounted("flash_attn", "forward")
    (True, False, True)
    >>> is_uncounted("aten", "upsample_linear1d"), is_uncounted("aten", "_thnn_fused_lstm_cell")
    (False, False)
    """
    if namespace not in OWN:
        return True
    words = name.strip("_").split("_")
    if {"upsample", "thnn"} & set(words) or name.endswith("_backward"):
        return False
    return any(word.endswith(("mm", "conv", "convolution")) or word in PRODUCTS for word in words)


def _cpu_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: object, **__: object) -> int:
    """Count the CPU's fused attention, which torch's own registry leaves out (2.13)."""
    return int(_sdpa_flops(query.shape, key.shape, value.shape))


OWN = frozenset({"aten", "prim", "prims", "profiler"})
"""Torch's own namespaces, whose operators without a product (adding, copying, looking up) nobody counts."""
PRODUCTS = frozenset(
    {
        "matmul",
        "linear",
        "bilinear",
        "trilinear",
        "attention",
        "rnn",
        "lstm",
        "gru",
        "einsum",
        "fft",
        "conv1d",
        "conv2d",
    }
    | {"conv3d", "cdist", "dot", "vdot", "mv", "addmv", "addr", "ger", "outer", "tensordot", "inner", "kron"}
)
"""Words in the names of torch's operators that are products."""
MOST_NAMED = 3
"""Unknown operators that a reason names."""

_FORMULAS: dict[object, Callable[..., int]] = {
    torch.ops.aten.mv: shape_wrapper(_vector_product),  # type: ignore[no-untyped-call]
    torch.ops.aten.dot: shape_wrapper(_vector_product),  # type: ignore[no-untyped-call]
    **flop_registry,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _cpu_attention,
}


class _Kind(Enum):
    """What an operator without a formula is."""

    COMPOSED = "made of others"
    FREE = "without a product"


class _FlopCounter(TorchDispatchMode):
    """Adds up torch's formulas over all operators, and nothing by module: half the time of torch's own counter.

    What an operator is (counted, made of others, or neither) is looked up once: a text of a hundred tokens takes some
    fifty thousand of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.unknown: set[str] = set()
        self._formulas: dict[torch._ops.OpOverload, Callable[..., int] | _Kind] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operator, and add what it costs."""
        kwargs = kwargs or {}
        formula = self._formulas.get(func)
        if formula is None:
            formula = self._formulas[func] = self._look_up(func)
        if formula is _Kind.COMPOSED:
            with self:
                return func.decompose(*args, **kwargs)
        result = func(*args, **kwargs)
        if callable(formula):
            self.total += int(formula(*args, **kwargs, out_val=result))
        return result

    def _look_up(self, func: torch._ops.OpOverload) -> Callable[..., int] | _Kind:
        formula = _FORMULAS.get(func._overloadpacket)
        if formula is not None:
            return formula
        if func._can_decompose():
            return _Kind.COMPOSED
        if is_uncounted(func.namespace, _name(func)):
            self.unknown.add(str(func))
        return _Kind.FREE


def _name(func: torch._ops.OpOverload) -> str:
    return str(func._schema.name).rpartition("::")[2]


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Have `nn.TransformerEncoder` and `nn.MultiheadAttention` compute through operators that are counted.

    Their fast path in inference is one fused operator, which the counter takes for none (torch 2.13).
    """
    mha: Any = torch.backends.mha
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)
