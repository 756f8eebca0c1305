"""What a candidate's code may not put something else in the place of."""

import time

from bench.running.executors.relied import Relied


def test_a_replaced_clock_is_named_and_put_back(monkeypatch):
    relied, clock = Relied.now(), time.perf_counter_ns
    assert relied.changed() is None
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 0)
    assert "time.perf_counter_ns" in relied.changed()
    relied.restore()
    assert time.perf_counter_ns is clock
    assert relied.changed() is None
