"""The doubt that timed answers differ from the scored ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind

SHOWN = 5
"""Examples that are named."""


@dataclass(frozen=True, kw_only=True)
class OutputMismatch(DoubtKind):
    """What was timed is not what was scored."""

    code: ClassVar[str] = "output_mismatch"
    title: ClassVar[str] = "Timed answers differ from scored ones"
    advice: ClassVar[str] = (
        "compare the model at batch size 1 and batched: in 16 bit types a few texts may differ by rounding; in "
        "float32, padding or state that a request leaves behind is the likely cause"
    )

    mismatched: tuple[int, ...]
    """Indices of the examples."""
    compared: int

    @property
    def message(self) -> str:
        """Count the answers that differ, and name the first examples."""
        shown = ", ".join(map(str, self.mismatched[:SHOWN])) + (", …" if len(self.mismatched) > SHOWN else "")
        return f"{len(self.mismatched)} of {self.compared} timed answers differ from the scored ones (examples {shown})"
