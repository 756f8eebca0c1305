"""The phases of a cell, in the order in which they come."""

from __future__ import annotations

from typing import Literal

Phase = Literal["load", "evaluate", "cold", "warmup", "latency", "throughput", "memory", "energy", "flops"]
