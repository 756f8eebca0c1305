"""Share calls out over the cores to forked processes, which inherit their arguments without a copy."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar, cast

from bench.host.cpu import affinity
from bench.host.prctl import die_with_parent

Result = TypeVar("Result")


def forked(calls: Sequence[Callable[[], Result]], batch: int = 1, *, worth_it: bool = True) -> list[Result]:
    """Call each and collect the results in order: the same on one core and on many.

    Only results are sent between processes, so that a call may be a closure over anything. One after another where
    there is one core, or where a fork is not safe.

    Args:
        calls: that depend on nothing which another of them changes.
        batch: calls that a process takes at a time.
        worth_it: whether they take so long that processes pay; else one after another.
    """
    workers = min(len(affinity()) or os.cpu_count() or 1, len(calls))
    if not worth_it or workers < 2 or not _may_fork():
        return [call() for call in calls]
    context = multiprocessing.get_context("fork")
    gc.freeze()  # a collection in a child would touch, and so copy, all that it inherits
    try:
        with ProcessPoolExecutor(workers, context, initializer=_inherit, initargs=(calls,)) as pool:
            return cast("list[Result]", list(pool.map(_at, range(len(calls)), chunksize=batch)))
    except BrokenProcessPool:  # a child was killed, for want of memory as a rule: one process needs less
        return [call() for call in calls]
    finally:
        gc.unfreeze()


def _may_fork() -> bool:
    """Find out whether a fork is safe: on Linux, from a process with one thread that is no pool's child itself.

    Only Python's threads are counted; those of libraries such as OpenBLAS see to forks themselves.
    """
    alone = threading.active_count() == 1 and multiprocessing.parent_process() is None
    return alone and sys.platform == "linux"


_inherited: Sequence[Callable[[], object]] = ()
"""In a forked child: the calls, which it has from its parent's memory."""


def _inherit(calls: Sequence[Callable[[], object]]) -> None:
    """Begin a child: Ctrl-C reaches it too, and is for its parent to answer; when that ends, so does it."""
    global _inherited
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    die_with_parent(signal.SIGKILL, None if parent is None else parent.pid)
    _inherited = calls


def _at(index: int) -> object:
    return _inherited[index]()
