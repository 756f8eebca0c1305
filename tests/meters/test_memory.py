from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.meters.cascade import open_memory
from bench.meters.clock import HostClock
from bench.meters.memory import MemoryMeter, has_children
from bench.meters.source import OWN_PROC, Site
from bench.meters.sources.cuda_memory import CudaAllocator
from bench.meters.sources.rss_high_water import high_water_bytes

MIB = 1024**2


def meter_at(proc: Path = OWN_PROC) -> MemoryMeter:
    return open_memory(Site("cpu", HostClock("cpu"), proc=proc))


def test_peak_of_memory_that_is_gone_again() -> None:
    meter = meter_at()
    before = meter.rss_bytes()
    meter.start(poll=not meter.keeps_peak)
    held = np.ones(256 * MIB, dtype=np.uint8)
    del held
    peak = meter.stop()
    assert peak.rss_bytes is not None
    assert peak.rss_bytes - before == pytest.approx(256 * MIB, rel=0.05)


def test_each_stretch_starts_afresh() -> None:
    meter = meter_at()
    if not meter.keeps_peak:
        pytest.skip("the kernel's peak cannot be reset here")
    meter.start(poll=False)
    held = np.ones(128 * MIB, dtype=np.uint8)
    del held
    first = meter.stop().rss_bytes or 0
    meter.start(poll=False)
    second = meter.stop().rss_bytes or 0
    assert first - second == pytest.approx(128 * MIB, rel=0.05)


def test_children_count() -> None:
    meter = meter_at()
    alone = meter.rss_bytes()
    code = f"held = bytearray(b'x') * {64 * MIB}; print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        meter.start(poll=False)
        peak = meter.stop()
        child.communicate("\n")
    assert (peak.rss_bytes or 0) - alone > 64 * MIB


def test_without_the_kernels_peak_a_timed_stretch_has_a_reason(tmp_path: Path) -> None:
    meter = meter_at(tmp_path)
    assert not meter.keeps_peak
    meter.start(poll=False)
    peak = meter.stop()
    assert peak.rss_bytes is None
    assert "disturb a timed pass" in (peak.reason or "")


def test_without_the_kernels_peak_an_untimed_stretch_is_polled(tmp_path: Path) -> None:
    meter = meter_at(tmp_path)
    meter.start(poll=True)
    peak = meter.stop()
    assert peak.source == "rss_polled"
    assert (peak.rss_bytes or 0) > 10 * MIB


def test_high_water_of_a_status_file(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t  512 kB\nVmRSS:\t 4 kB\n")
    assert high_water_bytes(status) == 512 * 1024
    assert high_water_bytes(tmp_path / "none") is None


def test_peaks_of_children_start_afresh_too() -> None:
    """A child that held 96 MiB before the stretch and holds nothing in it."""
    meter = meter_at()
    if not meter.keeps_peak:
        pytest.skip("the kernel's peak cannot be reset here")
    code = f"held = bytearray(b'x') * {96 * MIB}; del held; print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        before = meter.rss_bytes()
        meter.start(poll=False)
        peak = meter.stop()
        child.communicate("\n")
    assert (peak.rss_bytes or 0) - before < 32 * MIB


def test_a_gpu_that_nothing_has_touched_yet_is_initialised_before_its_peak_is_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[str] = []
    cuda = SimpleNamespace(
        init=lambda: called.append("init"), reset_peak_memory_stats=lambda device: called.append(f"reset {device}")
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, device=str))
    CudaAllocator(("cuda:0", "cuda:1")).reset()
    assert called == ["init", "reset cuda:0", "reset cuda:1"]


def test_a_process_knows_at_once_whether_it_has_children(tmp_path) -> None:
    script = (
        "import subprocess, sys, threading; from pathlib import Path; from bench.meters.memory import has_children\n"
        "own = Path('/proc/self'); print(has_children(own))\n"
        "def start(): started.append(subprocess.Popen(['sleep', '60']))\n"
        "started = []; thread = threading.Thread(target=start); thread.start(); thread.join()\n"
        "print(has_children(own)); started[0].kill(); started[0].wait(); print(has_children(own))\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["False", "True", "False"]
    assert has_children(tmp_path / "gone")
