"""Energy of a GPU: the counter against the power, the power limit, and the time at rest."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from benchmarks.gpu.kit.load import Products, busy
from tests.gpu.scene import Scene

pytestmark = pytest.mark.gpu

WINDOW_S = 10.0
LEAD_S = 2.0


@pytest.fixture(scope="module")
def windows(meters: Any, cuda: str) -> dict[str, Any]:
    """The same ten seconds of load read by every source that works, and three of rest afterwards."""
    from bench.meters.cascade import probed, ranked, site_of
    from bench.meters.energy import metering
    from bench.meters.source import GpuEnergySource

    site = site_of(cuda, meters.clock)
    sources = [kind(site) for kind in ranked(GpuEnergySource)]
    probes = {source.name: probed(source) for source in sources}
    opened = [source.open() for source in sources if probes[source.name].works]
    work: list[Any] = []
    with busy(Products(cuda), meters.clock.synchronise):
        time.sleep(LEAD_S)
        with metering(opened, work):
            time.sleep(WINDOW_S)
    time.sleep(LEAD_S)
    rest: list[Any] = []
    with metering(opened, rest):
        time.sleep(3.0)
    return {
        "probes": probes,
        "work": {energy.source: energy for energy in work},
        "rest": {energy.source: energy for energy in rest},
    }


def test_a_source_of_the_gpu_works(windows: dict[str, Any]) -> None:
    assert windows["work"], {name: probe.reason for name, probe in windows["probes"].items()}


def test_counter_and_integral_agree(windows: dict[str, Any]) -> None:
    if len(windows["work"]) < 2:
        pytest.skip(f"one source alone: {windows['probes']}")
    counter, integral = windows["work"]["nvml_counter"], windows["work"]["nvml_power_integral"]
    assert counter.joules == pytest.approx(integral.joules, rel=0.05)


def test_no_source_draws_more_than_the_limit(windows: dict[str, Any], meters: Any) -> None:
    state = meters.gpu.states[0]
    limit_w = state.pynvml.nvmlDeviceGetEnforcedPowerLimit(state.device.handle) / 1000
    for energy in windows["work"].values():
        low = energy.joules if energy.low is None else energy.low
        assert 0 < low <= limit_w * energy.seconds


def test_work_draws_more_than_rest(windows: dict[str, Any]) -> None:
    for name, energy in windows["work"].items():
        rest = windows["rest"][name]
        assert energy.joules / energy.seconds > 1.5 * rest.joules / rest.seconds


def test_update_period_is_that_of_a_plain_poll(meters: Any) -> None:
    """The period that is measured before trusting the counter is seen by a loop that knows nothing of it."""
    from bench.meters.sources.nvml_counter import probe_counter

    state = meters.gpu.states[0]
    probe = probe_counter(state.pynvml, state.device, meters.clock)
    if probe.period_s is None:
        pytest.skip(str(probe.reason))
    read = partial(state.pynvml.nvmlDeviceGetTotalEnergyConsumption, state.device.handle)
    end, value, changes = time.perf_counter() + 2.0, read(), 0
    while time.perf_counter() < end:
        time.sleep(0.001)
        latest = read()
        changes += latest != value
        value = latest
    assert changes
    assert probe.period_s == pytest.approx(2.0 / changes, rel=0.5)
    assert 0.001 <= probe.period_s <= 0.2


def test_net_energy_is_gross_less_rest(scene: Scene) -> None:
    """E_net = (E − P_idle · t) / examples, of facts that a real run stored."""
    facts = {fact.name: fact for fact in scene.record("gpt2", "write").facts}
    if scene.device == "cpu" or facts["energy_window_j"].value is None:
        pytest.skip(facts["energy_window_j"].reason or "an estimate has no idle baseline")
    gross, seconds = facts["energy_window_j"].value, facts["energy_window_s"].value
    idle, examples = facts["idle_power_w"].value, facts["energy_window_examples"].value
    assert idle and seconds and examples
    assert facts["energy_net_per_example_j"].value == pytest.approx((gross - idle * seconds) / examples, rel=1e-6)
    assert facts["energy_window_j"].source.startswith("nvml")
