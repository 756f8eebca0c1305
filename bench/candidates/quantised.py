"""Checkpoints whose weights are stored quantised (`quantization_config`): what loading them takes, told from the file.

Each method is another library's; transformers calls it. Whether it is there, and the device that it computes on, is
known before anything is loaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from bench.candidates.checkpoint import config_of
from bench.errors import InputError
from bench.suite import ModelSpec, VariantSpec


@dataclass(frozen=True, slots=True)
class Method:
    """What one method of quantisation takes."""

    modules: tuple[str, ...]
    """Modules that must be there."""
    install: str
    """What `pip install` takes to get them."""
    needs_gpu: bool = False
    """Whether it computes on a GPU alone."""


METHODS = {
    "bitsandbytes": Method(("bitsandbytes",), "bitsandbytes"),
    "gptq": Method(("gptqmodel", "optimum"), "gptqmodel optimum"),
    "awq": Method(("gptqmodel",), "gptqmodel"),
    "torchao": Method(("torchao",), "torchao"),
    "quanto": Method(("optimum.quanto",), "optimum-quanto"),
    "hqq": Method(("hqq",), "hqq"),
    "compressed-tensors": Method(("compressed_tensors",), "compressed-tensors"),
    "aqlm": Method(("aqlm",), "aqlm[gpu,cpu]"),
    "eetq": Method(("kernels",), "kernels", needs_gpu=True),
    "fbgemm_fp8": Method(("fbgemm_gpu",), "fbgemm-gpu", needs_gpu=True),
    "fp8": Method((), "", needs_gpu=True),
    "mxfp4": Method(("kernels", "triton"), "kernels triton", needs_gpu=True),
    "higgs": Method(("flute",), "flute-kernel", needs_gpu=True),
    "vptq": Method(("vptq",), "vptq", needs_gpu=True),
    "spqr": Method(("spqr_quant",), "spqr-quant", needs_gpu=True),
    "quark": Method(("quark",), "amd-quark"),
    "auto-round": Method(("auto_round",), "auto-round"),
}
"""By `quant_method`. Source: `validate_environment` of transformers' quantizers, version 5.23."""


def quant_method(spec: ModelSpec) -> str | None:
    """Name the method by which a checkpoint's weights are stored; None where they are plain, or on the Hub."""
    try:
        settings = (config_of(spec.checkpoint, spec.subfolder) or {}).get("quantization_config")
    except InputError:
        return None  # a configuration that cannot be read fails its cells, with its own sentence
    if not isinstance(settings, Mapping):
        return None
    stated = settings.get("quant_method")
    if stated is None and (settings.get("load_in_4bit") or settings.get("load_in_8bit")):
        stated = "bitsandbytes"  # older files name no method
    return None if stated is None else str(stated)


def why_not_dequantised(spec: ModelSpec, *, has_gpu: bool) -> str | None:
    """Explain why a checkpoint that is stored quantised cannot be loaded here; None where it can.

    Args:
        spec: the model's entry, its checkpoint absolute.
        has_gpu: whether the suite's device is a GPU that is there.
    """
    name = quant_method(spec)
    if name is None:
        return None
    method = METHODS.get(name)
    if method is None:
        return f"its weights are stored by the method '{name}', which is not known here; give it unquantised"
    lacking = [module for module in method.modules if not _is_there(module)]
    if lacking:
        return (
            f"its weights are stored by the method '{name}', which needs the library {' and '.join(lacking)}; "
            f"pip install {method.install}"
        )
    if method.needs_gpu and not has_gpu:
        return f"its weights are stored by the method '{name}', which computes on a GPU alone, and there is none here"
    return None


def why_no_variant(spec: ModelSpec, variant: VariantSpec, *, has_gpu: bool) -> str | None:
    """Explain why a checkpoint cannot be in a variant here; None where nothing speaks against it.

    Args:
        spec: the model's entry, its checkpoint absolute.
        variant: that it is to be in.
        has_gpu: whether the suite's device is a GPU that is there.
    """
    changed = [variant.quantise, variant.prune, variant.shrink, variant.sparsity] != [None] * 4
    name = quant_method(spec) if changed else None
    if name is not None:
        return f"its weights are quantised already (by '{name}'); leave the variant '{variant.label}' out"
    if variant.sparsity is not None and not has_gpu:
        return "2:4 sparsity saves time on GPUs from compute capability 8.0 on (Ampere and later) alone; leave it out"
    if variant.quantise == "int4" and not has_gpu:
        return "int4 products are torchao's on GPUs alone, and there is none here; leave it out, or take int8"
    if variant.quantise == "int4" and not _is_there("torchao"):
        return "int4 is made by the library torchao, which is not installed; pip install 'bench[quantise]'"
    return None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
