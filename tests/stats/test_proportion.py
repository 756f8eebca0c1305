from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from bench.stats.proportion import wilson


@given(st.integers(1, 5000), st.data())
@settings(deadline=None)
def test_agrees_with_statsmodels(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = proportion_confint(k, n, method="wilson")
    assert wilson(k, n) == pytest.approx(expected, abs=1e-9)


def test_ends_and_nothing() -> None:
    low, high = wilson(0, 5) or (1, 1)
    assert low == 0.0 and 0 < high < 1
    assert (wilson(5, 5) or (0, 0))[1] == 1.0
    assert wilson(0, 0) is None
