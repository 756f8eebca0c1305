"""What is not known of a value: how far another process may read it off.

Requests of one process share its memory layout, its cores and its neighbours; they say nothing of another process. So
a timing of one process, where no candidate of the task has a second, proves nothing about the model, however many
requests there were.
"""

from __future__ import annotations

import math

from bench.catalogue.readings import READINGS
from bench.decision import cost
from bench.decision.draws import is_estimate
from bench.suite import PriceSpec
from bench.summary import Entry, Quantity
from bench.summary.timings import DERIVATIONS

PEAK_SHARE, PEAK_SLACK_BYTES = 0.02, 4 * 1024**2
"""How far a peak of memory may be from what the model takes: 2 % for what allocators round up, and 4 MiB for small
change. `benchmarks/memory.py` holds it against allocations of known size."""


def is_peak(name: str) -> bool:
    """Tell whether a reading is the highest that any process took."""
    return name in READINGS and READINGS[name].merging == "highest"


def is_timed(name: str) -> bool:
    """Tell whether a reading comes from timings, itself or by a price."""
    return name in DERIVATIONS or (name in READINGS and READINGS[name].priced)


def unknown_of(entry: Entry, name: str, quantity: Quantity, prices: PriceSpec | None, *, is_still: bool) -> float:
    """Tell how far another process may read a reading off beyond what its draws show, in its unit.

    Args:
        entry: the cell.
        name: the reading.
        quantity: its value there.
        prices: of the suite.
        is_still: whether its draws do not vary.
    """
    if name in DERIVATIONS:
        return 0.0 if _has_processes(entry, name) else math.inf
    if READINGS[name].priced and prices is not None:
        parts = cost.needs(name, prices)
        return max((_part(entry, part) for part in parts), default=0.0)
    if not is_still or (quantity.exact and not is_estimate(quantity)):
        return 0.0
    if is_peak(name) and not is_estimate(quantity) and quantity.value is not None:
        return max(PEAK_SHARE * quantity.value + PEAK_SLACK_BYTES, _range(entry, name))
    return math.inf


def _part(entry: Entry, name: str) -> float:
    """Tell whether the noise of what a price is put on is known: 0, else infinite."""
    if name in DERIVATIONS:
        return 0.0 if _has_processes(entry, name) else math.inf
    quantity = entry.efficiency.get(name)
    return 0.0 if quantity is not None and quantity.is_at_level else math.inf


def _has_processes(entry: Entry, name: str) -> bool:
    """Tell whether the spread between processes is behind the draws; of a pruned cell, whether it had several."""
    if DERIVATIONS[name].timed not in entry.timed:
        return len(entry.records) > 1
    return name in entry.levels and name in entry.spreads


def _range(entry: Entry, name: str) -> float:
    """Compute how far apart the processes read a fact."""
    values = [
        float(fact.value)
        for record in entry.records
        for fact in record.facts
        if fact.name == name and fact.value is not None
    ]
    return max(values, default=0.0) - min(values, default=0.0)
