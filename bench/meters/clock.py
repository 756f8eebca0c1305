"""The clock of a measurement: the host's monotonic nanoseconds, and a device that is waited for at both ends.

Everything that measures takes a `Clock`, so that a test can pass one whose time it moves itself. This module
does not know what is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

NS_PER_S = 1_000_000_000


def on_cuda(device: str) -> bool:
    """Tell whether a device, or the first of several, is an NVIDIA GPU.

    >>> on_cuda("cuda:0, cuda:1"), on_cuda("cpu")
    (True, False)
    """
    return device.startswith("cuda")


def split_devices(device: str) -> tuple[str, ...]:
    """Split a list of devices, as a suite writes it, into the single ones.

    >>> split_devices("cuda:0, cuda:1")
    ('cuda:0', 'cuda:1')
    """
    return tuple(part.strip() for part in device.split(",") if part.strip())


class DeviceTimer(Protocol):
    """The device's own stopwatch for one interval (a pair of CUDA events)."""

    def start(self) -> None:
        """Mark the beginning on the device's stream."""

    def stop(self) -> None:
        """Mark the end on the device's stream."""

    def elapsed_ns(self) -> int:
        """Read the nanoseconds between the marks; the device must have been synchronised since."""


class Clock(Protocol):
    """Time of the host, and how to wait for the device."""

    def now_ns(self) -> int:
        """Read the monotonic nanoseconds of the host."""

    def synchronise(self) -> None:
        """Wait until the device has finished all the work given to it."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""

    def device_timer(self) -> DeviceTimer | None:
        """Make a stopwatch of the device, or None for a device without one."""


class HostClock:
    """`time.perf_counter_ns`, with the synchroniser of `device` (`cpu`, `cuda:N`, `cuda:N,cuda:M`, `mps`)."""

    now_ns: Callable[[], int]
    synchronise: Callable[[], None]

    def __init__(self, device: str) -> None:
        self.device = device
        self.now_ns = time.perf_counter_ns  # bound once: an attribute of the instance is the cheapest call Python has
        self.synchronise = _synchroniser(device)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass without using a core."""
        time.sleep(seconds)

    def device_timer(self) -> DeviceTimer | None:
        """Make a pair of CUDA events, or None on other devices.

        Of several GPUs the first: it takes the input, and the answer comes back to it, so its stream waits for the
        others.
        """
        return CudaTimer(split_devices(self.device)[0]) if on_cuda(self.device) else None


class CudaTimer:
    """Two CUDA events on the current stream of one device."""

    def __init__(self, device: str) -> None:
        import torch

        self._stream = torch.cuda.current_stream(torch.device(device))
        event: Callable[..., torch.cuda.Event] = torch.cuda.Event
        self._begin, self._end = event(enable_timing=True), event(enable_timing=True)

    def start(self) -> None:
        """Record the first event."""
        self._begin.record(self._stream)

    def stop(self) -> None:
        """Record the second event."""
        self._end.record(self._stream)

    def elapsed_ns(self) -> int:
        """Read the time between the events; `elapsed_time` is in milliseconds with about 0.5 µs resolution."""
        return int(self._begin.elapsed_time(self._end) * 1e6)


def _synchroniser(device: str) -> Callable[[], None]:
    if on_cuda(device):
        import torch

        targets = [torch.device(part) for part in split_devices(device)]
        if len(targets) == 1:
            return lambda: torch.cuda.synchronize(targets[0])
        return lambda: _synchronise_all(targets)
    if device == "mps":
        import torch

        return torch.mps.synchronize
    return _nothing


def _synchronise_all(targets: list[torch.device]) -> None:
    """Wait for every device; work that one gives to another has been given by the time the first has finished."""
    import torch

    for target in targets:
        torch.cuda.synchronize(target)


def _nothing() -> None:
    """A CPU has finished when the call returns."""
