"""What was read of a served candidate at each level of load: readings with the level's rate in their names, the rate
within the SLO, replicas; computed from the raw requests, so that another SLO needs no further measuring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.catalogue import reasons
from bench.catalogue.readings import AT_LEVEL, READINGS, at_level
from bench.catalogue.reasons import Reason
from bench.measure.load.outcome import BATCHES, QUANTILES, Estimate, Numbers, least_requests
from bench.measure.load.served import RATE, REPLICAS, SOURCE, rate_within, replicas_for
from bench.record import Record
from bench.suite import LoadSpec
from bench.summary.entry import Quantity
from bench.summary.levels import Offered, spec_of


def readings(records: Sequence[Record], levels: Sequence[Offered]) -> dict[str, Quantity]:
    """Compute the readings at the levels that the suite names, and those of all levels together."""
    spec = spec_of(records)
    if spec is None:
        return {}
    salts = any(level.salted for level in levels)
    by_rate = {level.rate: level.numbers for level in levels if level.salted == salts}
    rates = [] if spec.levels == "auto" else sorted(spec.levels)
    quantities = {at_level(name, rate): _at(name, rate, by_rate.get(rate), spec) for rate in rates for name in AT_LEVEL}
    if levels:
        kept = rate_within([level.numbers for level in levels], spec)
        quantities[RATE] = _fact(RATE, kept.value, kept.reason)
        needed = replicas_for(kept, spec)
        quantities[REPLICAS] = _fact(REPLICAS, needed.value, needed.reason)
    return quantities


def _fact(name: str, value: float | None, reason: str | None) -> Quantity:
    about = READINGS[name]
    why = None if reason is None else reasons.from_source(reason)
    n = 0 if value is None else 1
    return Quantity(value, None, None, n, about.unit, SOURCE, about.higher_is_better, why)


def _at(name: str, rate: float, numbers: Numbers | None, spec: LoadSpec) -> Quantity:
    found = _estimate(name, numbers, spec)
    about = READINGS[at_level(name, rate)]
    if isinstance(found, Reason):
        return Quantity(None, None, None, 0, about.unit, SOURCE, about.higher_is_better, found)
    estimate, needed = found
    assert numbers is not None
    why = _no_interval(estimate, needed, numbers)
    low, high = (estimate.low, estimate.high) if why is None else (None, None)
    n = BATCHES if why is None else numbers.requests
    return Quantity(estimate.value, low, high, n, about.unit, SOURCE, about.higher_is_better, why)


def _no_interval(estimate: Estimate, needed: int, numbers: Numbers) -> Reason | None:
    """Tell why a number has no interval with two ends; None where it has one."""
    if estimate.low is None or estimate.high is None:
        few = numbers.requests < needed
        return (
            reasons.too_few(numbers.requests, "requests", needed)
            if few
            else reasons.too_few_have_it(numbers.requests, needed)
        )
    if math.isinf(estimate.high):
        return reasons.failures_cluster(numbers.failed, numbers.requests, BATCHES)
    return None


def _estimate(name: str, numbers: Numbers | None, spec: LoadSpec) -> tuple[Estimate, int] | Reason:
    """Find a number of a level with the requests that its interval needs, or why there is none."""
    if numbers is None:
        return reasons.no_values("the level was not offered, or its requests are gone")
    if name in ("goodput_per_s", "good_share"):
        if spec.limits is None:
            return reasons.no_values("the suite sets no 'load.slo'")
        if numbers.withheld is not None:
            return reasons.no_values(f"withheld: {numbers.withheld}")
        share = numbers.good
        assert share is not None
        scale = 1.0 if name == "good_share" else numbers.goodput_scale
        ends = [None if end is None else min(end, 1.0) * scale for end in (share.low, share.high)]
        return Estimate(share.value * scale, *ends), least_requests(0.0)
    if numbers.withheld is not None:
        return reasons.no_values(f"withheld: {numbers.withheld}")
    stem, q = name.removesuffix("_s").rsplit("_p", 1)
    tables = {"latency": numbers.latency, "ttft": numbers.ttft, "tpot": numbers.tpot}
    quantile = next(each for each in QUANTILES if round(100 * each) == int(q))
    estimate = tables[stem].get(quantile)
    if estimate is None:
        return reasons.no_values("no request has such a time")
    if math.isinf(estimate.value):
        late = f"{numbers.failed} of {numbers.requests} requests failed"
        return reasons.no_values(f"never: {late}, which is infinitely late")
    return estimate, least_requests(quantile)
