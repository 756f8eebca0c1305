"""What the forkserver imports for every cell: torch, transformers, the worker."""

from __future__ import annotations

from bench.running.preload import preload

MODULES = (
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.generation.utils",
    "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.llama.modeling_llama",
    "transformers.models.bert.modeling_bert",
    "transformers.models.t5.modeling_t5",
    "bench.running.worker.cell",
)

preload(MODULES)
