"""The GPUs that a cell uses, as NVIDIA's management library (NVML) knows them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from bench.host.nvml import NvmlDevice, all_devices, cuda_identity, find_device, open_nvml
from bench.meters.clock import split_devices


@dataclass(frozen=True, slots=True)
class Boards:
    """NVML, opened, and some of its GPUs; two MIG instances may share one."""

    pynvml: ModuleType
    devices: tuple[NvmlDevice, ...]


def boards_of(device: str) -> Boards:
    """Find the boards of a torch device (`cuda:N`, or several joined by commas).

    Raises:
        NvmlUnavailableError: NVML cannot be used, or does not know a GPU that CUDA uses.
    """
    pynvml = open_nvml()
    boards = [find_device(pynvml, cuda_identity(part)) for part in split_devices(device)]
    return Boards(pynvml, tuple({board.index: board for board in boards}.values()))


def all_boards() -> Boards:
    """Find every board of this machine, without torch.

    Raises:
        NvmlUnavailableError: NVML cannot be used.
    """
    pynvml = open_nvml()
    return Boards(pynvml, tuple(all_devices(pynvml)))
