from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.decision import fronts
from bench.decision.board import Absence, Missing
from bench.decision.constraints import check_all
from bench.errors import InputError
from bench.suite.limits import parse_limit
from tests.decision.boards import make_board

NAN = float("nan")


def _labels(board, *limits):  # type: ignore[no-untyped-def]
    front = fronts.find(board, check_all(board, [parse_limit(*limit) for limit in limits]))
    return {s.name: (s.label, s.other) for s in front.standings}, front


def test_every_label() -> None:
    board = make_board(
        [
            [0.90, 0.040],
            [0.70, 0.010],
            [0.60, 0.030],
            [0.701, 0.0101],
            [0.95, 0.100],
            [0.97, 0.0499],
            [0.8, NAN],
        ],
        noise=(0.005, 0.0004),
    )
    labels, front = _labels(board, ("latency_p95_s", "<= 50 ms"))
    assert labels["a"] == ("on the front", None)
    assert labels["b"] == ("tied", "d") and labels["d"] == ("tied", "b")
    assert labels["c"][0] == "dominated" and labels["c"][1] in ("b", "d")
    assert labels["e"] == ("infeasible", None)
    assert labels["f"] == ("unresolved", None) and labels["g"] == ("unresolved", None)
    assert front.feasible == (0, 1, 2, 3) and not front.relaxed
    by_name = {s.name: s for s in front.standings}
    assert [check.state for name in "ef" for check in by_name[name].checks] == ["outside", "open"]
    assert by_name["g"].missing == Missing(Absence.VALUE, column="latency_p95_s", reason="no meter")


def test_possibly_and_its_stability() -> None:
    board = make_board([[0.80, 0.010], [0.78, 0.0112]], noise=(0.003, 0.001), replicates=4000)
    labels, front = _labels(board)
    assert labels["b"] == ("possibly", None)
    share = front.standings[1].stability or 0
    from scipy.stats import norm

    dominated = norm.cdf(0.02 / (0.003 * 2**0.5)) * norm.cdf(0.0012 / (0.001 * 2**0.5))
    assert share == pytest.approx(1 - dominated, abs=0.03)


def test_one_model_and_identical_models() -> None:
    assert _labels(make_board([[0.5, 0.01]]))[0] == {"a": ("on the front", None)}
    labels, front = _labels(make_board([[0.5, 0.01], [0.5, 0.01]]))
    assert set(labels.values()) == {("on the front", None)}
    assert front.members == ("a", "b")


def test_nobody_feasible_compares_all_without_limits() -> None:
    labels, front = _labels(make_board([[0.9, 0.2], [0.8, 0.1], [0.7, 0.3]]), ("latency_p95_s", "<= 50 ms"))
    assert front.relaxed and front.feasible == ()
    assert {label for label, _ in labels.values()} == {"infeasible"}
    assert front.members == ("a", "b")


def test_nothing_to_compare() -> None:
    board = make_board([[NAN, NAN], [NAN, NAN]])
    labels, front = _labels(board)
    assert {label for label, _ in labels.values()} == {"unresolved"} and front.members == ()
    labels, front = _labels(make_board([[0.5, 0.1]], objectives=0))
    assert labels == {"a": ("unresolved", None)}


def test_hypervolume_is_scaled_by_the_reference() -> None:
    board = make_board([[0.75, 0.025], [0.5, 0.01]])
    volume = fronts.front_volume(board, [0], {"quality": 0.5, "latency_p95_s": "50 ms"})
    assert volume.value == pytest.approx(0.25 / 0.5 * 0.025 / 0.05) and volume.why_not is None
    assert fronts.front_volume(board, [0], {}) == fronts.Volume(None, fronts.NoVolume.NO_REFERENCE)
    missing = fronts.Volume(None, fronts.NoVolume.NO_COORDINATE, "latency_p95_s")
    assert fronts.front_volume(board, [0], {"quality": 0.5}) == missing
    with pytest.raises(InputError, match="leaves no room"):
        fronts.front_volume(board, [0], {"quality": 1.0, "latency_p95_s": "50 ms"})


def test_a_wrong_certificate_is_rare_when_truth_is_a_hair_from_domination() -> None:
    # b is truly dominated by a; certifying it would need an error of 2.4 sigma or more in one of two
    # objectives.
    wrong = excluded = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        seen = np.array([[0.80, 0.010], [0.80, 0.010]]) + rng.normal(size=(2, 2)) * (0.01, 0.0005)
        labels, _ = _labels(make_board(seen.tolist(), noise=(0.01, 0.0005), replicates=200))
        wrong += labels["b"][0] == "on the front"
        excluded += labels["b"][0] == "dominated"
    assert wrong <= 15 + 8 and excluded <= 15 + 8


def test_possibly_has_what_speaks_against_it() -> None:
    columns = ("accuracy", "latency_p95_s", "peak_rss_bytes")
    board = make_board([[0.9, 0.010, 300 * 2**20], [0.8, 0.020, 299 * 2**20]], columns, noise=(0.01, 0.001, 0.0))
    board = replace(board, unknown=np.array([[0.0, 0.0, np.inf]] * 2))
    labels, front = _labels(board)
    assert labels == {"a": ("on the front", None), "b": ("possibly", None)}
    assert front.standings[1].set_apart == fronts.SetApart(("peak_rss_bytes",), "a")
    apart = make_board([[0.80, 0.010], [0.78, 0.0112]], noise=(0.003, 0.001), replicates=4000)
    assert _labels(apart)[1].standings[1].beaten_by == "a"
