"""Whether each meter works on this machine, and if not why: one function per entry of
`bench.meters.METERS`."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.host.nvml import NvmlUnavailableError, all_devices, open_nvml
from bench.meters.clock import HostClock
from bench.meters.estimate import cpu_model, cpu_power
from bench.meters.memory import MemoryMeter
from bench.meters.nvml import probe_counter
from bench.meters.nvml_power import probe_power
from bench.meters.rapl import POWERCAP, find_zones

Probe = tuple[bool, str]
"""Whether it works, and the reason or what it covers."""


def nvml_counter() -> Probe:
    """Returns whether every GPU has an energy counter that moves; takes up to a second per GPU."""
    try:
        pynvml = open_nvml()
        devices = all_devices(pynvml)
    except NvmlUnavailableError as error:
        return False, str(error)
    if not devices:
        return False, "NVML knows no GPU"
    probed = [probe_counter(pynvml, device, HostClock("cpu")) for device in devices]
    reasons = [probe.reason for probe in probed if probe.reason is not None]
    if reasons:
        return False, "; ".join(reasons)
    periods = ", ".join(
        f"GPU {device.index}: {(probe.period_s or 0) * 1000:.0f} ms"
        for device, probe in zip(devices, probed, strict=True)
    )
    return True, f"counter moves every {periods}"


def nvml_power_integral() -> Probe:
    """Returns whether every GPU has a power reading."""
    try:
        pynvml = open_nvml()
        devices = all_devices(pynvml)
        readings = [f"GPU {device.index}: {probe_power(pynvml, device).name}" for device in devices]
    except NvmlUnavailableError as error:
        return False, str(error)
    return (True, ", ".join(readings)) if readings else (False, "NVML knows no GPU")


def rapl(root: Path = POWERCAP) -> Probe:
    """Returns whether every CPU package's counter can be read."""
    found = find_zones(root)
    if found.zones:
        return True, "adds " + ", ".join(zone.name for zone in found.zones)
    return False, found.reason or "no zones"


def estimate() -> Probe:
    """Returns true, with the watts that it assumes: it only needs the process's CPU time."""
    power = cpu_power(cpu_model(), os.cpu_count() or 1, None)
    return True, f"{power.watts:.3g} W per busy CPU ({power.low:.3g} to {power.high:.3g}); {power.origin}"


def rss_high_water() -> Probe:
    """Returns whether the kernel's peak of the resident set can be reset."""
    if MemoryMeter("cpu").resettable:
        return True, "the kernel keeps the peak and lets it be reset"
    return (
        False,
        "/proc/self/clear_refs cannot be written here; peaks are polled in passes that are not timed",
    )


def cuda_memory() -> Probe:
    """Returns whether torch was built for CUDA and NVML sees a GPU; torch itself is not imported."""
    try:
        torch_version = version("torch")
    except PackageNotFoundError:
        return False, "torch is not installed"
    if torch_version.endswith("+cpu"):
        return False, f"torch {torch_version} is built without CUDA"
    try:
        count = len(all_devices(open_nvml()))
    except NvmlUnavailableError as error:
        return False, str(error)
    return (True, f"{count} GPUs") if count else (False, "NVML knows no GPU")
