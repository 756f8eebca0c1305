"""The board itself: which one it is, whether it is held back, who else is on it; and that nothing of it is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.scene import Scene

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, torch
kept = torch.zeros(2**20, device=sys.argv[1])
torch.cuda.synchronize()
print("ready", flush=True)
sys.stdin.read()
"""
ASKED = """
from bench.errors import BenchError
from bench.meters.boards import boards_of
from bench.running.worker.cell import _device
"""


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


def test_a_foreign_process_is_doubted(meters: Any, cuda: str) -> None:
    import torch

    from bench.doubts.foreign_gpu_process import ForeignGpuProcess
    from bench.measure.machine_doubts import gpu_doubts
    from bench.meters.gpu_state import GpuState
    from bench.meters.gpus import Gpus

    torch.zeros(1, device=cuda)
    board = meters.gpu.states[0]
    holder = subprocess.Popen(
        ["setsid", sys.executable, "-c", HOLDER, cuda], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    )  # fmt: skip
    try:
        assert holder.stdout is not None and holder.stdout.readline().strip() == "ready"
        listed = board.pynvml.nvmlDeviceGetComputeRunningProcesses(board.device.handle)
        if not listed:
            pytest.skip("NVML lists no process at all here, so that nobody can be told apart")
        state = GpuState(board.pynvml, board.device)
        seen = _as_strangers(state, holder.pid)
    finally:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(30)
    assert seen, [entry.pid for entry in listed]
    codes = [doubt.code for doubt in gpu_doubts(Gpus((state,)), 0)]
    assert ForeignGpuProcess.code in codes


def _as_strangers(state: Any, pid: int) -> dict[int, str]:
    """Look at the board as a process would whose child the holder is not."""
    from bench.meters import gpu_state

    own = gpu_state._own_pids
    gpu_state._own_pids = lambda: own() - {pid}
    try:
        state.look()
    finally:
        gpu_state._own_pids = own
    return dict(state.foreign)


@pytest.mark.parametrize(("visible", "works"), [("", False), ("uuid", True)])
def test_visible_devices_are_respected(meters: Any, cuda: str, visible: str, works: bool) -> None:
    """None visible: `auto` is the CPU, `cuda` an error with a remedy. By UUID: the same board is found."""
    uuid = meters.gpu.states[0].device.uuid
    code = (
        "import json, torch\n"
        "from bench.host.nvml import cuda_identity, find_device, open_nvml\n"
        "seen = torch.cuda.is_available()\n"
        "found = find_device(open_nvml(), cuda_identity('cuda:0')).uuid if seen else None\n"
        "print(json.dumps([seen, found]))\n"
    )
    value = "" if not visible else uuid
    ran = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"CUDA_VISIBLE_DEVICES": value}, cwd=ROOT, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    import json

    assert json.loads(ran.stdout.splitlines()[-1]) == [works, uuid if works else None]


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
