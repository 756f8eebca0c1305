"""From stored records to what is shown: one entry per cell, with every number beside its interval, its n and
its source.

Pure functions of records. This package does not know the suite's objectives, limits or prices (`bench.decision`
does).
"""

from __future__ import annotations

from bench.summary.entry import Entry, Quantity, Raced, entry_json
from bench.summary.merge import summarise
from bench.summary.remembered import PRUNED, summarise_run

__all__ = ["PRUNED", "Entry", "Quantity", "Raced", "entry_json", "summarise", "summarise_run"]
