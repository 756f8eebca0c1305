"""Access to NVIDIA's management library (NVML): opening it, finding the GPU that CUDA means, and errors as reasons.

Nothing here measures. The order of GPUs in NVML is that of the PCI bus, in CUDA that of speed or of
`CUDA_VISIBLE_DEVICES`; so a GPU is found by its UUID or its place on the PCI bus, never by its position.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

REMEDIES = {
    "LIBRARY_NOT_FOUND": "libnvidia-ml.so.1 was not found; install the NVIDIA driver, or put its folder on "
    "LD_LIBRARY_PATH before Python starts",
    "DRIVER_NOT_LOADED": "the NVIDIA driver is not loaded; try 'nvidia-smi', 'sudo modprobe nvidia'",
    "NO_PERMISSION": "not permitted for this user; ask for read access to /dev/nvidiactl, or run as root",
    "NOT_SUPPORTED": "not supported by this GPU or by this virtual GPU",
    "FUNCTION_NOT_FOUND": "the driver's NVML lacks this function; a newer driver has it",
    "GPU_IS_LOST": "the GPU fell off the bus; a reboot or a power cycle brings it back, 'dmesg' says why",
}
"""What to do about NVML's errors, by the name of the code."""


class NvmlUnavailableError(Exception):
    """NVML or the GPU in it cannot be used; `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class GpuIdentity:
    """What CUDA knows of one of its devices."""

    uuid: str | None
    """Without the `GPU-` in front."""
    pci: tuple[int, int, int] | None
    """Domain, bus, device."""


@dataclass(frozen=True, slots=True)
class NvmlDevice:
    """One GPU in NVML."""

    handle: object
    index: int
    """Position in NVML, the one of `nvidia-smi`."""
    uuid: str
    name: str
    mig: bool
    """Whether it is divided into MIG instances; power is then still the whole board's."""


def open_nvml() -> ModuleType:
    """Open NVML through the `pynvml` module.

    Raises:
        NvmlUnavailableError: with what is missing.
    """
    try:
        pynvml = import_module("pynvml")
    except ImportError as error:
        raise NvmlUnavailableError("the package nvidia-ml-py is not installed") from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NvmlUnavailableError(reason_of(pynvml, error)) from error
    return pynvml


def reason_of(pynvml: ModuleType, error: Exception) -> str:
    """Say in one line what NVML's error is, and what to do about it."""
    code = getattr(error, "value", None)
    for name, remedy in REMEDIES.items():
        if code == getattr(pynvml, f"NVML_ERROR_{name}"):
            return f"NVML says '{error}': {remedy}"
    return f"NVML says '{error}'"


def attempt(pynvml: ModuleType, read: Callable[[], T]) -> tuple[T | None, str | None]:
    """Read a value: `(value, None)`, or `(None, reason)` where NVML answers with an error."""
    try:
        return read(), None
    except pynvml.NVMLError as error:
        return None, reason_of(pynvml, error)


def cuda_identity(device: str) -> GpuIdentity:
    """Ask torch for the UUID and the PCI place of a device `cuda:N`."""
    import torch

    properties = torch.cuda.get_device_properties(torch.device(device))
    uuid = getattr(properties, "uuid", None)
    domain, bus, slot = (getattr(properties, name, None) for name in ("pci_domain_id", "pci_bus_id", "pci_device_id"))
    pci = None if domain is None or bus is None or slot is None else (int(domain), int(bus), int(slot))
    return GpuIdentity(None if uuid is None else str(uuid), pci)


def find_device(pynvml: ModuleType, wanted: GpuIdentity) -> NvmlDevice:
    """Find the GPU in NVML that CUDA means: by UUID, else by its place on the PCI bus.

    A MIG instance has a UUID of its own, and the place of its board.

    Raises:
        NvmlUnavailableError: none of NVML's GPUs is it.
    """
    devices = [(device, place) for device, place in _devices(pynvml)]
    for device, _ in devices:
        if wanted.uuid is not None and _bare(device.uuid) == _bare(wanted.uuid):
            return device
    for device, place in devices:
        if wanted.pci is not None and place == wanted.pci:
            return device
    uuids = ", ".join(device.uuid for device, _ in devices) or "none"
    raise NvmlUnavailableError(f"no GPU of NVML ({uuids}) has CUDA's UUID {wanted.uuid} or PCI place {wanted.pci}")


def all_devices(pynvml: ModuleType) -> list[NvmlDevice]:
    """List every GPU that NVML can name."""
    return [device for device, _ in _devices(pynvml)]


def board_scope(devices: tuple[NvmlDevice, ...]) -> str:
    """Say what power and energy of these GPUs cover."""
    names = ", ".join(f"GPU {device.index} ({device.name})" for device in devices)
    shared = "; MIG is on, so other instances are in it" if any(device.mig for device in devices) else ""
    return f"{names}, whole board{shared}"


def _devices(pynvml: ModuleType) -> list[tuple[NvmlDevice, tuple[int, int, int] | None]]:
    try:
        count = int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError as error:
        raise NvmlUnavailableError(reason_of(pynvml, error)) from error
    devices_here = []
    for index in range(count):
        handle, _ = attempt(pynvml, partial(pynvml.nvmlDeviceGetHandleByIndex, index))
        if handle is not None:
            devices_here.append((_device(pynvml, handle, index), _place(pynvml, handle)))
    return devices_here


def _device(pynvml: ModuleType, handle: object, index: int) -> NvmlDevice:
    uuid, _ = attempt(pynvml, lambda: str(pynvml.nvmlDeviceGetUUID(handle)))
    name, _ = attempt(pynvml, lambda: str(pynvml.nvmlDeviceGetName(handle)))
    mode, _ = attempt(pynvml, lambda: int(pynvml.nvmlDeviceGetMigMode(handle)[0]))
    return NvmlDevice(handle, index, uuid or "", name or "GPU", mode == pynvml.NVML_DEVICE_MIG_ENABLE)


def _place(pynvml: ModuleType, handle: object) -> tuple[int, int, int] | None:
    info, _ = attempt(pynvml, lambda: pynvml.nvmlDeviceGetPciInfo(handle))
    return None if info is None else (int(info.domain), int(info.bus), int(info.device))


def _bare(uuid: str) -> str:
    return uuid.removeprefix("GPU-").lower()
