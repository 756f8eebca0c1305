"""The doubt that a window was too short for what it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import ENERGY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class WindowTooShort(DoubtKind):
    """A window of measuring was short against the edges of its meter, or held hardly any batches."""

    code: ClassVar[str] = "window_too_short"
    title: ClassVar[str] = "Window too short"
    advice: ClassVar[str] = "set measure.window_s higher, or use the profile `standard` or `rigorous`"


@dataclass(frozen=True, kw_only=True)
class ShortEnergyWindow(WindowTooShort):
    """The energy window is short against the update period of the hardware's counter."""

    readings: tuple[str, ...] = ENERGY

    seconds: float
    source: str
    """Name of the meter."""
    least_s: float
    """Length from which the edges are below 1 %."""

    @property
    def message(self) -> str:
        """Say how long the window was, and how long it must be."""
        window = f"energy window of {self.seconds:.3g} s on {self.source}"
        return f"{window}; its edges are below 1 % from {self.least_s:g} s on"

    @property
    def remedy(self) -> str:
        """Name the setting with the value that suffices."""
        return f"use the profile `standard` or `rigorous`, or set measure.window_s to {self.least_s:g} or more"


@dataclass(frozen=True, kw_only=True)
class FewBatches(WindowTooShort):
    """The throughput window held too few batches to show their scatter."""

    readings: tuple[str, ...] = ("throughput",)

    window_s: float
    """Length that was asked for."""
    batches: int
    seconds: float
    """Time that the batches took."""

    @property
    def message(self) -> str:
        """Say how many batches the window held."""
        count = f"{self.batches} batch" if self.batches == 1 else f"{self.batches} batches"
        return f"the throughput window of {self.window_s:g} s held {count} ({self.seconds:.3g} s)"

    @property
    def remedy(self) -> str:
        """Name the two settings that bring more batches."""
        return "set measure.window_s higher, or a smaller batch_size"
