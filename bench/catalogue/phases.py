"""The phases of a cell, in the order in which they come."""

from __future__ import annotations

from typing import Literal

Phase = Literal["load", "evaluate", "cold", "warmup", "latency", "throughput", "level", "memory", "energy", "flops"]
SERVING: tuple[Phase, ...] = ("evaluate", "warmup", "latency", "throughput", "level", "memory", "energy")
"""Phases in which a model does what it would do when it is served. Not `load`; nor `cold`, which meets what loading
left in the allocator; nor `flops`, which runs under a counter."""
NOTHING_TIMED: Phase = "flops"
"""The last phase of a cell that is measured: from then on nothing is disturbed by what happens beside it."""
