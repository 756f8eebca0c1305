"""Environment variables that hold a secret: only the process that needs one has it.

What a process was started with can be read in the process list (`/proc/…/environ`, `ps e`) as long as it runs, and by
all code in it. So a run takes the keys of its endpoints out of its environment before it starts anything, and hands
each to the cells that need it, through their pipe.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def hidden(names: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """Take variables out of this process's environment for a while; yields what they held, as far as they are set.

    >>> os.environ["BENCH_DOCTEST_KEY"] = "k"
    >>> with hidden(["BENCH_DOCTEST_KEY"]) as held:
    ...     held, "BENCH_DOCTEST_KEY" in os.environ
    ({'BENCH_DOCTEST_KEY': 'k'}, False)
    >>> os.environ.pop("BENCH_DOCTEST_KEY")
    'k'
    """
    held = {name: os.environ.pop(name) for name in sorted(set(names)) if name in os.environ}
    try:
        yield held
    finally:
        os.environ.update(held)


def put(secrets: Mapping[str, str]) -> None:
    """Put the secrets that a cell needs into the environment of its process, where libraries look for them."""
    os.environ.update(secrets)
