"""What the forkserver imports for every cell: torch, transformers, the worker, and whatever bench declares.

What third parties declare is only looked for: their code runs in a cell's own process, with its limits and its log.
"""

from __future__ import annotations

from bench.admission.earlier import code_hash
from bench.candidates import FAMILIES, heavy_modules
from bench.doubts import DOUBTS
from bench.meters.cascade import SOURCES
from bench.metrics.catalogue import METRICS
from bench.running.preload import importing_asks_cuda, preload
from bench.tasks import KINDS

PROCESS = ("bench.running.executors.child", "multiprocessing.popen_forkserver")
"""What each process begins with, before it knows its cell."""
UNTOUCHED = (*PROCESS, "torch", "bench.running.worker.cell")
"""What touches no GPU even where a package beside transformers would."""
MODULES = (
    *PROCESS,
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.generation.utils",
    *heavy_modules(),
    "bench.candidates.variants.quantise",
    "sacrebleu.metrics",
    "bench.running.worker.cell",
)

preload(UNTOUCHED if importing_asks_cuda() else MODULES, (FAMILIES, KINDS, METRICS, DOUBTS, SOURCES))
code_hash()  # kept for the cells, which would hash the same files again
