from __future__ import annotations

import numpy as np
import pytest

from bench.catalogue.reasons import NOT_MEASURED, ReasonCode, from_source
from bench.record import Fact
from bench.summary import facts


def _facts(name: str, *values: float | None, source: str = "clock") -> list[Fact]:
    return [
        Fact(name, value, "s", source, None if value is not None else "no meter", process=i)
        for i, value in enumerate(values)
    ]


def test_peaks_take_the_highest_and_others_the_median() -> None:
    assert facts.merge("peak_rss_bytes", _facts("peak_rss_bytes", 3.0, 9.0, 4.0)).value == 9.0
    assert facts.merge("load_rss_bytes", _facts("load_rss_bytes", 3.0, 9.0, 4.0)).value == 9.0
    assert facts.merge("load_s", _facts("load_s", 3.0, 9.0, 4.0)).value == 4.0


def test_students_interval_by_hand() -> None:
    found = facts.merge("load_s", _facts("load_s", 1.0, 2.0, 3.0))
    half = 4.302653 * (np.pi / 7) ** 0.5  # the error of a median of three, not of their mean
    assert found.ci_high == pytest.approx(2 + half, rel=1e-5)
    assert found.ci_low == 0.0  # cut at 0
    assert facts.merge("load_s", _facts("load_s", 1.0)).ci_low is None


def test_missing_keeps_its_reason_and_is_not_zero() -> None:
    found = facts.merge("energy_per_example_j", _facts("energy_per_example_j", None, None))
    assert (found.value, found.reason) == (None, from_source("no meter"))
    assert facts.merge("fit_s", []).reason == NOT_MEASURED


def test_an_estimate_shows_its_bounds_and_its_source() -> None:
    one = Fact("energy_per_example_j", 2.0, "J", "estimate", low=1.0, high=4.0)
    two = Fact("energy_per_example_j", 3.0, "J", "estimate", low=1.5, high=6.0, process=1)
    found = facts.merge("energy_per_example_j", [one, two])
    assert (found.value, found.ci_low, found.ci_high, found.source) == (2.5, 1.0, 6.0, "estimate")


def test_counts_are_exact() -> None:
    found = facts.merge("parameters", _facts("parameters", 10.0, 10.0))
    assert found.exact and (found.ci_low, found.ci_high) == (10.0, 10.0)
    assert not facts.merge("parameters", _facts("parameters", 10.0, 11.0)).exact


def test_processes_that_read_the_same_have_no_interval() -> None:
    found = facts.merge("load_s", _facts("load_s", 2.0, 2.0, 2.0))
    assert found.value == 2.0 and found.ci_low is None and found.ci_high is None and not found.exact
    assert found.reason is not None and found.reason.code is ReasonCode.NO_NOISE_KNOWN
