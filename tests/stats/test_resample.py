from __future__ import annotations

import numpy as np
import pytest

from bench.stats import resample
from bench.stats.resample import Resamples, seeded


def test_counts_sum_to_n_and_repeat() -> None:
    a, b = (np.concatenate(list(Resamples(50, 300, 7).chunks())) for _ in range(2))
    assert a.shape == (300, 50) and (a.sum(axis=1) == 50).all()
    assert (a == b).all()
    assert (a != np.concatenate(list(Resamples(50, 300, 8).chunks()))).any()


def test_sums_equal_explicit_resampling() -> None:
    statistics = np.random.default_rng(0).normal(size=(30, 3))
    resamples = Resamples(30, 100, 1)
    counts = np.concatenate(list(resamples.chunks()))
    expected = np.array([np.repeat(statistics, row, axis=0).sum(axis=0) for row in counts])
    np.testing.assert_allclose(resamples.sums([statistics])[0], expected, atol=1e-9)


def test_models_share_the_weights_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(40, 2)), rng.normal(size=(40, 5))
    together = Resamples(40, 50, 3).sums([one, two])
    np.testing.assert_allclose(together[0], Resamples(40, 50, 3).sums([one])[0], atol=1e-9)
    assert [block.shape for block in together] == [(50, 2), (50, 5)]
    monkeypatch.setattr(resample, "CHUNK_CELLS", 40 * 7)
    chunked = Resamples(40, 50, 3).sums([one, two])
    assert chunked[1].shape == (50, 5)
    assert Resamples(40, 50, 3).sums([]) == []


def test_groups_are_drawn_whole() -> None:
    groups = tuple("aabbbcc")
    statistics = np.ones((7, 1)) * np.array([[1], [1], [10], [10], [10], [100], [100]])
    sums = Resamples(7, 200, 0, groups).sums([statistics])[0][:, 0]
    allowed = {2 * a + 30 * b + 200 * c for a in range(4) for b in range(4) for c in range(4) if a + b + c == 3}
    assert set(sums) <= allowed and len(set(sums)) > 5


def test_seeded_depends_on_every_part() -> None:
    assert seeded(1, "a").integers(10**9) == seeded(1, "a").integers(10**9)
    assert seeded(1, "a").integers(10**9) != seeded(1, "b").integers(10**9)
    assert seeded("1", "23").integers(10**9) != seeded("12", "3").integers(10**9)
