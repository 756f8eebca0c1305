from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.metrics.base import Metric
from bench.record import Doubt
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record, make_run

KINDS = ("classification", "summarisation", "translation", "language-modelling")


def test_processes_of_a_cell_become_one_entry_in_the_order_of_cells() -> None:
    entries = summarise(make_run(["b", "a"], ["x", "y"], processes=3, examples=20))
    assert [(e.cell.task, e.cell.model) for e in entries] == [("x", "b"), ("x", "a"), ("y", "b"), ("y", "a")]
    assert all(len(e.records) == 3 and len(e.latencies) == 3 and len(e.samples) == 20 for e in entries)


def test_one_bad_process_makes_the_cell_bad_and_keeps_what_was_read() -> None:
    good, bad = (
        make_record(process=0),
        replace(make_record(process=1), status="timeout", reason="over 60 s", timings=()),
    )
    entry = summarise([bad, good])[0]
    assert (entry.status, entry.reason) == ("timeout", "process 1: over 60 s")
    assert entry.quality["accuracy"].value is not None
    assert entry.efficiency["latency_p50_s"].value is not None


def test_doubts_and_order_of_samples() -> None:
    record = make_record(doubts=(Doubt("drift", "rose by 9 %", "wait"),))
    shuffled = replace(record, samples=tuple(reversed(record.samples)))
    entry = summarise([shuffled])[0]
    assert [s.index for s in entry.samples] == list(range(100))
    assert entry.doubts[0].code == "drift"


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_metric_is_the_quality_of_every_kind(kind: str) -> None:
    entry = summarise([make_record(Sketch("a"), Task("t", kind), examples=30)])[0]
    assert entry.quality_metric == next(iter(entry.quality))
    assert all(q.value is not None and q.n == 30 for q in entry.quality.values())


def test_nothing_gives_nothing() -> None:
    assert summarise([]) == []


def test_metrics_are_asked_for_once_for_all_cells_of_a_task() -> None:
    from bench.tasks.metrics import resolve

    asked: list[tuple[list[str], str]] = []

    def counted(names: Sequence[str], kind: str) -> Sequence[Metric]:
        asked.append((list(names), kind))
        return resolve(names, kind)

    entries = summarise(make_run(["a", "b", "c"], ["x"], examples=20), counted)
    assert len(entries) == 3 and all(entry.quality["accuracy"].value is not None for entry in entries)
    assert len(asked) == 1


def test_cells_that_are_shared_out_over_processes_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    records = make_run(["a", "b", "c"], [Task(f"t-{kind}", kind) for kind in KINDS], examples=40, processes=2)
    alone = summarise(records)
    monkeypatch.setattr("bench.summary.merge.MANY_CELLS", 1)
    monkeypatch.setattr("bench.host.pool.affinity", lambda: [0, 1])
    monkeypatch.setattr("bench.host.pool._may_fork", lambda: True)
    shared = summarise(records)
    for one, other in zip(alone, shared, strict=True):
        assert (one.id, one.quality, one.efficiency) == (other.id, other.quality, other.efficiency)
        assert all((one.statistics[name] == other.statistics[name]).all() for name in one.statistics)
