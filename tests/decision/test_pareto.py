from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bench.decision import pareto

Floats = NDArray[np.float64]
coarse = st.one_of(st.integers(-3, 3).map(float), st.just(float("nan")))
clouds = st.tuples(st.integers(1, 12), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=coarse)
)


def brute_force(points: Floats) -> list[bool]:
    """Returns the front by the definition: known, and nobody as good everywhere and better somewhere."""
    known = [row for row in points.tolist() if not any(x != x for x in row)]

    def dominated(p: list[float]) -> bool:
        return any(
            all(x >= y for x, y in zip(q, p, strict=True)) and any(x > y for x, y in zip(q, p, strict=True))
            for q in known
        )

    return [not any(x != x for x in p) and not dominated(p) for p in points.tolist()]


@given(clouds)
@settings(max_examples=300, deadline=None)
def test_front_agrees_with_brute_force_ties_and_nan_included(points: Floats) -> None:
    assert pareto.nondominated(points).tolist() == brute_force(points)


@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 2**31))
@settings(deadline=None)
def test_stack_agrees_with_each_front(models: int, objectives: int, seed: int) -> None:
    stack = np.random.default_rng(seed).integers(0, 4, size=(20, models, objectives)).astype(float)
    found = pareto.nondominated_stack(stack)
    assert found.tolist() == [brute_force(points) for points in stack]


def test_many_models_take_the_other_way_to_the_same_front(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = np.random.default_rng(0).normal(size=(5, 20, 3))
    stack[2, 3, 1] = np.nan
    usual = pareto.nondominated_stack(stack)
    monkeypatch.setattr(pareto, "BROADCAST_MODELS", 4)
    assert (pareto.nondominated_stack(stack) == usual).all()


def test_hypervolume_by_hand() -> None:
    points = np.array([[1.0, 3.0], [2.0, 1.0], [0.5, 0.5], [np.nan, 5.0]])
    assert pareto.hypervolume(points, np.zeros(2)) == 4.0
    assert pareto.hypervolume(points[:, :1], np.zeros(1)) == 2.0
    assert pareto.hypervolume(np.array([[np.nan, 1.0]]), np.zeros(2)) == 0.0
    assert pareto.hypervolume(np.array([[-1.0, 5.0]]), np.zeros(2)) == 0.0
