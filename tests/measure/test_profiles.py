from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.measure.profiles import LEAST_REQUESTS, PROFILES, resolve
from bench.stats.order import needed
from bench.suite import MeasureSpec


@pytest.mark.parametrize(
    ("name", "processes", "window_s"), [("quick", 1, 1.0), ("standard", 3, 10.0), ("rigorous", 5, 30.0)]
)
def test_profiles_are_those_of_the_design(name: str, processes: int, window_s: float) -> None:
    assert (PROFILES[name].processes, PROFILES[name].window_s) == (processes, window_s)


def test_own_numbers_go_over_the_profile() -> None:
    found = resolve(MeasureSpec(profile="standard", processes=2, window_s=20.0, energy="off", tdp_w=65.0))
    assert (found.processes, found.window_s, found.energy, found.tdp_w) == (2, 20.0, "off", 65.0)
    assert (found.energy_window_s, found.max_warmup_s, found.min_window_s) == (20.0, 10.0, 6.0)


@pytest.mark.parametrize("name", ["quick", "standard", "rigorous"])
def test_a_brief_measuring_shortens_the_timed_passes_alone(name: str) -> None:
    whole, brief = PROFILES[name], PROFILES[name].brief
    assert (whole.timed_s, brief.timed_s) == (whole.window_s, whole.min_window_s)
    assert replace(brief, is_brief=False) == whole


def test_hardware_energy_windows_last_ten_seconds_unless_quick() -> None:
    measuring = {name: profile for name, profile in PROFILES.items() if profile.measures}
    assert len(measuring) == 3
    assert all(profile.energy_window_s >= 10 for name, profile in measuring.items() if name != "quick")


def test_planning_imports_no_torch() -> None:
    code = "import sys, bench.measure.profiles; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_floor_is_below_what_an_interval_of_the_median_needs() -> None:
    assert needed(0.5) == LEAST_REQUESTS
    assert all(profile.min_iterations >= LEAST_REQUESTS for profile in PROFILES.values() if profile.measures)
