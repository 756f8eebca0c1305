"""Readings that were read rather than timed, such as memory, energy and load time, merged over processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from bench.catalogue import reasons
from bench.catalogue.readings import READINGS, Reading
from bench.catalogue.reasons import Reason
from bench.record import Fact, Record, round_of
from bench.stats import order
from bench.stats.processes import Levels
from bench.summary.entry import Quantity

Interval = tuple[float | None, float | None, Reason | None]
"""Low end, high end, and what must be said of them."""


def readings(records: Sequence[Record], names: Sequence[str]) -> dict[str, Quantity]:
    """Merge the readings of these names; one that no process read is None, with the reason that was stored."""
    facts: dict[str, list[Fact]] = {name: [] for name in names}
    for record in records:
        for fact in record.facts:
            if fact.name in facts:
                facts[fact.name].append(fact)
    return {name: merge(name, of_name) for name, of_name in facts.items()}


def levels(records: Sequence[Record], names: Sequence[str]) -> dict[str, Levels]:
    """Collect what each process read of the readings that are measured anew in each, on the scale of logarithms."""
    measured = [name for name in names if _is_measured_anew(READINGS[name])]
    collected: dict[str, Levels] = {}
    for name in measured:
        read = {
            round_of(record): float(fact.value)
            for record in records
            for fact in record.facts
            if fact.name == name and fact.value is not None and fact.low is None
        }
        if read and min(read.values()) > 0:
            values = np.array(list(read.values()))
            whole = float(np.log(values).mean())
            zeros = np.zeros(values.size)
            collected[name] = Levels(tuple(read), np.log(values), zeros, np.ones(values.size), whole, 0.0)
    return collected


def _is_measured_anew(about: Reading) -> bool:
    return not (about.exact or about.of_training or about.merging == "highest")


def merge(name: str, facts: Sequence[Fact]) -> Quantity:
    """Merge what each process read of one reading."""
    about = READINGS[name]
    values = [float(fact.value) for fact in facts if fact.value is not None]
    if not values:
        return _missing(about, facts)
    read = [fact for fact in facts if fact.value is not None]
    source = "+".join(sorted({fact.source for fact in read}))
    value = max(values) if about.merging == "highest" else float(np.median(values))
    exact = about.exact and len(set(values)) == 1
    low, high, reason = (value, value, None) if exact else _interval(about, read, values)
    return Quantity(value, low, high, len(values), about.unit, source, about.higher_is_better, reason, exact)


def _missing(about: Reading, facts: Sequence[Fact]) -> Quantity:
    sentence = next((fact.reason for fact in facts if fact.reason), None)
    reason = reasons.NOT_MEASURED if sentence is None else reasons.from_source(sentence)
    source = facts[0].source if facts else "none"
    return Quantity(None, None, None, 0, about.unit, source, about.higher_is_better, reason)


def _interval(about: Reading, facts: Sequence[Fact], values: Sequence[float]) -> Interval:
    """Find the interval: the bounds of an estimate, else Student's t over processes."""
    sentence = next((fact.reason for fact in facts if fact.reason), None)
    remark = None if sentence is None else reasons.from_source(sentence)
    lows = [fact.low for fact in facts if fact.low is not None]
    highs = [fact.high for fact in facts if fact.high is not None]
    if lows and highs:
        return min(lows), max(highs), remark or reasons.ESTIMATE_BOUNDS
    if about.of_training:
        return None, None, remark or reasons.ONE_TRAINING
    if about.merging == "highest":
        return None, None, remark or reasons.A_PEAK
    if len(values) < 2:
        return None, None, remark or reasons.ONE_PROCESS
    if len(set(values)) == 1:
        return None, None, remark or reasons.all_equal(len(values), "processes")
    half = float(stdtrit(len(values) - 1, 0.975)) * order.median_error(values)
    centre = float(np.median(values))
    return max(0.0, centre - half), centre + half, remark
