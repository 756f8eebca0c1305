"""Alarms and change points of series with known truth."""

from dataclasses import replace

import numpy as np
import pytest

from bench.history.series import Series
from bench.history.trend import (
    NOISY_ERRORS,
    change_points,
    neighbours_correlation,
    pettitt,
    shown_noise,
    spread_alarm,
    trend_alarm,
    trend_alarms,
)
from tests.history.nights import series

NOISE = np.exp(0.01 * np.random.default_rng(3).standard_normal(60))


def steps(size, at=40, n=45):
    return [0.010 * NOISE[i] * (1 + size if i >= at else 1) for i in range(n)]


@pytest.mark.parametrize(("size", "worse"), [(0.10, True), (-0.10, False)])
def test_a_step_of_ten_per_cent_is_told_with_its_direction(size, worse):
    alarm = trend_alarm(series(steps(size)))
    assert alarm is not None and alarm.worse is worse
    assert alarm.ratio == pytest.approx(1 + size, abs=0.015)
    assert (alarm.since, alarm.run_id, alarm.baseline_nights) == ("n040", "n044", 30)


def test_no_step_no_alarm_and_a_step_below_the_smallest_effect_neither():
    assert trend_alarm(series(steps(0.0))) is None
    assert trend_alarm(series(steps(0.02))) is None


@pytest.mark.parametrize(("sigma", "times"), [(0.02, 1.0), (0.08, NOISY_ERRORS)])
def test_what_varies_far_beyond_its_smallest_effect_must_show_more_than_its_noise(sigma, times):
    logs = sigma * np.random.default_rng(5).standard_normal(75)
    rings = []
    for size in np.arange(0.0, 0.8, 0.002):
        values = logs + size * (np.arange(75) >= 60)
        alarm = trend_alarm(series(list(0.010 * np.exp(values))))
        if alarm is not None:
            start = 75 - alarm.nights
            earlier, before, after = values[max(0, start - 60) : start - 30], values[start - 30 : start], values[start:]
            rings.append(alarm.shift / shown_noise(before, alarm.nights, earlier, after))
    assert times <= min(rings) < times + 0.08


def test_larger_is_better_turns_the_direction():
    values = [1 / v for v in steps(0.10)]
    alarm = trend_alarm(series(values, reading="throughput_examples_per_s", unit="1/s", larger=True))
    assert alarm is not None and alarm.worse


def test_a_slower_machine_is_not_a_slower_model():
    machine = [0.004 * (1.1 if i >= 40 else 1.0) for i in range(45)]
    assert trend_alarm(series(steps(0.10), canary=machine)) is None
    assert trend_alarm(series(steps(0.10), canary=[0.004] * 45)) is not None


def test_a_faster_machine_does_not_make_a_waiting_model_slower():
    machine = [0.004 * (0.9 if i >= 40 else 1.0) for i in range(45)]
    flat = [0.010 + 1e-6 * (i % 2) for i in range(45)]
    assert trend_alarm(series(flat, canary=machine)) is None


def test_too_few_nights_and_other_environments_raise_nothing():
    assert trend_alarm(series(steps(0.10, at=11, n=16))) is None  # 11 before
    assert trend_alarm(series(steps(0.10, at=12, n=17))) is not None
    assert trend_alarm(series(steps(0.10), segments=[0] * 40 + [1] * 5)) is None


def test_a_missing_newest_night_is_not_judged():
    assert trend_alarm(series([*steps(0.10)[:-1], None])) is None


def test_a_quality_that_falls_by_a_point_is_told_in_points():
    values = [0.85 + 0.001 * (i % 3) - (0.03 if i >= 40 else 0) for i in range(45)]
    alarm = trend_alarm(series(values, reading="accuracy", unit="ratio", larger=True))
    assert alarm is not None and alarm.worse and "−3.0 points" in alarm.text


def test_change_points_are_found_where_they_are():
    values = [0.010 * NOISE[i] * (1.2 if i >= 20 else 1) * (0.8 if i >= 40 else 1) for i in range(60)]
    found = change_points(series(values))
    assert [int(c.run_id[1:]) for c in found] == pytest.approx([20, 40], abs=1)
    assert [c.worse for c in found] == [True, False]
    assert change_points(series([0.010 * v for v in NOISE])) == ()


def test_a_change_of_environment_is_no_change_point():
    assert change_points(series(steps(0.5, at=20), segments=[0] * 20 + [1] * 25)) == ()


def test_pettitt_by_hand():
    # ranks 1 2 3 | 4 5 6: U_3 = 2·6 − 3·7 = −9; p = 2 exp(−6·81 / (216 + 36))
    place, p = pettitt(np.arange(6.0))
    assert place == 3 and p == pytest.approx(2 * np.exp(-6 * 81 / 252))


def test_the_correlation_of_independent_nights_is_drawn_to_the_usual_one():
    nights = np.random.default_rng(0).standard_normal((200, 30))
    mean = np.mean([neighbours_correlation(one - one.mean()) for one in nights])
    assert mean == pytest.approx(0.2, abs=0.05)  # half way from 0 to 0.4 at 30 nights


def test_the_scatter_of_earlier_nights_counts_and_their_level_does_not():
    before = np.random.default_rng(1).normal(0, 0.01, 30)
    assert shown_noise(before, 15, before + 0.5) == pytest.approx(shown_noise(before, 15, before))
    assert shown_noise(before, 15, 3 * before) > 1.5 * shown_noise(before, 15, before)
    assert shown_noise(before, 15, 3 * before[:11]) == shown_noise(before, 15)  # too few to know their level


def test_few_nights_must_show_more_of_their_standard_errors():
    before = np.random.default_rng(1).normal(0, 0.01, 30)
    # standard errors of a difference of n and 30 nights are as √(1/n + 1/30)
    for few, many, times in ((5, 10, 6 / 5), (10, 15, 5 / 4.4)):
        expected = times * np.sqrt((1 / few + 1 / 30) / (1 / many + 1 / 30))
        assert shown_noise(before, few) / shown_noise(before, many) == pytest.approx(expected)


def test_thirty_nights_that_happen_to_be_quiet_raise_no_alarm():
    rng = np.random.default_rng(4)
    noise = np.concatenate([rng.normal(0, 0.04, 30), rng.normal(0, 0.008, 45)])
    noise[60:] += 0.035
    values = list(0.010 * np.exp(noise))
    assert trend_alarm(series(values[30:])) is not None
    assert trend_alarm(series(values)) is None


def _of_models(shifts: dict[str, float], noise: float = 0.004) -> list[Series]:
    rng = np.random.default_rng(8)
    return [
        replace(series(np.exp(np.where(np.arange(45) >= 40, shift, 0.0) + noise * rng.normal(size=45))), model=name)
        for name, shift in shifts.items()
    ]


def test_what_other_models_show_as_well_is_the_machines() -> None:
    own, together = trend_alarms(_of_models({"a": 0.10, "b": 0.09, "c": 0.11, "d": 0.10}))
    assert own == () and {alarm.series.model for alarm in together.alarms} == {"a", "b", "c", "d"}
    alone, none = trend_alarms(_of_models({"a": 0.10, "b": 0.0, "c": 0.0, "d": 0.0}))
    assert [alarm.series.model for alarm in alone] == ["a"] and none.alarms == ()
    few, none = trend_alarms(_of_models({"a": 0.10, "b": 0.10, "c": 0.10}))  # two others tell nothing
    assert len(few) == 3 and none.alarms == ()


def test_two_of_three_others_are_not_three() -> None:
    own, together = trend_alarms(_of_models({"a": 0.10, "b": 0.10, "c": 0.10, "d": 0.0}))
    assert {alarm.series.model for alarm in own} == {"a", "b", "c"} and together.alarms == ()
    minority = {"a": 0.10, "b": 0.10, "c": 0.10, "d": 0.10, "e": 0.0, "f": 0.0, "g": 0.0}
    assert len(trend_alarms(_of_models(minority))[0]) == 4  # three of six are not most
    most = {name: shift for name, shift in minority.items() if name != "g"}
    assert trend_alarms(_of_models(most))[0] == ()


def test_nights_that_differ_more_are_told_apart_from_a_level() -> None:
    rng = np.random.default_rng(3)
    calm, wide = 0.01 * rng.normal(size=30), 0.06 * rng.normal(size=20)
    alarm = spread_alarm(series(np.exp(np.concatenate([calm, wide]))))
    assert alarm is not None and alarm.kind == "spread" and alarm.worse and alarm.ratio > 3
    assert trend_alarm(series(np.exp(np.concatenate([calm, wide])))) is None
    assert spread_alarm(series(np.exp(np.concatenate([calm, 0.1 + 0.01 * rng.normal(size=20)])))) is None
