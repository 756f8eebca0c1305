from __future__ import annotations

import numpy as np
import pytest

from bench.measure.phases import measure_load, watch
from tests.measure.fakes import FakeClock, meters

MIB = 1024**2


def test_load_is_timed_and_its_memory_found() -> None:
    clock = FakeClock()
    instruments = meters(clock)

    def load() -> np.ndarray:  # type: ignore[type-arg]
        clock.sleep(2.5)
        return np.ones(64 * MIB, dtype=np.uint8)

    loaded, found = measure_load(load, instruments, process=2)
    facts = {fact.name: fact for fact in found}
    assert loaded.nbytes == 64 * MIB
    assert facts["load_s"].value == pytest.approx(2.5)
    added = (facts["load_rss_bytes"].value or 0) - (facts["baseline_rss_bytes"].value or 0)
    assert added == pytest.approx(64 * MIB, rel=0.05)
    assert {fact.process for fact in found} == {2}


def test_facts_are_there_after_the_block_even_when_it_fails() -> None:
    with pytest.raises(RuntimeError), watch("evaluate", meters(FakeClock()), 0) as facts:
        raise RuntimeError
    assert [fact.name for fact in facts] == ["window_evaluate_s", "peak_rss_evaluate_bytes"]
