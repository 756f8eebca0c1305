"""What the forkserver imports for every cell: torch, transformers, the worker."""

from __future__ import annotations

from bench.candidates import heavy_modules
from bench.running.preload import importing_asks_cuda, preload

UNTOUCHED = ("torch", "bench.running.worker.cell")
"""What touches no GPU even where a package beside transformers would."""
MODULES = (
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.generation.utils",
    *heavy_modules(),
    "bench.running.worker.cell",
)

preload(UNTOUCHED if importing_asks_cuda() else MODULES)
