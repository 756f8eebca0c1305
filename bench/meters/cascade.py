"""Which energy source a machine gets: the best that answers, and why the better ones did not.

    GPU: nvml_counter → nvml_power_integral → unavailable      CPU: rapl → estimate

The host's CPU beside a GPU is read by the CPU's cascade and kept apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.host.nvml import NvmlDevice, NvmlUnavailableError, cuda_identity, find_device, open_nvml
from bench.meters.clock import Clock, split_devices
from bench.meters.energy import EnergyMeter, Unavailable
from bench.meters.estimate import CpuEstimate, cpu_model, cpu_power
from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus
from bench.meters.nvml import NvmlCounter, probe_counter
from bench.meters.nvml_power import NvmlPowerIntegral, probe_power
from bench.meters.rapl import POWERCAP, Rapl, find_zones


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sources for one device."""

    meter: EnergyMeter
    rejected: tuple[str, ...] = ()
    """Why the better sources were not taken, best first."""
    host: EnergyMeter | None = None
    gpu: Gpus | None = None


def choose_energy(
    device: str,
    clock: Clock,
    energy: Literal["auto", "off"] = "auto",
    tdp_w: float | None = None,
    powercap: Path = POWERCAP,
) -> Chosen:
    """Returns the best sources for `cpu` or `cuda:N` (several GPUs: `cuda:0,cuda:1`)."""
    off: EnergyMeter = Unavailable("the suite says energy: off")
    if not device.startswith("cuda"):
        return Chosen(off) if energy == "off" else choose_cpu(clock, tdp_w, powercap)
    try:
        pynvml = open_nvml()
        found = [find_device(pynvml, cuda_identity(part)) for part in split_devices(device)]
        devices = tuple({one.index: one for one in found}.values())  # two MIG instances may share a board
    except NvmlUnavailableError as error:
        meter = off if energy == "off" else Unavailable(str(error), "GPU")
        return Chosen(meter, () if energy == "off" else (f"nvml: {error}",))
    state = Gpus(tuple(GpuState(pynvml, one) for one in devices))
    if energy == "off":
        return Chosen(off, gpu=state)
    meter, rejected = choose_gpu(pynvml, devices, clock)
    return Chosen(meter, rejected, choose_cpu(clock, tdp_w, powercap).meter, state)


def choose_gpu(pynvml: Any, devices: tuple[NvmlDevice, ...], clock: Clock) -> tuple[EnergyMeter, tuple[str, ...]]:
    """Returns the counter where every GPU has one that moves, else the integral of power, else why there is
    neither."""
    probed = [probe_counter(pynvml, device, clock) for device in devices]
    periods = [probe.period_s for probe in probed if probe.period_s is not None]
    if len(periods) == len(devices):
        return NvmlCounter(pynvml, devices, clock, max(periods)), ()
    rejected = tuple(f"nvml_counter: {probe.reason}" for probe in probed if probe.reason is not None)
    try:
        readings = [probe_power(pynvml, device) for device in devices]
    except NvmlUnavailableError as error:
        rejected = (*rejected, f"nvml_power_integral: {error}")
        return Unavailable("; ".join(rejected), "GPU"), rejected
    coarsest = max(readings, key=lambda reading: reading.averages_s)
    return NvmlPowerIntegral(pynvml, devices, coarsest, clock), rejected


def choose_cpu(clock: Clock, tdp_w: float | None, powercap: Path = POWERCAP) -> Chosen:
    """Returns RAPL where every package can be read, else the estimate."""
    found = find_zones(powercap)
    if found.zones:
        return Chosen(Rapl(found.zones, clock))
    power = cpu_power(cpu_model(), os.cpu_count() or 1, tdp_w)
    return Chosen(CpuEstimate(clock, power), (f"rapl: {found.reason}",))
