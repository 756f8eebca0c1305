"""What a process of Linux asks for itself by prctl(2); elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""Source: prctl(2)."""


def die_with_parent(number: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Be sent a signal when the parent ends, whatever ends it.

    Args:
        number: of the signal.
        parent: process id that the parent had, in case that it has ended by now: then this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if parent is not None and os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of what children leave behind, so that it can be ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
