"""Efficiency readings that were read rather than timed: memory, energy, parameters, load time; merged over
processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from bench.catalogue.readings import READINGS
from bench.record import Fact, Record
from bench.summary.entry import Quantity

PEAKS = ("peak_", "load_rss", "added_rss")
"""Prefixes of readings whose value over several processes is the highest; of all others it is the median."""
TRAINED = "fit_"
"""Prefix of readings of one training, which every process repeats: no spread between processes is to be seen."""
EXACT = frozenset({"parameters", "weights_bytes", "flops_per_example"})
"""Readings that are counted and carry no noise."""
COMPUTED = frozenset({"cost_per_1000", "carbon_per_1000_g"})
"""Readings that need prices; `bench.decision.cost` adds them."""


def readings(records: Sequence[Record], names: Sequence[str]) -> dict[str, Quantity]:
    """Returns the reading of each name; one that no process read is None with the reason that was stored."""
    facts = [fact for record in records for fact in record.facts]
    return {name: merge(name, [fact for fact in facts if fact.name == name]) for name in names}


def merge(name: str, facts: Sequence[Fact]) -> Quantity:
    """Returns one reading from what each process read."""
    about = READINGS[name]
    known = [fact for fact in facts if fact.value is not None]
    if not known:
        why = next((fact.reason for fact in facts if fact.reason), "not measured")
        source = facts[0].source if facts else "none"
        return Quantity(None, None, None, 0, about.unit, source, about.higher_is_better, why)
    values = [float(fact.value) for fact in known if fact.value is not None]
    source = "+".join(sorted({fact.source for fact in known}))
    value = max(values) if name.startswith(PEAKS) else float(np.median(values))
    exact = name in EXACT and len(set(values)) == 1
    low, high, reason = (value, value, None) if exact else _interval(name, known, values)
    return Quantity(value, low, high, len(values), about.unit, source, about.higher_is_better, reason, exact)


def _interval(
    name: str, facts: Sequence[Fact], values: Sequence[float]
) -> tuple[float | None, float | None, str | None]:
    """Returns low, high and a remark: the bounds of an estimate, else Student's t over processes."""
    remark = next((fact.reason for fact in facts if fact.reason), None)
    lows = [fact.low for fact in facts if fact.low is not None]
    highs = [fact.high for fact in facts if fact.high is not None]
    if lows and highs:
        return min(lows), max(highs), remark or "the interval is the estimate's bounds"
    if name.startswith(TRAINED):
        return None, None, remark or "one training: how much it varies between trainings is not known"
    if name.startswith(PEAKS):
        return None, None, remark or "a peak has no interval; the highest of the processes is shown"
    if len(values) < 2:
        return None, None, remark or "one process: how much it varies between processes is not known"
    half = float(student.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    centre = float(np.median(values))
    return max(0.0, centre - half), centre + half, remark
