from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench.decision.rule import Stage
from bench.decision.shrink import shrunk

REPLICATES = 20_000


def _stage(values: Sequence[float], noise: float = 1.0, seed: int = 0) -> Stage:
    scores = np.array(values)
    draws = scores + noise * np.random.default_rng(seed).normal(size=(REPLICATES, len(scores)))
    return Stage("accuracy", 0, scores, draws)


def _share(stage: Stage, rows: Sequence[int], leader: int) -> float:
    return float((stage.draws[:, rows].argmax(axis=1) == list(rows).index(leader)).mean())


def test_candidates_that_noise_explains_are_drawn_together() -> None:
    stage = _stage([0.0, 0.5, -0.5, 0.3, -0.3, 1.0])
    after = shrunk(stage, range(6), 5, np.random.default_rng(0))
    before, now = (_share(one, range(6), 5) for one in (stage, after))
    assert before > 0.40 and now < 0.30
    assert after.draws.mean() == pytest.approx(stage.draws.mean(), abs=0.01)  # nothing is gained or lost in all
    assert after.draws[:, 5].mean() < 0.5


def test_candidates_far_apart_stay_where_they_are() -> None:
    stage = _stage([0.0, 4.0, 8.0, 12.0], noise=0.5)
    after = shrunk(stage, range(4), 3, np.random.default_rng(0))
    assert np.array_equal(after.draws, stage.draws)


def test_those_far_off_do_not_make_the_spread_real() -> None:
    close = _stage([0.0, 0.4, 0.8])
    with_far = _stage([0.0, 0.4, 0.8, -40.0, -50.0])
    alone = _share(shrunk(close, range(3), 2, np.random.default_rng(0)), range(3), 2)
    beside = _share(shrunk(with_far, range(5), 2, np.random.default_rng(0)), range(5), 2)
    assert beside == pytest.approx(alone, abs=0.03)


def test_draws_that_do_not_vary_or_are_no_numbers_are_left_alone() -> None:
    still = Stage("accuracy", 0, np.array([0.9, 0.8]), np.tile([0.9, 0.8], (50, 1)))
    assert shrunk(still, range(2), 0, np.random.default_rng(0)) is still
    stage = _stage([0.0, 0.1])
    stage.draws[3, 0] = np.nan
    assert shrunk(stage, range(2), 0, np.random.default_rng(0)) is stage


def test_what_is_said_is_true_as_often() -> None:
    """Worlds of six candidates as far apart as the noise: a chance of 40 to 60 % is right in 40 to 60 % of them."""
    rng = np.random.default_rng(11)
    said, plain, was = [], [], []
    for _ in range(400):
        truth = rng.normal(size=6)
        observed = truth + rng.normal(size=6)
        stage = Stage("accuracy", 0, observed, observed + rng.normal(size=(400, 6)))
        leader = int(observed.argmax())
        said.append(_share(shrunk(stage, range(6), leader, rng), range(6), leader))
        plain.append(_share(stage, range(6), leader))
        was.append(int(truth.argmax()) == leader)
    hit = np.array(was)
    for chances, lowest, highest in ((np.array(said), -0.07, 0.10), (np.array(plain), -1.0, -0.04)):
        middle = (chances >= 0.35) & (chances < 0.65)
        assert lowest < hit[middle].mean() - chances[middle].mean() < highest
