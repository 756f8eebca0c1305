"""Whether a checkpoint can be loaded on this machine, as far as its files, the libraries and the devices tell."""

from __future__ import annotations

from functools import cache

from bench.candidates import FAMILIES
from bench.candidates.adapters import Adapter, adapter_of, why_not_adapted
from bench.candidates.quantised import quant_method, why_no_variant, why_not_dequantised
from bench.errors import BenchError
from bench.host.gpu import gpu_facts
from bench.suite import ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.choosing import scoring_of


def why_not_loaded(spec: ModelSpec, task: TaskSpec, device: str) -> str | None:
    """Explain why a checkpoint cannot be loaded for a task; None where nothing speaks against it.

    Args:
        spec: the model's entry, its checkpoint absolute.
        task: that it is to do.
        device: the suite's.
    """
    adapter = _adapter(spec)
    if adapter is None:
        return why_not_dequantised(spec, has_gpu=has_gpu(device))
    learning = FAMILIES[spec.family].learning
    headed = ("label",) if scoring_of(spec.family, task) == "head" else ()
    ability = KINDS[task.kind].ability
    expected = None if learning is None else learning.towards(ability).adapter_task(headed)
    return why_not_adapted(adapter, expected) or why_not_dequantised(adapter.base_spec(spec), has_gpu=has_gpu(device))


def why_no_form(spec: ModelSpec, variant: VariantSpec, device: str) -> str | None:
    """Explain why a checkpoint cannot be in a variant; None where nothing speaks against it."""
    adapter = _adapter(spec)
    base = spec if adapter is None else adapter.base_spec(spec)
    gpu = (variant.quantise == "int4" or variant.sparsity is not None) and has_gpu(device)
    return why_no_variant(base, variant, has_gpu=gpu)


def why_not_converted(spec: ModelSpec, variant: VariantSpec) -> str | None:
    """Explain why a checkpoint cannot be converted for another runtime; None where nothing speaks against it."""
    adapter = _adapter(spec)
    if adapter is not None and not adapter.merge:
        return (
            f"the runtime '{variant.runtime}' executes one network, and this adapter lies beside its base; leave "
            "'merge: false' out there"
        )
    method = quant_method(spec if adapter is None else adapter.base_spec(spec))
    if method is None:
        return None
    return f"its weights are quantised already (by '{method}'), and are not converted; run it under torch"


def _adapter(spec: ModelSpec) -> Adapter | None:
    try:
        return adapter_of(spec)
    except BenchError:
        return None  # said at its place in the suite


def has_gpu(device: str) -> bool:
    """Tell whether the suite's device is a GPU, and this machine has one."""
    return device != "cpu" and _gpus() > 0


@cache
def _gpus() -> int:
    return len(gpu_facts()["devices"])
