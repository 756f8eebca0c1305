"""What a thousand examples cost: prices of the suite × throughput and energy of the cell; or, of a model that is served
at a price, the price of the tokens that its server counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.catalogue.reasons import no_values, part_missing, too_few
from bench.stats import bootstrap
from bench.stats.resample import seeded
from bench.suite import PriceSpec, TokenPriceSpec
from bench.summary import Entry, Quantity

Floats = NDArray[np.float64]

TOKEN_PRICES = "token prices"
"""Source of a cost that was counted by tokens."""
TOKEN_DRAWS = 2000
"""Bootstrap draws of its interval, as of every mean (`bench.summary.timings.DRAWS`)."""
SECONDS_PER_HOUR = 3600.0
JOULES_PER_KWH = 3.6e6
EXAMPLES = 1000.0
THROUGHPUT = "throughput_examples_per_s"
ENERGY = "energy_per_example_j"


def priced(entry: Entry, prices: PriceSpec | None) -> Entry:
    """Add `cost_per_1000` and `carbon_per_1000_g` to the readings of an entry, as far as the prices allow."""
    added: dict[str, Quantity] = {}
    if token_prices(entry) is not None:
        added["cost_per_1000"] = _token_cost(entry)
        prices = None  # who pays for tokens does not pay for the machine
    if prices is None:
        return replace(entry, efficiency={**entry.efficiency, **added}) if added else entry
    if prices.machine_per_hour is not None or prices.energy_per_kwh is not None:
        added["cost_per_1000"] = _cost(entry, prices)
    if prices.carbon_g_per_kwh is not None:
        factor = EXAMPLES * prices.carbon_g_per_kwh / JOULES_PER_KWH
        added["carbon_per_1000_g"] = _scaled(entry, "carbon_per_1000_g", factor)
    return replace(entry, efficiency={**entry.efficiency, **added})


def token_prices(entry: Entry) -> TokenPriceSpec | None:
    """Find what the tokens of a served model cost; None for any other."""
    endpoint = None if entry.cell.job is None else entry.cell.job.model.server
    return None if endpoint is None else endpoint.prices


def token_costs(entry: Entry) -> Floats:
    """Price the tokens of each scored example, shape `(examples,)`; empty where nobody counted them."""
    prices = token_prices(entry)
    rows = [(sample.input_tokens, sample.output_tokens) for sample in entry.samples]
    if prices is None or not rows or any(read == 0 for read, _ in rows):
        return np.empty(0)
    return np.array([prices.of(read, written) for read, written in rows])


def _token_cost(entry: Entry) -> Quantity:
    """Price a thousand examples by their tokens, with the interval of their mean."""
    about, costs = READINGS["cost_per_1000"], EXAMPLES * token_costs(entry)
    if not costs.size:
        why = no_values("the server did not count the tokens of every answer, or the answers are gone")
        return Quantity(None, None, None, 0, about.unit, TOKEN_PRICES, False, why)
    value = float(costs.mean())
    if len(costs) < bootstrap.SMALLEST_N:
        few = too_few(len(costs), "examples", bootstrap.SMALLEST_N)
        return Quantity(value, None, None, len(costs), about.unit, TOKEN_PRICES, False, few)
    drawn = bootstrap.mean_draws(costs, TOKEN_DRAWS, seeded(0, entry.cell.draw_key, about.name))
    left_out = (costs.sum() - costs) / (len(costs) - 1)
    low, high = bootstrap.guarded_interval(drawn, value, left_out) or (None, None)
    return Quantity(value, low, high, len(costs), about.unit, TOKEN_PRICES, False)


def cost(throughput: float, energy: float, prices: PriceSpec) -> float:
    """Compute the currency that 1000 examples cost: machine hours at its price plus kilowatt-hours at theirs.

    Args:
        throughput: examples per second, above 0; unused without a price of the machine.
        energy: joules per example; unused without a price of energy.
        prices: of the suite.

    >>> round(cost(10.0, 3600.0, PriceSpec(machine_per_hour=3.6, energy_per_kwh=0.3)), 6)
    0.4
    """
    machine = (prices.machine_per_hour or 0.0) * EXAMPLES / (throughput * SECONDS_PER_HOUR) if _hourly(prices) else 0.0
    power = (prices.energy_per_kwh or 0.0) * EXAMPLES * energy / JOULES_PER_KWH if _per_kwh(prices) else 0.0
    return machine + power


def _hourly(prices: PriceSpec) -> bool:
    return prices.machine_per_hour is not None


def _per_kwh(prices: PriceSpec) -> bool:
    return prices.energy_per_kwh is not None


def needs(name: str, prices: PriceSpec) -> tuple[str, ...]:
    """List the readings from which a priced reading is computed."""
    if name == "carbon_per_1000_g":
        return (ENERGY,)
    return (THROUGHPUT,) * _hourly(prices) + (ENERGY,) * _per_kwh(prices)


def _cost(entry: Entry, prices: PriceSpec) -> Quantity:
    """Price an entry; None with the reason where a reading is missing, or nothing was answered in the time."""
    about = READINGS["cost_per_1000"]
    parts = {name: entry.efficiency.get(name) for name in needs("cost_per_1000", prices)}
    for name, part in parts.items():
        if part is None or part.value is None:
            why = part_missing(name, None if part is None else part.reason)
            return Quantity(None, None, None, 0, about.unit, "prices", False, why)
        if name == THROUGHPUT and part.value <= 0:
            why = no_values(f"{name} is {part.value:g}, and no number of hours answers 1000 examples at that rate")
            return Quantity(None, None, None, 0, about.unit, "prices", False, why)
    speed, energy = parts.get(THROUGHPUT), parts.get(ENERGY)
    value = cost(_value(speed) or 1.0, _value(energy) or 0.0, prices)
    low, high = (_priced_end(speed, energy, prices, fast=fast) for fast in (True, False))
    n = min(part.n for part in parts.values() if part is not None)
    source = "prices+" + "+".join(sorted({part.source for part in parts.values() if part is not None}))
    loose = None if speed is None or speed.has_interval else speed.reason
    return Quantity(value, low, high, n, about.unit, source, False, loose)


def _priced_end(speed: Quantity | None, energy: Quantity | None, prices: PriceSpec, *, fast: bool) -> float | None:
    """Price the cheap (`fast`) or dear end of the intervals; an energy without one enters as it is. None where the
    throughput has no such end, or its interval reaches down to 0, where the cost has no bound."""
    rate, joules = _end(speed, high=fast), _end(energy, high=not fast)
    if energy is not None and joules is None:
        joules = energy.value
    if (speed is not None and (rate is None or rate <= 0)) or (energy is not None and joules is None):
        return None
    return cost(rate or 1.0, joules or 0.0, prices)


def _value(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.value


def _end(quantity: Quantity | None, *, high: bool) -> float | None:
    if quantity is None:
        return None
    return quantity.ci_high if high else quantity.ci_low


def _scaled(entry: Entry, name: str, factor: float) -> Quantity:
    about = READINGS[name]
    energy = entry.efficiency.get(ENERGY)
    if energy is None or energy.value is None:
        why = part_missing(ENERGY, None if energy is None else energy.reason)
        return Quantity(None, None, None, 0, about.unit, "prices", False, why)
    low = None if energy.ci_low is None else energy.ci_low * factor
    high = None if energy.ci_high is None else energy.ci_high * factor
    return Quantity(
        energy.value * factor,
        low,
        high,
        energy.n,
        about.unit,
        f"prices+{energy.source}",
        False,
        energy.reason,
    )
