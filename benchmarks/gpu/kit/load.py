"""Work for a device (matrix products without end), and a poll of NVML that bench has no part in."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

SIZE = 4096
"""Of the square matrices: on any GPU large enough to draw its power."""
POLL = """
import sys, threading, time
import pynvml
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByUUID(sys.argv[1].encode())
field = pynvml.NVML_FI_DEV_POWER_INSTANT
def instant():
    value = pynvml.nvmlDeviceGetFieldValues(handle, [field])[0]
    return value.value.uiVal / 1000 if value.nvmlReturn == 0 else None
watts = instant if instant() else lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
print("ready", flush=True)
while not over.wait(0.01):
    before = time.perf_counter_ns()
    power = watts()
    print((before + time.perf_counter_ns()) // 2, power, flush=True)
"""
"""A process of its own, so that nothing of the measured one slows it down. perf_counter_ns is the system's monotonic
clock on Linux, the same in every process."""


class Products:
    """Matrix products on a device, given in portions that take some milliseconds each."""

    def __init__(self, device: str, dtype: str = "bfloat16", size: int = SIZE) -> None:
        import torch

        generator = torch.Generator(device).manual_seed(0)
        kind = getattr(torch, dtype)
        self._left, self._right = (
            torch.randn(size, size, generator=generator, device=device).to(kind) for _ in range(2)
        )
        self._result = torch.empty_like(self._left)
        self.flop = 2 * size**3

    def portion(self, products: int = 16) -> None:
        """Give the device some products; it may still be busy afterwards."""
        import torch

        for _ in range(products):
            torch.mm(self._left, self._right, out=self._result)


@contextmanager
def busy(products: Products, synchronise: Any) -> Iterator[None]:
    """Keep a device busy in a thread, never more than one portion ahead."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            products.portion()
            synchronise()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class IndependentPoll:
    """Power samples of one GPU, taken by another process from NVML alone."""

    def __init__(self, uuid: str, code: str = POLL) -> None:
        """Start the process.

        Args:
            uuid: as NVML writes it: `GPU-…`, or `MIG-…` of an instance.
            code: what the process runs.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, uuid], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.is_ready = self._process.stdout.readline().strip() == "ready"
        self._lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self._lines.extend(self._process.stdout or ()), daemon=True)
        self._reader.start()
        self.samples: list[tuple[int, float]] = []

    def __enter__(self) -> Self:
        if not self.is_ready:
            self.end()
            raise RuntimeError("the independent poll of NVML did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        pairs = (line.split() for line in self._lines)
        self.samples = [(int(moment), float(watts)) for moment, watts in pairs]

    def end(self) -> None:
        """End the process, and wait for the last of what it wrote."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
