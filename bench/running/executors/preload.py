"""What the forkserver imports once for the processes of all cells: torch, transformers, the worker.

Nothing here may start a thread or touch a device: a forked process inherits the memory of a thread pool, not
its threads. Importing does neither; creating a model or computing would. `tests/executors/test_preload.py`
holds that.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Sequence
from importlib import import_module

from bench.candidates import heavy_modules

DEFAULTS = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
"""No telemetry from a benchmark, no tokenizer threads beside those being timed; the user's setting wins."""

MODULES = (
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.generation.utils",
    *heavy_modules(),
    "bench.running.worker.cell",
)
"""A module that cannot be imported here fails again in the cell that needs it, and there with its reason."""


def load(modules: Sequence[str]) -> None:
    """Imports everything, and hides it from the garbage collector, which would copy shared pages.

    Meanwhile it is off: it would look through a million new objects again and again, for a tenth of the time.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    gc.disable()
    for module in modules:
        with contextlib.suppress(ImportError):
            import_module(module)
    gc.freeze()
    gc.enable()


load(MODULES)
