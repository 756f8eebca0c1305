from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from bench.decision.paired import RightAnswers, SideBySide
from bench.decision.unknown import PEAK_SHARE, PEAK_SLACK_BYTES, unknown_of
from bench.stats.processes import Levels, ratios
from bench.summary import summarise
from tests.factories import Sketch, make_run


def _levels(*points: float, rounds: tuple[int, ...] = (0, 1), within: float = 0.0) -> Levels:
    read = np.array(points)
    return Levels(rounds, read, np.full(read.size, within), np.ones(read.size), float(read.mean()), within / read.size)


def test_ratios_of_three_candidates_by_hand() -> None:
    found = ratios([_levels(0.0, 0.0), _levels(1.0, 1.2), _levels(2.0, 2.0)])
    # Squares of the gaps about their means: 0.02 (a, b), 0 (a, c), 0.02 (b, c); mean variance 0.04 / 3.
    assert found.value[0] == pytest.approx([0.0, 1.1, 2.0])
    assert found.error[0, 1] == pytest.approx(math.sqrt((0.02 + 2 * 0.04 / 3) / 2))  # its own, and twice the mean
    assert found.error[0, 2] == pytest.approx(math.sqrt(2 * 0.04 / 3 / 2))  # the mean alone, as its own is 0
    # No more than 1 of the mean and 1 of its own, nor than (3 - 1)(2 - 1). The residuals are -1/30, 1/15 and -1/30 from
    # the means of their rounds, and their variances 1, 4 and 1 of 1/450: (1 + 4 + 1)² / (1 + 16 + 1) = 2.
    assert found.freedom[0, 1] == pytest.approx(2.0)
    assert np.isnan(found.error.diagonal()).all()
    assert found.p_above(np.zeros((3, 3)))[0, 1] == pytest.approx(student.sf(1.1 / found.error[0, 1], 2))


def test_one_noisy_candidate_leaves_few_degrees_of_freedom() -> None:
    levels = [_levels(float(i), i + 0.01 * (-1) ** i) for i in range(9)]
    quiet = ratios(levels).freedom[0, 1]
    noisy = ratios([*levels, _levels(9.0, 10.0)]).freedom[0, 1]
    assert quiet == 8.0 and noisy < 2.0


def test_two_candidates_have_only_their_own_rounds() -> None:
    found = ratios([_levels(0.0, 0.0, 0.0, rounds=(0, 1, 2)), _levels(1.0, 1.1, 0.9, rounds=(0, 1, 2))])
    assert found.freedom[0, 1] == 2.0 and found.error[0, 1] == pytest.approx(0.1 / math.sqrt(3))


def test_a_single_process_is_judged_by_the_spread_of_the_others_and_two_rounds_apart_not_at_all() -> None:
    steady = [_levels(0.0, 0.1), _levels(1.0, 1.0), _levels(2.0, 2.2)]
    found = ratios([*steady, _levels(0.5, rounds=(0,)), _levels(0.5, rounds=(7,)), None])
    assert found.value[0, 3] == pytest.approx(0.5) and found.freedom[0, 3] == 1.0
    assert found.error[0, 3] > found.error[0, 1]
    assert np.isnan(found.error[0, 4:]).all()


def test_where_nobody_has_two_processes_nothing_is_tested() -> None:
    found = ratios([_levels(0.0, rounds=(0,)), _levels(1.0, rounds=(0,))])
    assert np.isnan(found.p_above(np.zeros((2, 2)))).all()


def test_requests_explain_at_least_their_own_noise() -> None:
    still = [_levels(float(i), float(i), within=0.02) for i in range(3)]
    assert ratios(still).error[0, 1] == pytest.approx(math.sqrt(0.04 / 2))


def test_sides_and_margins() -> None:
    of = ratios([_levels(0.0, 0.0), _levels(0.1, 0.12), _levels(0.9, 0.95)])
    zero, one = np.zeros((2, 2)), np.ones((2, 2))
    cost, yield_ = SideBySide(of, higher_is_better=False), SideBySide(of, higher_is_better=True)
    better, no_worse = cost.p_values((0, 1), zero, one)
    assert better[0, 1] == no_worse[0, 1] < 0.1 < better[1, 0]
    assert yield_.p_values((0, 1), zero, one)[0][1, 0] == better[0, 1]
    wide, lenient = cost.p_values((0, 1), 0.2 * one, one)
    assert wide[0, 1] > 0.5 and lenient[1, 0] < 0.2 < no_worse[1, 0]


def test_right_answers_are_not_tested_against_a_margin() -> None:
    answers = RightAnswers(np.array([[0.0, 4.0], [4.0, 0.0]]))
    assert np.isnan(answers.p_values((0, 1), np.full((2, 2), 0.01), np.ones((2, 2)))).all()
    same = RightAnswers(np.zeros((2, 2))).p_values((0, 1), np.zeros((2, 2)), np.ones((2, 2)))
    assert same[0][0, 1] == 1.0 and same[1][0, 1] == 0.0


def test_what_is_unknown_of_a_reading() -> None:
    sketches = [Sketch("a", memory_bytes=500e6), Sketch("b")]
    for count, off in ((1, math.inf), (2, 0.0)):
        entry = summarise(make_run(sketches, examples=40, requests=60, processes=count))[0]

        def unknown(name: str, *, is_still: bool) -> float:
            return unknown_of(entry, name, entry.efficiency[name], None, is_still=is_still)  # noqa: B023

        assert unknown("latency_p50_s", is_still=False) == off
        assert unknown("energy_per_example_j", is_still=count == 1) == off
        peak = entry.efficiency["peak_rss_bytes"].value
        assert peak is not None
        assert unknown("peak_rss_bytes", is_still=True) >= PEAK_SHARE * peak + PEAK_SLACK_BYTES
        assert unknown("weights_bytes", is_still=True) == 0.0
