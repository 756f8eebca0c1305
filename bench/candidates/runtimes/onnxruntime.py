"""`onnxruntime`: ONNX Runtime on the CPU, over graphs that torch's own exporter writes.

int8 is ONNX Runtime's dynamic quantisation of the exported graph: weights are stored in int8, and the inputs of each
product are rounded when they are known.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.candidates.engine import Artifact, Engine
from bench.candidates.interface import Model
from bench.candidates.runtime import Runtime, Wanted, form_of
from bench.suite import VariantSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.candidates.graphs import Graph


class OnnxRuntime(Runtime):
    """ONNX Runtime's provider for CPUs."""

    name = "onnxruntime"
    summary = "ONNX Runtime: heads, likelihoods and texts of encoders, decoders and encoder-decoders, as ONNX graphs"
    distributions = ("onnxruntime", "onnx", "onnxscript")
    extra = "onnx"
    forms = frozenset({"float32", "int8"})

    def convert(self, wanted: Wanted, model: Model, folder: Path) -> None:
        """Export the network's graphs, and quantise them where that is asked for."""
        graphs, sizes = wanted.family.graphs(model, wanted.role)
        for name, graph in graphs.items():
            path = folder / f"{name}.onnx"
            _export(graph, path)
            if form_of(wanted.variant) == "int8":
                _quantise(path)
        sizes.write(folder)

    def open(self, folder: Path, variant: VariantSpec, threads: int) -> Engine:
        """Prepare the graphs to be opened."""
        from bench.candidates.graphs import stand_maker

        artifact = Artifact.read(folder)
        opened = partial(_Session, threads=threads)
        return Engine(
            artifact, folder, stand_maker(artifact.role, folder, opened), rounds=form_of(variant) != "float32"
        )


def _export(graph: Graph, path: Path) -> None:
    import torch

    from bench.candidates.graphs import exported

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            exported(graph),
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            verbose=False,
        )
    assert program is not None
    program.save(path)


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain = path.with_suffix(".float32.onnx")
    path.rename(plain)
    quantize_dynamic(plain, path, weight_type=QuantType.QInt8)
    for left in path.parent.glob(f"{plain.name}*"):
        left.unlink()


class _Session:
    """One graph, opened by ONNX Runtime."""

    def __init__(self, folder: Path, name: str, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._value = onnxruntime.OrtValue
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._outputs = [given.name for given in self._session.get_outputs()]

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs, as values of ONNX Runtime, which go in again without a copy."""
        values = {name: self._taken(value) for name, value in inputs.items() if name in self._inputs}
        return list(self._session.run_with_ort_values(self._outputs, values))

    def _taken(self, value: Any) -> Any:
        return value if isinstance(value, self._value) else self._value.ortvalue_from_numpy(value)

    def array(self, value: Any) -> NDArray[Any]:
        """Make an output an array."""
        made: NDArray[Any] = value.numpy() if isinstance(value, self._value) else value
        return made
