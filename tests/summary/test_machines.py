"""How far machines differ, from records with known truth; and that it is in no comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from bench.compare.pairs import EfficiencyRow, compare
from bench.record import MACHINE, Record
from bench.summary import summarise
from bench.summary.machines import MachineSpeed, divided_blocks, machine_speeds
from bench.words.machines import line, rows
from tests.factories import Sketch, make_record

SLOWER = {"one": 1.0, "two": 1.3, "three": 0.9}
MEAN = float(np.exp(np.mean(np.log(list(SLOWER.values())))))
MODELS = (Sketch("a", spread=0.02), Sketch("b", latency_s=0.0103, spread=0.02), Sketch("c", spread=0.02))


def on(record: Record, machine: str) -> Record:
    """Say that a record was measured on a machine, at its speed."""
    slower = [replace(each, duration_ns=int(each.duration_ns * SLOWER[machine])) for each in record.timings]
    note: Mapping[str, object] = {"name": machine, "kind": "EPYC (8 CPUs)"}
    return replace(record, timings=tuple(slower), notes={**record.notes, MACHINE: note})


def records(*, broken: bool = False, processes: int = 4) -> list[Record]:
    """Measure three candidates on two tasks: process k of a task on one machine, or each on any."""
    names, measured = list(SLOWER), []
    for number, task in enumerate(("topic", "cause")):
        for process in range(processes):
            for place, model in enumerate(MODELS):
                machine = names[(process + number + (place if broken else 0)) % len(names)]
                record = make_record(model, task, examples=20, requests=60, process=process)
                measured.append(on(record, machine))
    return measured


def ratio(of: list[Record]) -> EfficiencyRow:
    """Compare b with a by their typical latency on the first task."""
    entries = [entry for entry in summarise(of) if entry.cell.task == "topic"]
    a, b = (next(entry for entry in entries if entry.candidate == name) for name in ("a", "b"))
    return next(row for row in compare([a], [b], "a", "b").efficiency if row.reading == "latency_p50_s")


def test_the_difference_between_machines_is_what_it_is() -> None:
    speeds = {speed.name: speed for speed in machine_speeds(summarise(records()))}
    assert {name: speed.jobs for name, speed in speeds.items()} == {"one": 9, "two": 9, "three": 6}
    for name, speed in speeds.items():
        assert speed.low is not None and speed.high is not None
        assert speed.low < SLOWER[name] / MEAN < speed.high
        assert speed.factor == pytest.approx(SLOWER[name] / MEAN, rel=0.02)
        assert speed.high / speed.low < 1.1


def test_it_is_in_no_comparison_of_candidates_whose_blocks_have_one_machine_each() -> None:
    """Machines differ by 44 %, candidates by 3 %: that is found, since processes are paired within machines."""
    within, across = ratio(records()), ratio(records(broken=True))
    assert within.ci_low is not None and within.ci_high is not None
    assert 1.0 < within.ci_low < 1.03 < within.ci_high < 1.06
    assert across.ci_low is not None and across.ci_high is not None
    assert across.ci_high / across.ci_low > 1.3


def test_machines_without_a_task_in_common_and_few_blocks_have_no_factor_or_no_interval() -> None:
    few = machine_speeds(summarise([r for r in records(processes=2) if r.cell.task == "topic"]))
    assert [speed.factor is None for speed in few] == [False, False]
    assert [speed.low for speed in few] == [None, None]
    apart = [on(make_record(model, task), name) for model in MODELS for task, name in (("x", "one"), ("y", "two"))]
    assert [(speed.name, speed.factor) for speed in machine_speeds(summarise(apart))] == [("one", None), ("two", None)]
    assert machine_speeds(summarise([make_record(model, "x") for model in MODELS])) == ()


def test_a_run_on_several_machines_says_so_once() -> None:
    speeds = machine_speeds(summarise(records()))
    told = line(speeds)
    assert told is not None
    assert all(name in told for name in SLOWER)
    assert [name for name, _ in rows(speeds)] == sorted(SLOWER)
    assert line(speeds[:1]) is None
    assert divided_blocks(summarise(records())) == ()
    assert "not known" in str(line([MachineSpeed("one", "EPYC", 2), MachineSpeed("two", "EPYC", 1)]))


def test_blocks_that_were_divided_among_machines_are_named() -> None:
    whole, broken = records(processes=2), records(processes=2, broken=True)
    entries = summarise([*(r for r in whole if r.process == 0), *(r for r in broken if r.process == 1)])
    assert divided_blocks(entries) == ("cause #1", "topic #1")
    alone = summarise(records(processes=1, broken=True))  # nothing is known of how processes differ
    assert divided_blocks(alone) == ("cause #0", "topic #0")
    told = str(line(machine_speeds(entries), divided_blocks(entries)))
    assert "cause #1" in told and "topic #1" in told and told != line(machine_speeds(entries))
    single = str(line(machine_speeds(entries), ("topic #1",)))
    assert told.endswith("measures them again") and single.endswith("measures it again")
