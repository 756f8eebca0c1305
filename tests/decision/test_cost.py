from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.catalogue.reasons import too_few
from bench.decision import cost
from bench.decision.draws import reading_draws
from bench.suite import PriceSpec
from bench.summary import summarise
from tests.factories import Sketch, make_record


def test_cost_by_hand() -> None:
    # 1000 examples at 10 per second take 100 s: 3.6 per hour makes 0.1; 3600 kJ are 1 kWh: 0.3.
    assert cost.cost(10.0, 3600.0, PriceSpec(machine_per_hour=3.6, energy_per_kwh=0.3)) == pytest.approx(0.4)
    assert cost.cost(10.0, 3600.0, PriceSpec(machine_per_hour=3.6)) == pytest.approx(0.1)
    assert cost.cost(10.0, 3600.0, PriceSpec(energy_per_kwh=0.3)) == pytest.approx(0.3)


def test_priced_entry_has_cost_and_carbon_with_intervals() -> None:
    entry = summarise([make_record(Sketch("a", energy_j=7.2))])[0]
    prices = PriceSpec(machine_per_hour=3.6, energy_per_kwh=0.3, carbon_g_per_kwh=400.0)
    found = cost.priced(entry, prices).efficiency
    speed = entry.efficiency["throughput_examples_per_s"]
    assert found["cost_per_1000"].value == pytest.approx(1 / (speed.value or 1) + 0.3 * 0.002)
    assert found["cost_per_1000"].ci_low == pytest.approx(1 / (speed.ci_high or 1) + 0.3 * 0.002)
    assert found["carbon_per_1000_g"].value == pytest.approx(0.8)
    assert cost.priced(entry, None) is entry


def test_missing_energy_is_no_free_energy() -> None:
    entry = summarise([make_record(Sketch("a", energy_j=None))])[0]
    found = cost.priced(entry, PriceSpec(machine_per_hour=1.0, energy_per_kwh=0.3, carbon_g_per_kwh=1.0)).efficiency
    for name in ("cost_per_1000", "carbon_per_1000_g"):
        assert found[name].value is None and "no energy source" in str(found[name].reason)
    assert "cost_per_1000" not in cost.priced(entry, PriceSpec(carbon_g_per_kwh=1.0)).efficiency


def test_a_cost_of_too_few_batches_has_their_reason() -> None:
    entry = summarise([make_record(Sketch("a", energy_j=7.2))])[0]
    short = too_few(3, "batches", 10)
    speed = replace(entry.efficiency[cost.THROUGHPUT], ci_low=None, ci_high=None, n=3, reason=short)
    few = replace(entry, efficiency={**entry.efficiency, cost.THROUGHPUT: speed})
    found = cost.priced(few, PriceSpec(machine_per_hour=3.6)).efficiency["cost_per_1000"]
    assert (found.ci_low, found.reason) == (None, short)


PRICES = PriceSpec(machine_per_hour=3.6)


def test_nothing_answered_has_no_cost_and_a_bound_of_nothing_no_end() -> None:
    entry = summarise([make_record(Sketch("a"))])[0]
    still = replace(entry.efficiency[cost.THROUGHPUT], value=0.0, ci_low=0.0, ci_high=0.0)
    found = cost.priced(replace(entry, efficiency={cost.THROUGHPUT: still}), PRICES).efficiency["cost_per_1000"]
    assert found.value is None and found.reason is not None
    wide = replace(entry.efficiency[cost.THROUGHPUT], value=10.0, ci_low=0.0, ci_high=20.0)
    found = cost.priced(replace(entry, efficiency={cost.THROUGHPUT: wide}), PRICES).efficiency["cost_per_1000"]
    assert (found.value, found.ci_low, found.ci_high) == (pytest.approx(0.1), pytest.approx(0.05), None)


def test_a_night_of_which_only_intervals_are_left_has_costs_above_0() -> None:
    entry = summarise([make_record(Sketch("a"))])[0]
    speed = replace(entry.efficiency[cost.THROUGHPUT], value=10.0, ci_low=-5.0, ci_high=25.0)
    pruned = cost.priced(replace(entry, efficiency={cost.THROUGHPUT: speed}, timed={}), PRICES)
    drawn = reading_draws(pruned, "cost_per_1000", 2000, 1, PRICES, use_bounds=False)
    assert np.isfinite(drawn).all() and (drawn > 0).all()


def test_two_processes_that_differ_much_have_costs_above_0() -> None:
    records = [make_record(Sketch("a", latency_s=s), process=k) for k, s in enumerate((0.001, 0.1))]
    entry = cost.priced(summarise(records)[0], PRICES)
    drawn = reading_draws(entry, "cost_per_1000", 5000, 1, PRICES, use_bounds=False)
    assert np.isfinite(drawn).all() and (drawn > 0).all()
