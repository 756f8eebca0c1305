"""The GPUs of the machine as NVML sees them: names, driver, VBIOS, limits, clocks. Makes no CUDA context."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from bench.host.facts import Facts
from bench.host.nvml import NvmlDevice, NvmlUnavailableError, all_devices, attempt, open_nvml

T = TypeVar("T")


def gpu_facts() -> Facts:
    """Describe the GPUs: `devices` (one dict each) and `driver`, or `reason` when there is no usable GPU."""
    try:
        pynvml = open_nvml()
        devices = all_devices(pynvml)
    except NvmlUnavailableError as error:
        return {"devices": [], "reason": str(error)}
    driver, _ = attempt(pynvml, lambda: str(pynvml.nvmlSystemGetDriverVersion()))
    cuda, _ = attempt(pynvml, lambda: int(pynvml.nvmlSystemGetCudaDriverVersion_v2()))
    return {
        "devices": [device_facts(pynvml, device, driver) for device in devices],
        "driver": driver,
        "cuda_driver": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
    }


def device_facts(pynvml: ModuleType, device: NvmlDevice, driver: str | None) -> Facts:
    """Describe one GPU; None for what NVML does not answer."""
    nv, handle = pynvml, device.handle

    def read(call: Callable[[], T]) -> T | None:
        return attempt(nv, call)[0]

    limit = read(lambda: int(nv.nvmlDeviceGetEnforcedPowerLimit(handle)))
    return {
        "index": device.index,
        "name": device.name,
        "uuid": device.uuid,
        "driver": driver,
        "vbios": read(lambda: str(nv.nvmlDeviceGetVbiosVersion(handle))),
        "mig": device.mig,
        "memory_bytes": read(lambda: int(nv.nvmlDeviceGetMemoryInfo(handle).total)),
        "power_limit_w": None if limit is None else limit / 1000,
        "sm_clock_mhz": read(lambda: int(nv.nvmlDeviceGetClockInfo(handle, nv.NVML_CLOCK_SM))),
        "memory_clock_mhz": read(lambda: int(nv.nvmlDeviceGetClockInfo(handle, nv.NVML_CLOCK_MEM))),
        "max_sm_clock_mhz": read(lambda: int(nv.nvmlDeviceGetMaxClockInfo(handle, nv.NVML_CLOCK_SM))),
        "temperature_c": read(lambda: int(nv.nvmlDeviceGetTemperature(handle, nv.NVML_TEMPERATURE_GPU))),
        "persistence": read(lambda: bool(nv.nvmlDeviceGetPersistenceMode(handle))),
    }
