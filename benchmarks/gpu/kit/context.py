"""What a step is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.kit.rows import Ledger

NEEDS_GPU = "needs a GPU; this is a dry run on a CPU"


@dataclass(frozen=True, slots=True)
class Context:
    """One step's place and means."""

    ledger: Ledger
    device: str
    """`cuda:0`, or `cpu` in a dry run."""
    out: Path
    """What comes back from the machine."""
    scratch: Path
    """What does not."""
    seconds: float
    """That the step may take."""

    @property
    def on_gpu(self) -> bool:
        """Tell whether this is no dry run."""
        return self.device.startswith("cuda")
