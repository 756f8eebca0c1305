"""The board itself: which one it is, whether it is held back, who else is on it; and that nothing of it is changed."""

from __future__ import annotations

import os
from typing import Any

import pytest

from bench.doubts.foreign_gpu_process import ForeignGpuProcess
from tests.gpu.scene import Scene, printed

pytestmark = pytest.mark.gpu

LOOK = """
import json, os, sys
import torch
from bench.measure.machine_doubts import gpu_doubts
from bench.meters.boards import boards_of
from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus

kept = torch.zeros(2**20, device=sys.argv[1])
torch.cuda.synchronize()
boards = boards_of(sys.argv[1])
state = GpuState(boards.pynvml, boards.devices[0])
state.look()
listed = [int(entry.pid) for entry in boards.pynvml.nvmlDeviceGetComputeRunningProcesses(boards.devices[0].handle)]
codes = [doubt.code for doubt in gpu_doubts(Gpus((state,)), 0)]
print(json.dumps({"own": os.getpid(), "listed": listed, "foreign": sorted(state.foreign), "codes": codes}))
"""
"""Of another process: what it sees of the board that this one uses too."""


def test_the_board_is_the_one_that_cuda_means(meters: Any, cuda: str) -> None:
    """Name and memory agree, and memory that is taken on the device is missed on the board that was found."""
    import torch

    state = meters.gpu.states[0]
    properties = torch.cuda.get_device_properties(cuda)
    assert properties.name in state.device.name or state.device.name in properties.name
    uuid = str(properties.uuid)
    assert state.device.mig or uuid in state.device.uuid
    handle = state.device.handle

    def used() -> int:
        return int(state.pynvml.nvmlDeviceGetMemoryInfo(handle).used)

    torch.cuda.empty_cache()
    before = used()
    kept = torch.empty(512 * 2**20, dtype=torch.uint8, device=cuda)
    grown = used() - before
    del kept
    torch.cuda.empty_cache()
    assert grown == pytest.approx(512 * 2**20, rel=0.1)


def test_throttle_bits_are_read_and_known(scene: Scene, meters: Any) -> None:
    from bench.meters.gpu_state import THROTTLING

    meters.gpu.begin()
    meters.gpu.end()
    state = meters.gpu.states[0]
    assert state.throttle_bits is not None, state.why_not
    harmless = 0x001 | 0x002 | 0x100  # idle, clocks that somebody set, display clocks
    assert state.throttle_bits & ~(sum(THROTTLING) | harmless) == 0
    fact = scene.fact("gpt2", "write", "gpu_throttle_bits")
    assert fact.value is not None, fact.reason


def test_state_of_the_board_is_in_the_record(cuda: str, scene: Scene) -> None:
    for name in ("peak_gpu_device_bytes", "gpu_temperature_c", "gpu_sm_clock_mhz"):
        fact = scene.fact("gpt2", "write", name)
        assert fact.value, f"{name}: {fact.reason}"


def test_a_foreign_process_is_doubted(cuda: str) -> None:
    """Another process, whose child this one is not, sees this one on the board."""
    import torch

    kept = torch.zeros(2**20, device=cuda)
    torch.cuda.synchronize()
    seen = printed(LOOK, cuda)
    del kept
    if len(seen["listed"]) < 2:
        pytest.skip(f"NVML lists {len(seen['listed'])} processes of the two that are there")
    assert ForeignGpuProcess.code in seen["codes"]
    if seen["own"] in seen["listed"]:
        assert os.getpid() in seen["foreign"] and seen["own"] not in seen["foreign"]


def test_mig_and_settings_are_left_as_they_are(meters: Any, scene: Scene) -> None:
    """After all passes of the scene, the modes are those that NVML had at the beginning of this process."""
    state = meters.gpu.states[0]
    nv, handle = state.pynvml, state.device.handle
    try:
        current, pending = nv.nvmlDeviceGetMigMode(handle)
    except nv.NVMLError_NotSupported:
        pytest.skip("this GPU knows no MIG")
    assert current == pending
    assert (current == nv.NVML_DEVICE_MIG_ENABLE) == state.device.mig
