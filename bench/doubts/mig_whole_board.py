"""The doubt that energy is that of a board with several MIG instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import ENERGY, DoubtKind


@dataclass(frozen=True, kw_only=True)
class MigWholeBoard(DoubtKind):
    """The GPU is divided, and its meters read the whole board."""

    code: ClassVar[str] = "mig_whole_board"
    title: ClassVar[str] = "Energy of a divided GPU"
    advice: ClassVar[str] = "measure energy with MIG off, or with the other instances idle"
    readings: tuple[str, ...] = ENERGY

    gpu: int

    @property
    def message(self) -> str:
        """Name the GPU."""
        return f"GPU {self.gpu} is divided by MIG; power and energy are the whole board's"
