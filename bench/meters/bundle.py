"""All the instruments of one worker, opened once and passed in, so that a test can pass its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.meters.cascade import Chosen, choose_energy
from bench.meters.clock import Clock, HostClock
from bench.meters.energy import EnergyMeter
from bench.meters.gpu_state import GpuState
from bench.meters.interference import InterferenceMeter
from bench.meters.memory import MemoryMeter


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
    gpu: GpuState | None = None
    """Throttle reasons, foreign processes and memory of the GPU; None without one."""
    rejected: tuple[str, ...] = ()
    """Why the better energy sources were not taken, best first."""


def open_meters(
    device: str,
    energy: Literal["auto", "off"] = "auto",
    tdp_w: float | None = None,
    clock: Clock | None = None,
) -> Meters:
    """Returns the best instruments that this machine has for `device` (`cpu` or `cuda:N`)."""
    clock = clock or HostClock(device)
    chosen: Chosen = choose_energy(device, clock, energy, tdp_w)
    return Meters(
        device=device,
        clock=clock,
        memory=MemoryMeter(device),
        interference=InterferenceMeter(),
        energy=chosen.meter,
        host_energy=chosen.host,
        gpu=chosen.gpu,
        rejected=chosen.rejected,
    )
