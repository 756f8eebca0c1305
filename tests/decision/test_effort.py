from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from bench.decision import effort, stages
from bench.decision.effort import NoiseSource
from bench.suite import DecisionSpec
from tests.decision.boards import make_board


def _source(n: int, variance: float, seconds: float | None) -> NoiseSource:
    return NoiseSource("t", "accuracy", "examples", n, variance, seconds)


def test_one_source_falls_with_its_number() -> None:
    assert effort.further([_source(100, 4.0, 0.1)], 1.0) == [300]
    assert effort.further([_source(100, 4.0, None)], 1.0) == [300]
    assert effort.further([_source(100, 0.5, 0.1)], 1.0) == [0]


def test_what_cannot_be() -> None:
    assert effort.further([_source(100, 4.0, 0.1)], 0.0) is None
    assert effort.further([_source(0, 4.0, 0.1)], 1.0) is None


def test_a_source_of_unknown_time_is_left_alone_unless_it_is_needed() -> None:
    assert effort.further([_source(100, 4.0, 1.0), _source(3, 0.5, None)], 1.0) == [700, 0]
    more = effort.further([_source(100, 4.0, 1.0), _source(3, 2.0, None)], 1.0)
    assert more is not None and more[1] > 0


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[NoiseSource], float]:
    count = draw(st.integers(1, 4))
    found = [
        _source(draw(st.integers(5, 400)), draw(st.floats(0.05, 5.0)), draw(st.floats(0.01, 3.0))) for _ in range(count)
    ]
    return found, draw(st.floats(0.02, 0.9)) * sum(source.variance for source in found)


@given(_cases())
@settings(max_examples=60, deadline=None)
def test_the_plan_is_enough_and_no_dearer_than_scipys(case: tuple[list[NoiseSource], float]) -> None:
    sources, wanted = case
    more = effort.further(sources, wanted)
    assert more is not None and min(more) >= 0
    n, v, c = (np.array([getattr(s, key) for s in sources], dtype=float) for key in ("n", "variance", "seconds"))
    assert (v * n / (n + more)).sum() <= wanted * (1 + 1e-9)
    # Lagrange's problem in the share that each variance keeps: scipy starts from the same share for all.
    start = np.full(len(n), wanted / v.sum())
    found = minimize(
        lambda share: float((c * n / share).sum()) / float((c * n).sum()),
        start,
        bounds=[(1e-6, 1.0)] * len(n),
        constraints=[{"type": "ineq", "fun": lambda share: (wanted - (v * share).sum()) / wanted}],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    theirs = float((c * n / found.x).sum())
    rounding = float(c.sum())  # whole observations
    assert float((c * (n + more)).sum()) <= theirs * 1.001 + rounding


def test_a_utility_rests_on_examples_and_requests() -> None:
    board = make_board([[0.90, 0.040], [0.89, 0.030]], noise=(0.02, 0.002))
    stage = stages.of_rule(board, DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"}))[0]
    found = {source.unit: source for source in effort.sources(board, stage, 0, 1)}
    assert set(found) == {"examples", "requests"}
    assert found["examples"].variance == pytest.approx(2 * 0.02**2, rel=0.2)
    assert found["requests"].variance == pytest.approx(2 * (0.5 * 0.002) ** 2, rel=0.2)
    assert found["requests"].seconds == pytest.approx(0.02)  # one request of each


def test_parts_add_up_to_the_stage() -> None:
    board = make_board([[0.9, 0.04], [0.8, 0.03], [0.7, 0.02]], noise=(0.02, 0.002))
    for spec in (DecisionSpec(), DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"})):
        for stage, (a, b) in itertools.product(stages.of_rule(board, spec), ((0, 1), (1, 2))):
            gaps = stage.draws[:, a] - stage.draws[:, b]
            parts = sum(w * (board.draws[:, a, c] - board.draws[:, b, c]) for c, w in stage.weights.items())
            np.testing.assert_allclose(parts, gaps, atol=1e-12)
