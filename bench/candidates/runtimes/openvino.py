"""`openvino`: OpenVINO on the CPU, over graphs that it makes of torch's modules.

On processors with AMX its own default is bfloat16. Here the precision of the arithmetic is always given, and read back
from what was compiled. int8 compresses the weights (NNCF); products are those of float32.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.candidates.engine import Artifact, Engine
from bench.candidates.interface import Model
from bench.candidates.runtime import Runtime, Wanted, form_of
from bench.errors import UnsupportedError
from bench.suite import VariantSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

HINTS = {"float32": "f32", "int8": "f32", "bfloat16": "bf16"}
"""Precision of the arithmetic, as OpenVINO calls it."""
TELEMETRY = "openvino_telemetry"
"""A package that OpenVINO and NNCF send their events through where it can be imported; without it they send none."""


class OpenVino(Runtime):
    """OpenVINO's plug-in for CPUs."""

    name = "openvino"
    summary = "OpenVINO: heads, likelihoods and texts of encoders, decoders and encoder-decoders, converted from torch"
    distributions = ("openvino",)
    extra = "openvino"
    forms = frozenset({"float32", "bfloat16", "int8"})
    form_packages: ClassVar[Mapping[str, tuple[str, ...]]] = {"int8": ("nncf",)}

    def convert(self, wanted: Wanted, model: Model, folder: Path) -> None:
        """Convert the network's graphs, and compress their weights where that is asked for."""
        from bench.candidates.graphs import exported

        graphs, sizes = wanted.family.graphs(model, wanted.role)
        openvino = _library()
        for name, graph in graphs.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = openvino.convert_model(exported(graph))
            for port, called in zip(made.inputs, graph.inputs, strict=True):
                port.get_tensor().set_names({called})
            for port, called in zip(made.outputs, graph.outputs, strict=True):
                port.get_tensor().set_names({called})
            if form_of(wanted.variant) == "int8":
                made = _compressed(made)
            openvino.save_model(made, str(folder / f"{name}.xml"), compress_to_fp16=False)
        sizes.write(folder)

    def open(self, folder: Path, variant: VariantSpec, threads: int) -> Engine:
        """Prepare the graphs to be compiled, in just the precision that is asked for."""
        from bench.candidates.graphs import stand_maker

        artifact, form = Artifact.read(folder), form_of(variant)
        opened = partial(_Session, threads=threads, hint=HINTS[form])
        return Engine(artifact, folder, stand_maker(artifact.role, folder, opened), rounds=form != "float32")


def _library() -> Any:
    """Import OpenVINO, with its telemetry off."""
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # what is None cannot be imported: Python's own rule
    import openvino

    return openvino


def _compressed(made: Any) -> Any:
    """Store the weights in int8."""
    import nncf

    nncf.set_log_level("ERROR")
    return nncf.compress_weights(made, mode=nncf.CompressWeightsMode.INT8_SYM)


class _Session:
    """One graph, compiled by OpenVINO."""

    def __init__(self, folder: Path, name: str, *, threads: int, hint: str) -> None:
        openvino = _library()
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(str(folder / f"{name}.xml")),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": hint,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,
                "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
                "KV_CACHE_PRECISION": hint,
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT")
        if used != getattr(openvino.Type, hint):
            raise UnsupportedError(f"'openvino' computes in {used.to_string()} here where {hint} is asked for")
        self._requests = [compiled.create_infer_request() for _ in range(2)]
        self._inputs = {called for port in compiled.inputs for called in port.get_names()}

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs as arrays: the first is the caller's, the others last until the call after the next.

        Two requests take turns, so that what one gave goes into the other without a copy: keys and values of a long
        text are megabytes at every token.
        """
        given = {name: value for name, value in inputs.items() if name in self._inputs}
        self._requests.reverse()
        made = self._requests[0].infer(given, share_inputs=True, share_outputs=True)
        first, *others = made.values()
        return [first.copy(), *others]

    def array(self, value: Any) -> NDArray[Any]:
        """Give an output, which is an array."""
        made: NDArray[Any] = value
        return made
