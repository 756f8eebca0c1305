"""All the instruments of one worker, opened once and passed in, so that a test can pass its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from bench.meters.cascade import choose_energy, open_memory, site_of
from bench.meters.clock import Clock, HostClock
from bench.meters.cpu_clock import CpuClock
from bench.meters.energy import EnergyMeter
from bench.meters.gpus import Gpus
from bench.meters.interference import InterferenceMeter
from bench.meters.memory import MemoryMeter, Poller

STATE_POLL_S = 0.25
"""Between two looks at clocks and throttling in a pass that is not timed: a look takes under 1 ms, and heat and power
caps come and go in tenths of a second."""


@dataclass(frozen=True, slots=True)
class Meters:
    """The instruments of one worker."""

    device: str
    clock: Clock
    memory: MemoryMeter
    interference: InterferenceMeter
    energy: EnergyMeter
    """Of the device that computes."""
    host_energy: EnergyMeter | None = None
    """Of the host's CPU beside a GPU; None on a CPU, whose energy is `energy`."""
    gpu: Gpus | None = None
    """Throttling, clocks, foreign processes and memory of the GPUs; None without one."""
    rejected: tuple[str, ...] = ()
    """Why the better energy sources were not taken, best first."""
    cpu_clock: CpuClock = field(default_factory=CpuClock)

    @contextmanager
    def edges(self) -> Iterator[None]:
        """Look at the GPUs right before and after a pass, timed or not, and at the CPUs' clock right after it."""
        if self.gpu is not None:
            self.gpu.begin()
        try:
            yield
        finally:
            self.cpu_clock.look()  # first, while the CPUs are as the pass left them
            if self.gpu is not None:
                self.gpu.end()

    @contextmanager
    def polled(self) -> Iterator[None]:
        """Look at the same all the time; for passes that are not timed."""
        poller = Poller(self._glance, STATE_POLL_S)
        try:
            yield
        finally:
            poller.stop()

    def _glance(self) -> None:
        self.cpu_clock.look()
        if self.gpu is not None:
            self.gpu.glance()


def open_meters(
    device: str,
    energy: Literal["auto", "off"] = "auto",
    tdp_w: float | None = None,
    clock: Clock | None = None,
) -> Meters:
    """Open the best instruments that this machine has for `device` (`cpu`, `cuda:N`, `cuda:0,cuda:1`)."""
    site = site_of(device, clock or HostClock(device), tdp_w)
    chosen = choose_energy(site, energy)
    return Meters(
        device=device,
        clock=site.clock,
        memory=open_memory(site),
        interference=InterferenceMeter(),
        energy=chosen.meter,
        host_energy=chosen.host,
        gpu=chosen.gpu,
        rejected=chosen.rejected,
    )
