"""The GPUs of the machine as NVML sees them: names, driver, VBIOS, limits, clocks. No CUDA context is
made."""

from __future__ import annotations

from typing import Any

from bench.host.nvml import NvmlDevice, NvmlUnavailableError, all_devices, attempt, open_nvml


def gpu_facts() -> dict[str, Any]:
    """Returns `devices` (one dict each) and `driver`, or `reason` when there is no usable GPU."""
    try:
        pynvml = open_nvml()
        found = all_devices(pynvml)
    except NvmlUnavailableError as error:
        return {"devices": [], "reason": str(error)}
    driver, _ = attempt(pynvml, lambda: str(pynvml.nvmlSystemGetDriverVersion()))
    cuda, _ = attempt(pynvml, lambda: int(pynvml.nvmlSystemGetCudaDriverVersion_v2()))
    return {
        "devices": [device_facts(pynvml, device, driver) for device in found],
        "driver": driver,
        "cuda_driver": None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
    }


def device_facts(pynvml: Any, device: NvmlDevice, driver: str | None) -> dict[str, Any]:
    """Returns what NVML knows of one GPU; None for what it does not answer."""
    nv, handle = pynvml, device.handle

    def read(call: Any) -> Any:
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
