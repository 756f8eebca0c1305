"""What a measurement relies on, and whether a candidate's code has put something else in its place.

A clock that was replaced makes every timing worthless, and whoever replaces how answers are written can write others.
This does not stop code that means harm; it finds what tests and tracing tools leave behind in a process.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from types import ModuleType

RELIED_ON: tuple[tuple[ModuleType | type, str], ...] = (
    (time, "perf_counter_ns"),
    (time, "perf_counter"),
    (time, "monotonic"),
    (json, "dumps"),
    (os, "write"),
    (os, "read"),
    (ForkingPickler, "dumps"),
    (ForkingPickler, "loads"),
)
"""Owner and name: the clocks, and what carries orders and answers."""


@dataclass(frozen=True, slots=True)
class Relied:
    """What stood there before any code of a candidate ran."""

    things: tuple[object, ...]

    @classmethod
    def now(cls) -> Relied:
        """Note what stands there."""
        return cls(tuple(vars(owner)[name] for owner, name in RELIED_ON))

    def changed(self) -> str | None:
        """Say what was replaced since, in one sentence; None when nothing was."""
        names = [
            f"{owner.__name__}.{name}"
            for (owner, name), thing in zip(RELIED_ON, self.things, strict=True)
            if vars(owner).get(name) is not thing
        ]
        if not names:
            return None
        return (
            f"code of the candidate replaced {', '.join(names)}, on which bench's timings and answers rely; leave it "
            "as it is, or put it back before returning"
        )

    def restore(self) -> None:
        """Put everything back."""
        for (owner, name), thing in zip(RELIED_ON, self.things, strict=True):
            setattr(owner, name, thing)
