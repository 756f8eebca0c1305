"""The doubt that a GPU was throttled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import ENERGY, TIMED, DoubtKind


@dataclass(frozen=True, kw_only=True)
class GpuThrottled(DoubtKind):
    """The GPU ran slower than it could, for power, heat or another limit."""

    code: ClassVar[str] = "gpu_throttled"
    title: ClassVar[str] = "GPU throttled"
    advice: ClassVar[str] = (
        "improve cooling or raise the power limit (`nvidia-smi -q -d PERFORMANCE`), or lock lower "
        "clocks (`nvidia-smi -lgc`)"
    )
    slows_machine: ClassVar[bool] = True
    readings: tuple[str, ...] = (*TIMED, *ENERGY)

    gpu: int
    kinds: tuple[str, ...]
    """What held it back, for people."""

    @property
    def message(self) -> str:
        """Name the GPU and what held it back."""
        return f"GPU {self.gpu} was throttled: {', '.join(self.kinds)}"
