"""Weights in eight and four bits by torchao, in a candidate of one's own; last, since its processes start slowly."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.gpu.scene import EXTRAS, play

pytestmark = pytest.mark.gpu

WIDTHS = {"int8": 1.3, "int4": 1.0}
"""Bytes of a weight at most, scales and the layer that is left alone included."""


@pytest.mark.parametrize("scheme", ["int8", "int4"])
def test_weights_quantised_by_torchao_are_measured(
    device: str, scheme: str, tmp_path: Path, checkpoints: dict[str, Path]
) -> None:
    """Where torchao is installed, the server of processes must not have asked CUDA anything either."""
    extras = os.environ.get(EXTRAS)
    if extras is None and importlib.util.find_spec("torchao") is None:
        pytest.skip("torchao is not installed")
    if scheme == "int4" and device == "cpu":
        pytest.skip("torchao's tiles of four bits are a GPU's")
    paths = os.pathsep.join(path for path in (extras, os.environ.get("PYTHONPATH")) if path)
    played = play(device, tmp_path, checkpoints, (f"{scheme}/topic",), {"PYTHONPATH": paths})
    record = played.record(f"{scheme}[bfloat16]", "topic")
    assert record.status == "ok", record.reason
    assert [timing for timing in record.timings if timing.phase == "latency"]
    facts = {fact.name: fact.value for fact in record.facts}
    assert facts["weights_bytes"] and facts["parameters"]
    assert facts["weights_bytes"] / facts["parameters"] < WIDTHS[scheme]
