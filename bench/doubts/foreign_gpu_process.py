"""The doubt that other processes used the GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import ENERGY, TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class ForeignGpuProcess(DoubtKind):
    """Processes that are not the cell's computed on its GPU."""

    code: ClassVar[str] = "foreign_gpu_process"
    title: ClassVar[str] = "GPU shared with other processes"
    advice: ClassVar[str] = "stop them, or choose another GPU with defaults.device"
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = (*TIMED, *ENERGY)

    gpu: int
    processes: tuple[tuple[int, str], ...]
    """Process number and name."""

    @property
    def message(self) -> str:
        """Name the GPU and the processes."""
        names = ", ".join(f"{name} ({pid})" for pid, name in self.processes)
        return f"other processes used GPU {self.gpu}: {names}"
