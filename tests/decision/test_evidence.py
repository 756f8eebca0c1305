from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from bench.decision import evidence as ev
from bench.decision.paired import RightAnswers
from bench.decision.pareto import nondominated
from bench.stats.paired import mid_p_worse
from tests.decision.boards import make_board

NAN = float("nan")


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


def test_a_paired_test_takes_the_place_of_the_replicates_where_it_covers_a_pair() -> None:
    board = make_board([[0.80, 0.01], [0.79, 0.01], [0.70, 0.01]], noise=(0.001, 0.0))
    answers = RightAnswers(np.array([[0.0, 9.0, NAN], [3.0, 0.0, NAN], [NAN, NAN, 0.0]]))
    found = ev.gather(replace(board, tests={0: answers}), (0, 1, 2))
    expected = float(mid_p_worse(9, 3))
    assert found.better[0, 1, 0] == found.no_worse[0, 1, 0] == pytest.approx(expected)
    assert ev.p_dominates(found)[0, 1] == pytest.approx(expected)
    assert found.better[0, 2, 0] < 1e-6  # by the replicates
    some = ev.gather(replace(board, tests={0: answers}), (1, 2))
    assert some.better[0, 1, 0] == found.better[1, 2, 0]


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


def _pairs(p: float, models: int, others: float = 0.9) -> ev.Evidence:
    """Returns evidence in which the first candidate dominates the second with p-value `p`, and every other pair has
    the p-value of `others`."""
    better = np.full((models, models, 2), others)
    better[0, 1] = p
    noisy = np.ones(better.shape, dtype=np.bool_)
    return ev.Evidence(better, better.copy(), noisy, np.zeros(better.shape), tuple(range(models)))


def test_exclusion_pays_for_every_dominator_and_every_candidate_that_may_be_one() -> None:
    # All 20 pairs of 5 candidates are looked at: p / SCREEN · 4 for the choice of the dominator, times 5 by Holm.
    assert ev.excluded(_pairs(0.0019, 5, others=0.7)) == {1: 0}
    assert ev.excluded(_pairs(0.0021, 5, others=0.7)) == {}
    # Of the others nothing is to be expected: they cost nothing.
    assert ev.excluded(_pairs(0.039, 5)) == ev.excluded(_pairs(0.039, 2)) == {1: 0}
    assert ev.excluded(_pairs(0.041, 5)) == ev.excluded(_pairs(0.041, 2)) == {}


def test_membership_pays_for_the_choice_of_an_objective_that_may_be_it_and_not_for_the_number_of_rivals() -> None:
    for models in (2, 5):
        found = _pairs(0.02, models)
        found.better[0, :, 0], found.better[0, :, 1], found.no_worse[0, :, 1] = 0.02, 0.7, 0.7
        assert ev.p_on_front(ev.p_not_dominated(found))[0] == pytest.approx(2 * 0.02 / ev.SCREEN)
        found.better[0, :, 1] = 0.9  # not looked at
        assert ev.p_on_front(ev.p_not_dominated(found))[0] == pytest.approx(0.02 / ev.SCREEN)
    assert ev.p_on_front(ev.p_not_dominated(_pairs(0.02, 5)))[0] > ev.SCREEN


def test_only_candidates_that_are_looked_at_are_paid_for() -> None:
    assert ev.certified(np.array([0.039, 0.9, 0.9])).tolist() == [True, False, False]
    assert ev.certified(np.array([0.039, 0.7, 0.9])).tolist() == [False, False, False]
    assert ev.certified(np.array([0.019, 0.7, 0.0])).tolist() == [True, False, True]


def test_what_is_not_known_of_a_value_is_no_proof() -> None:
    board = make_board(
        [[0.9, 0.010, 300.0], [0.8, 0.020, 299.0]],
        ("accuracy", "latency_p95_s", "peak_rss_bytes"),
        noise=(0.01, 0.001, 0.0),
    )
    for off, certain in ((0.0, True), (0.4, True), (0.5, False), (np.inf, False)):
        found = ev.gather(replace(board, unknown=np.array([[0.0, 0.0, off]] * 2)), (0, 1))
        assert ev.certified(ev.p_on_front(ev.p_not_dominated(found))).tolist() == [True, certain]
        assert ev.certified(ev.p_on_front(ev.p_not_dominated(found, as_read=True))).all()


def test_domination_needs_proof_in_every_objective_or_a_margin_above_what_is_not_known() -> None:
    values, columns = [[0.9, 0.010, 300.0], [0.8, 0.020, 300.0]], ("accuracy", "latency_p95_s", "peak_rss_bytes")
    plain = make_board(values, columns, noise=(0.01, 0.001, 0.0))
    wide = make_board(values, columns, noise=(0.01, 0.001, 0.0), margins={"peak_rss_bytes": 3.0})
    off = np.array([[0.0, 0.0, 1.0]] * 2)
    assert ev.excluded(ev.gather(plain, (0, 1))) == {1: 0}
    assert ev.excluded(ev.gather(replace(plain, unknown=off), (0, 1))) == {}
    assert ev.excluded(ev.gather(replace(wide, unknown=off), (0, 1))) == {1: 0}


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
