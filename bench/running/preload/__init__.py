"""What the forkserver imports once for the processes of all cells; `scoring` and `measuring` say which modules.

Nothing in them may start a thread or touch a device: a forked process inherits the memory of a thread pool, not its
threads. Importing does neither; creating a model or computing would. `tests/running/test_preload.py` holds that.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from bench.measure.heap import freeze_for_good
from bench.meters.allocator import trim_heap

DEFAULTS = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
"""No telemetry from a benchmark, no tokenizer threads beside those being timed; the user's setting wins."""

ASKS_CUDA = "torchao"
"""A package that transformers imports with its models where it is installed, and that asks for the GPU's properties
while it is imported (torchao 0.17 and 0.18 under transformers 5.17 to 5.23, `quantizer_torchao.py`)."""


def importing_asks_cuda() -> bool:
    """Tell whether transformers' models cannot be imported in the server.

    A process that is forked after CUDA was asked anything can use no GPU ("Cannot re-initialize CUDA in forked
    subprocess"). So where this is true, each cell's process imports them itself.
    """
    if find_spec(ASKS_CUDA) is None:
        return False
    import torch

    return torch.version.cuda is not None


class _Declares(Protocol):
    """Declarations of one kind of thing."""

    def prepare(self) -> None:
        """Load those of bench's own."""


def preload(modules: Sequence[str], declared: Sequence[_Declares] = ()) -> None:
    """Import modules, and hide them from the garbage collector, which would copy shared pages.

    Meanwhile it is off: it would look through a million new objects again and again, for a tenth of the time. A module
    that cannot be imported here fails again in the cell that needs it, and there with its reason.

    Args:
        modules: to import.
        declared: declarations to load, those of bench's own.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    gc.disable()
    for module in modules:
        with contextlib.suppress(ImportError):
            import_module(module)
    for kind in declared:
        kind.prepare()
    trim_heap()  # each cell does so before it loads, and would pay for all that importing left
    freeze_for_good()
    gc.enable()
