from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.meters.clock import CudaTimer, HostClock, split_devices


def test_devices_of_a_suite() -> None:
    assert split_devices("cuda:0") == ("cuda:0",)
    assert split_devices("cuda:0,cuda:1") == split_devices(" cuda:0 , cuda:1") == ("cuda:0", "cuda:1")


def test_every_gpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(str(device)))
    HostClock("cuda:1").synchronise()
    assert waited == ["cuda:1"]
    HostClock("cuda:0,cuda:1").synchronise()
    assert waited == ["cuda:1", "cuda:0", "cuda:1"]


def test_events_lie_on_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing

        def record(self, stream: Any) -> None:
            self.stream = stream

        def elapsed_time(self, end: Any) -> float:
            assert self.stream == end.stream == "stream of cuda:0"
            return 2.5

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(torch.cuda, "Event", Event)
    timer = HostClock("cuda:0,cuda:1").device_timer()
    assert isinstance(timer, CudaTimer)
    timer.start()
    timer.stop()
    assert timer.elapsed_ns() == 2_500_000


def test_a_cpu_needs_no_waiting_and_has_no_events() -> None:
    clock = HostClock("cpu")
    clock.synchronise()
    assert clock.device_timer() is None
