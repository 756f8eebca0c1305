from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from bench.decision import evidence as ev
from bench.decision.pareto import nondominated
from tests.decision.boards import make_board


def test_p_of_a_normal_difference() -> None:
    rng = np.random.default_rng(0)
    gaps = np.column_stack([rng.normal(1.0, 1.0, 4000), rng.normal(6.0, 1.0, 4000), np.zeros(4000)])
    drawn = ev.Gaps.of(gaps.T, np.array([1.0, 6.0, 0.0]))
    found = ev.p_above(drawn, np.zeros(3), strict=True)
    assert found[0] == pytest.approx(norm.sf(1.0), abs=0.02)
    assert found[1] == pytest.approx(norm.sf(6.0), rel=1.0)  # beyond what replicates resolve: extrapolated
    assert found[2] == 1.0
    assert ev.p_above(drawn, np.zeros(3), strict=False)[2] == 0.0


def test_without_noise_the_certificates_are_the_front() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        board = make_board(rng.integers(0, 4, (6, 2)).tolist(), replicates=20)
        found = ev.gather(board, tuple(range(6)))
        front = nondominated(board.oriented)
        assert ev.certified(ev.p_on_front(ev.p_not_dominated(found))).tolist() == front.tolist()
        assert set(ev.excluded(found)) == set(np.flatnonzero(~front).tolist())


def test_noise_withholds_certificates() -> None:
    board = make_board([[0.80, 0.010], [0.79, 0.011]], noise=(0.02, 0.002))
    found = ev.gather(board, (0, 1))
    assert not ev.certified(ev.p_on_front(ev.p_not_dominated(found))).any()
    assert ev.excluded(found) == {}


def test_clear_domination_is_certified_through_noise() -> None:
    board = make_board([[0.9, 0.010], [0.7, 0.050]], noise=(0.01, 0.001))
    found = ev.gather(board, (0, 1))
    assert ev.certified(ev.p_on_front(ev.p_not_dominated(found))).tolist() == [True, False]
    assert ev.excluded(found) == {1: 0}


def test_exact_mcnemar_takes_the_place_of_the_bootstrap() -> None:
    board = make_board([[0.80, 0.01], [0.79, 0.01]], noise=(0.001, 0.0))
    exact = np.array([[1.0, 0.2], [0.95, 1.0]])
    found = ev.gather(replace(board, better={0: exact}), (0, 1))
    assert found.better[0, 1, 0] == 0.2 and found.no_worse[0, 1, 0] == 0.2
    assert ev.p_dominates(found)[0, 1] == 0.2


def test_a_margin_lets_a_slightly_worse_model_dominate() -> None:
    values = [[0.800, 0.010], [0.804, 0.050]]
    plain = ev.gather(make_board(values), (0, 1))
    assert ev.excluded(plain) == {}
    wide = ev.gather(make_board(values, margins={"accuracy": 0.01, "latency_p95_s": 0.001}), (0, 1))
    assert ev.excluded(wide) == {1: 0}


def test_a_circle_of_slight_dominations_excludes_nobody() -> None:
    # Each is 1.5 margins better than the next in one objective and 0.75 worse in the two others.
    board = make_board(
        [[0.0, 0.75, 1.5], [1.5, 0.0, 0.75], [0.75, 1.5, 0.0]],
        ("throughput_examples_per_s", "throughput_input_tokens_per_s", "throughput_output_tokens_per_s"),
        margins=dict.fromkeys(
            ("throughput_examples_per_s", "throughput_input_tokens_per_s", "throughput_output_tokens_per_s"),
            0.8,
        ),
    )
    found = ev.gather(board, (0, 1, 2))
    assert (ev.p_dominates(found) == 0).sum() >= 3
    assert ev.excluded(found) == {}


def test_equal_numbers_whose_spread_does_not_round_to_zero_are_still_exact() -> None:
    gaps = np.full((500, 1), 0.8 - 0.1)
    drawn = ev.Gaps.of(gaps.T, gaps[0])
    assert ev.p_above(drawn, gaps[0], strict=False)[0] == 0.0
    assert ev.p_above(drawn, gaps[0], strict=True)[0] == 1.0


def _pairs(p: float, models: int) -> ev.Evidence:
    """Returns evidence in which the first candidate dominates the second with p-value `p`, and nothing else
    is known."""
    better = np.full((models, models, 2), 0.9)
    better[0, 1] = p
    noisy = np.ones(better.shape, dtype=np.bool_)
    return ev.Evidence(better, better.copy(), noisy, np.zeros(better.shape), tuple(range(models)))


def test_exclusion_pays_for_every_dominator_and_every_candidate() -> None:
    # One pair among M candidates: p * (M - 1) for the choice of the dominator, times M by Holm.
    assert ev.excluded(_pairs(0.002, 5)) == {1: 0}
    assert ev.excluded(_pairs(0.003, 5)) == {}
    assert ev.excluded(_pairs(0.02, 2)) == {1: 0} and ev.excluded(_pairs(0.03, 2)) == {}


def test_membership_pays_for_the_choice_of_the_objective_but_not_for_the_number_of_rivals() -> None:
    for models in (2, 5):
        found = _pairs(0.02, models)
        found.better[0, :, 0], found.better[0, :, 1], found.no_worse[0, :, 1] = 0.02, 0.9, 0.9
        assert ev.p_on_front(ev.p_not_dominated(found))[0] == pytest.approx(0.04)
    assert ev.p_on_front(ev.p_not_dominated(_pairs(0.02, 5)))[0] == 0.9


def test_what_is_taken_as_read_is_no_proof() -> None:
    board = make_board(
        [[0.9, 0.010, 300.0], [0.8, 0.020, 299.0]],
        ("accuracy", "latency_p95_s", "peak_rss_bytes"),
        noise=(0.01, 0.001, 0.0),
    )
    as_read = np.array([[False, False, True]] * 2)
    for marked, certain in ((None, [True, True]), (as_read, [True, False])):
        found = ev.gather(replace(board, as_read=marked), (0, 1))
        assert ev.certified(ev.p_on_front(ev.p_not_dominated(found))).tolist() == certain
        assert ev.certified(ev.p_on_front(ev.p_not_dominated(found, as_read=True))).all()


def test_an_undefined_difference_speaks_against() -> None:
    gaps = np.random.default_rng(0).normal(1.0, 0.01, (1000, 2))
    gaps[:100, 0], gaps[:3, 1] = np.nan, np.nan
    found = ev.p_above(ev.Gaps.of(gaps.T, np.ones(2)), np.zeros(2), strict=True)
    assert found == pytest.approx([101 / 1001, 4 / 1001])


def test_an_infinite_draw_spoils_no_other_statement() -> None:
    board = make_board([[0.9, 0.010], [0.7, 0.050], [0.8, 0.020]], noise=(0.01, 0.001))
    board.draws[:3, 2, 0] = np.inf
    found = ev.gather(board, (0, 1, 2))
    assert np.isfinite(found.better).all() and np.isfinite(ev.p_not_dominated(found)).all()
    assert ev.certified(ev.p_on_front(ev.p_not_dominated(found))).tolist() == [True, False, False]
    assert ev.excluded(found) == {1: 0, 2: 0}


def test_each_way_round_is_what_that_pair_alone_gives() -> None:
    rng = np.random.default_rng(7)
    board = make_board(rng.uniform(0.2, 0.9, (5, 2)).tolist(), noise=(0.1, 0.2), margins={"accuracy": 0.05})
    board.draws[0, 3, 1] = np.nan
    found = ev.gather(board, tuple(range(5)))
    for c in range(2):
        drawn, values = board.oriented_draws[:, :, c], board.oriented[:, c]
        for i, j in itertools.permutations(range(5), 2):
            gaps = ev.Gaps.of((drawn[:, i] - drawn[:, j])[None], values[[i]] - values[[j]])
            margin = found.margins[i, j, [c]]
            assert found.better[i, j, c] == ev.p_above(gaps, margin, strict=True)[0]
            assert found.no_worse[i, j, c] == ev.p_above(gaps, -margin, strict=False)[0]
