"""Give memory that nothing uses any more back, so that a peak belongs to the phase that made it.

An allocator keeps what was freed: torch's caching allocator on a GPU, glibc's arenas on the host. What it keeps
counts as reserved or resident in every phase that follows. Fragments stay: a page goes back only when all of it is
free. Imports no torch by itself.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress


def release() -> None:
    """Give unused memory back to the device and to the system; never within anything timed.

    Takes milliseconds, and the next use of the memory pays for getting it again. Source: malloc_trim(3), which
    returns whole free pages of every arena since glibc 2.8; torch.cuda.empty_cache.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim_heap()


def trim_heap() -> None:
    """Give unused pages of the host's heap back to the system; asks no GPU for anything."""
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
