"""What the garbage collector looks through, so that a pass does not pay for what was there before it.

The server from which cells are forked hides all that it imported, a million objects, from the collector for good: a
process that thawed them would walk over all of them at every collection, and copy the pages that it shares.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Server:
    """What this process has from the one that it was forked from."""

    has_frozen: bool = False
    """Whether it has hidden its objects from the collector for good."""


SERVER = Server()


def freeze_for_good() -> None:
    """Hide all that is there from the collector, in this process and in those that will be forked from it."""
    gc.freeze()
    SERVER.has_frozen = True


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Collect garbage and hide what is left from the collector.

    Whatever was frozen before stays so afterwards, with all that the block has.
    """
    # Counting them walks over all that are frozen, which takes up to a quarter of a second where a server has done it.
    before = SERVER.has_frozen or gc.get_freeze_count() > 0
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if not before:
            gc.unfreeze()
