from __future__ import annotations

import os

import pytest
import torch

from bench.measure import placement


@pytest.fixture(autouse=True)
def threads_restored():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_are_fixed_and_recorded() -> None:
    found = placement.place(1)
    assert found["threads"] == torch.get_num_threads() == 1
    assert found["affinity"] == sorted(os.sched_getaffinity(0))


def test_quota_limits_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "affinity", lambda: list(range(8)))
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: 2.5)
    assert placement.default_threads() == 2
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: 0.5)
    assert placement.default_threads() == 1
    monkeypatch.setattr(placement, "quota_cpus", lambda *_: None)
    assert placement.default_threads() == 8
