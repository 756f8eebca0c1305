"""What the forkserver imports for every cell: torch, transformers, the worker."""

from __future__ import annotations

from bench.candidates import heavy_modules
from bench.running.preload import preload

MODULES = (
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.generation.utils",
    *heavy_modules(),
    "bench.running.worker.cell",
)

preload(MODULES)
