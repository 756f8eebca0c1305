"""`torch.compile` of a module's forward. Compilation happens in the first requests, which warm-up leaves
out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import torch
from torch._inductor.runtime.cache_dir_utils import default_cache_dir

from bench.host import temporary

CACHE = "TORCHINDUCTOR_CACHE_DIR"


def compile_module(module: torch.nn.Module) -> torch.nn.Module:
    """Returns `module` with a compiled forward, dynamic in its shapes, since real inputs differ in length.

    What is compiled is kept where torch would keep it, and not among the temporary files that end with the run.
    """
    passing = Path(tempfile.gettempdir())
    if os.environ.get(CACHE, str(passing)).startswith(str(passing)):
        os.environ[CACHE] = str(temporary.lasting() / Path(default_cache_dir()).name)
    module.compile(dynamic=True)
    return module
