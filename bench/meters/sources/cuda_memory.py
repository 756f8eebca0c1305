"""Peak memory that torch's caching allocator gave out and held on CUDA devices."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar

from bench.meters.clock import on_cuda, split_devices
from bench.meters.memory import GpuMemory, GpuPeak
from bench.meters.source import GpuMemorySource, Probe


class CudaMemory(GpuMemorySource):
    """torch's own count of each GPU."""

    name: ClassVar[str] = "cuda_memory"
    title: ClassVar[str] = "torch's CUDA allocator"
    rank: ClassVar[int] = 10

    def probe(self) -> Probe:
        """Find out whether torch was built for CUDA and there is a GPU; does not import torch."""
        try:
            torch_version = version("torch")
        except PackageNotFoundError:
            return Probe(False, "torch is not installed")
        if torch_version.endswith("+cpu"):
            return Probe(False, f"torch {torch_version} is built without CUDA")
        devices = split_devices(self.site.device) if on_cuda(self.site.device) else ()
        count = len(devices) or len(self.site.boards.devices if self.site.boards is not None else ())
        return Probe(True, f"{count} GPUs") if count else Probe(False, self.site.why_no_boards)

    def open(self) -> GpuMemory:
        """Count the devices of the site."""
        return CudaAllocator(split_devices(self.site.device))


class CudaAllocator:
    """Peaks of some CUDA devices."""

    def __init__(self, devices: tuple[str, ...]) -> None:
        self._devices = devices

    def reset(self) -> None:
        """Begin a stretch, at need by initialising CUDA."""
        import torch

        # torch refuses a reset before it is initialised; where NVML is missing, nothing else has done that yet
        torch.cuda.init()  # type: ignore[no-untyped-call]
        for device in self._devices:
            torch.cuda.reset_peak_memory_stats(torch.device(device))

    def peaks(self) -> tuple[GpuPeak, ...]:
        """Read the allocated and reserved peaks of each device."""
        import torch

        cuda = torch.cuda
        return tuple(
            GpuPeak(device, int(cuda.max_memory_allocated(device)), int(cuda.max_memory_reserved(device)))
            for device in self._devices
        )
