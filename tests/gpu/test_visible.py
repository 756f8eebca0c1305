"""`CUDA_VISIBLE_DEVICES`: what it hides is not used, and what it names is the same board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gpu.scene import play, printed

pytestmark = pytest.mark.gpu

VISIBLE = """
import json
import torch
from bench.host.nvml import cuda_identity, find_device, open_nvml

seen = torch.cuda.is_available()
print(json.dumps([seen, find_device(open_nvml(), cuda_identity("cuda:0")).uuid if seen else None]))
"""


@pytest.mark.parametrize(("visible", "works"), [("", False), ("uuid", True)])
def test_visible_devices_are_respected(meters: Any, cuda: str, visible: str, works: bool) -> None:
    uuid = meters.gpu.states[0].device.uuid
    if meters.gpu.states[0].device.mig:
        pytest.skip("an instance of MIG has a name of its own")
    value = uuid if visible else ""
    assert printed(VISIBLE, CUDA_VISIBLE_DEVICES=value) == [works, uuid if works else None]


def test_where_no_gpu_is_visible_auto_is_the_cpu(device: str, tmp_path: Path, checkpoints: dict[str, Path]) -> None:
    played = play("auto", tmp_path, checkpoints, ("plain/topic",), {"CUDA_VISIBLE_DEVICES": ""}, window_s=0.1)
    record = played.record("plain", "topic")
    assert record.status == "ok", record.reason
    assert record.environment["device"] == "cpu"


def test_where_no_gpu_is_visible_asking_for_one_is_an_error_with_a_remedy(
    device: str, tmp_path: Path, checkpoints: dict[str, Path]
) -> None:
    played = play("cuda:0", tmp_path, checkpoints, ("plain/topic",), {"CUDA_VISIBLE_DEVICES": ""}, window_s=0.1)
    record = played.record("plain", "topic")
    assert record.status == "failed"
    assert record.reason and "cuda:0" in record.reason and "device: cpu" in record.reason
