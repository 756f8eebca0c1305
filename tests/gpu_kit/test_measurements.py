"""The measurements that need a GPU, tried on stand-ins: the C library for NVML, and instruments made by hand."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.meters.energy import Energy
from bench.meters.memory import GpuPeak, Peak
from benchmarks.gpu.kit import allocations, checks, full_size, power
from benchmarks.gpu.kit.context import Context
from benchmarks.gpu.kit.load import POLL, IndependentPoll
from benchmarks.gpu.kit.peaks import H100
from benchmarks.gpu.kit.physics import block_bytes, segment_bytes
from benchmarks.gpu.kit.rows import Ledger, Row, read_rows
from tests.meters.nvml_library import Board, compile_library, in_child

WATTS, LIMIT_MW = 200.0, 300_000
PRELUDE = "from tests.meters.nvml_library import Board\nBoard().gpu(0, 'GPU-a', low=200, high=200)\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Ledger(tmp_path / "rows.jsonl", "step"), "cuda:0", tmp_path, tmp_path, 60.0)


def rows(context: Context) -> dict[str, Row]:
    return {row.name: row for row in read_rows(context.ledger.path)}


class Constant:
    """A counter of a load of constant power."""

    source, scope, hardware, poll_interval_s = "nvml_counter", "GPU 0", True, None

    def __init__(self, watts: float) -> None:
        self.watts, self.begun = watts, 0.0

    def start(self) -> None:
        self.begun = time.perf_counter()

    def stop(self) -> Energy:
        seconds = time.perf_counter() - self.begun
        return Energy(self.watts * seconds, seconds, self.source, self.scope)


class Memory:
    """Peaks as torch's allocator would have them."""

    def __init__(self, wrong_by: int = 0) -> None:
        self.wrong_by = wrong_by
        self.sizes: list[int] = []

    def take(self, size: int, device: str) -> object:
        self.sizes.append(size)
        return object()

    def start(self, poll: bool) -> None:
        assert not poll, "a poll would disturb"

    def stop(self) -> Peak:
        size = self.sizes[-1]
        return Peak(1, "rss", gpus=(GpuPeak("cuda:0", block_bytes(size) + self.wrong_by, segment_bytes(size)),))


def instruments(**changes: Any) -> SimpleNamespace:
    nvml = SimpleNamespace(
        nvmlDeviceGetEnforcedPowerLimit=lambda handle: LIMIT_MW,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=5 * 2**30),
    )
    device = SimpleNamespace(uuid="GPU-a", handle=None, index=0, mig=False)
    board = SimpleNamespace(device=device, pynvml=nvml, throttling=lambda: ())
    gpu = SimpleNamespace(states=(board,), begin=lambda: None, end=lambda: None)
    clock = SimpleNamespace(synchronise=lambda: time.sleep(0.01))
    return SimpleNamespace(**({"energy": Constant(WATTS), "gpu": gpu, "clock": clock, "rejected": ()} | changes))


@pytest.fixture
def polled(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short window, and a poll that finds the stand-in."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library))
    monkeypatch.setenv("PYTHONPATH", str(checks.ROOT))
    monkeypatch.setattr(power, "IndependentPoll", partial(IndependentPoll, code=PRELUDE + POLL))
    monkeypatch.setattr(power, "Products", lambda device: SimpleNamespace(portion=lambda: None))
    monkeypatch.setattr(power, "WINDOW_S", 0.4)
    monkeypatch.setattr(power, "LEAD_S", 0.1)


@pytest.mark.parametrize(("watts", "verdict"), [(WATTS, "PASS"), (WATTS * 1.2, "FAIL")])
def test_energy_is_held_to_the_poll_of_another_process(
    polled: None, context: Context, monkeypatch: pytest.MonkeyPatch, watts: float, verdict: str
) -> None:
    given = instruments(energy=Constant(watts))
    monkeypatch.setattr("bench.meters.bundle.open_meters", lambda device: given)
    power.energy(context)
    found = rows(context)["energy against an independent poll"]
    assert found.verdict == verdict
    assert found.value == pytest.approx(watts / WATTS, rel=0.04)
    assert rows(context)["energy against the power limit"].value == pytest.approx(watts / 300, rel=0.01)


def test_an_instance_of_which_nvml_gives_no_power_is_skipped(
    polled: None, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = instruments()
    device = given.gpu.states[0].device
    monkeypatch.setattr("bench.meters.bundle.open_meters", lambda _: given)
    device.uuid = "GPU-unknown"
    with pytest.raises(RuntimeError, match="did not start"):
        power.energy(context)
    device.uuid = "MIG-b"
    power.energy(context)
    assert rows(context)["energy against an independent poll"].verdict == "SKIP"


def test_a_gpu_without_a_meter_is_no_pass(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    given = instruments(energy=SimpleNamespace(hardware=False), rejected=("nvml_counter: no",))
    monkeypatch.setattr("bench.meters.bundle.open_meters", lambda device: given)
    power.energy(context)
    assert rows(context)["energy against an independent poll"].verdict == "FAIL"


@pytest.mark.parametrize(("wrong_by", "verdict"), [(0, "PASS"), (512, "FAIL")])
def test_memory_is_exact_to_the_block(
    context: Context, monkeypatch: pytest.MonkeyPatch, wrong_by: int, verdict: str
) -> None:
    memory = Memory(wrong_by)
    monkeypatch.setattr("bench.meters.bundle.open_meters", lambda device, energy: instruments(memory=memory))
    monkeypatch.setattr(allocations, "take", memory.take)
    monkeypatch.setattr(allocations, "board_bytes", lambda meters: 0)
    for name in ("memory_allocated", "memory_reserved"):
        monkeypatch.setattr(torch.cuda, name, lambda device: 0)
    allocations.memory(context)
    found = rows(context)
    assert {found[f"allocated for {size} bytes"].verdict for size in allocations.SIZES} == {verdict}
    assert {found[f"reserved for {size} bytes"].verdict for size in allocations.SIZES} == {"PASS"}


def test_ceilings_are_those_of_the_gpus_name(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(name="NVIDIA H100 80GB HBM3", L2_cache_size=50 * 2**20)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr("bench.meters.boards.boards_of", lambda device: SimpleNamespace(pynvml=None, devices=[None]))
    monkeypatch.setattr("bench.host.gpu.device_facts", lambda *_: {"power_limit_w": 700.0})
    assert full_size.ceilings(context) == (H100, 50 * 2**20, 700.0)
    properties.name = "Fake GPU"
    assert full_size.ceilings(context)[0] is None
    assert "Fake GPU" in rows(context)["peaks"].shown


def states() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", mig=1)
    return checks.board_states()


@pytest.mark.slow
def test_the_state_of_a_board_is_read_and_compared(
    library: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = in_child(library, states)
    assert (found[0]["uuid"], found[0]["mig"], found[0]["used_bytes"]) == ("GPU-a", [1, 1], 3 << 30)
    assert found[0]["compute"] is None, "the stand-in does not know it"
    monkeypatch.setattr(checks, "board_states", lambda: [dict(found[0])])
    (context.scratch / checks.FOUND).write_text(json.dumps(found))
    checks.left(context)
    assert {row.verdict for row in rows(context).values()} == {"PASS"}


def test_a_setting_that_was_changed_is_told(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (context.scratch / checks.FOUND).write_text('[{"uuid": "GPU-a", "mig": [0, 0], "used_bytes": 0}]')
    after = [{"uuid": "GPU-a", "mig": [1, 1], "used_bytes": 2**31}]
    monkeypatch.setattr(checks, "board_states", lambda: after)
    checks.left(context)
    assert {row.verdict for row in rows(context).values()} == {"FAIL"}
