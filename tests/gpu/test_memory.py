"""Memory of a GPU: torch's count, the driver's, and a size that is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[2]
SIZE = 256 * 2**20
DRIVER_BYTES = 2 * 2**20
"""Granularity in which the driver gives memory out."""

CODE = """
import json, sys
import torch
from bench.meters.allocator import release
from bench.meters.bundle import open_meters
from bench.meters.gpu_state import GpuState

device, size = sys.argv[1], int(sys.argv[2])
meters = open_meters(device, "off")
torch.zeros(1, device=device)
release()

def driver():
    board = meters.gpu.states[0]
    state = GpuState(board.pynvml, board.device)
    state.look()
    return state.process_bytes, state.device_bytes, state.why_not

before, base = driver(), torch.cuda.memory_reserved(device)
meters.memory.start(poll=False)
kept = torch.empty(size, dtype=torch.uint8, device=device)
peak, after = meters.memory.stop(), driver()
del kept
meters.memory.start(poll=False)
later = meters.memory.stop()
print(json.dumps({"before": before, "after": after, "base": base, "allocated": peak.gpu_allocated_bytes,
                  "reserved": peak.gpu_reserved_bytes, "later": later.gpu_allocated_bytes}))
"""


@pytest.fixture(scope="module")
def found(cuda: str) -> dict:
    """A process of its own, whose allocator is empty."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE, cuda, str(SIZE)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_allocated_and_reserved_are_exact(found: dict) -> None:
    assert found["allocated"] == SIZE
    assert found["reserved"] - found["base"] == SIZE


def test_a_peak_belongs_to_its_own_stretch(found: dict) -> None:
    assert found["later"] == 0


def test_the_board_grows_by_what_was_taken(found: dict) -> None:
    assert found["after"][1] - found["before"][1] == pytest.approx(SIZE, abs=4 * DRIVER_BYTES)


def test_the_process_grows_by_what_was_taken(found: dict) -> None:
    if found["before"][0] is None or found["after"][0] is None:
        pytest.skip(f"NVML books no memory on this process: {found['after'][2]}")
    assert found["after"][0] - found["before"][0] == pytest.approx(SIZE, abs=DRIVER_BYTES)
