"""What an executor with several machines is made of, without a cluster."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bench.candidates.kept import Keep
from bench.errors import EnvironmentLackError, InputError, SuiteError, UsageError
from bench.host import class_key, class_name, fingerprint, machine_key, shared_facts
from bench.host.facts import Facts
from bench.record import Cell, Record, round_of
from bench.running.blocks import schedule
from bench.running.executors import chosen_executor, executor_of
from bench.running.executors.ray import RayExecutor
from bench.running.machines import parcels
from bench.running.machines.agent import add_kept, kept_by
from bench.running.machines.alike import chosen_class, classes_of, odd_ones, speeds
from bench.running.machines.fleet import Fleet, Seat
from bench.running.machines.parcels import moved, parcel_of, wanted
from bench.running.machines.software import COMPARED, difference, reader
from bench.suite import Suite
from bench.suite.machines import MachinesSpec
from bench.suite.yaml_file import read
from tests.jobs import make_job


def facts(model: str = "EPYC", board: str | None = None, uuid: str = "1", memory: int = 2**33) -> Facts:
    devices = [] if board is None else [{"name": board, "uuid": uuid, "driver": "570"}]
    return {
        "cpu": {"model": model, "usable_cpus": 8},
        "machine": {"memory_bytes": memory},
        "gpu": {"devices": devices},
        "software": {"packages": {"torch": "2.9"}},
    }


def test_two_boards_of_one_kind_are_alike_and_two_kinds_are_not() -> None:
    one, other = facts(board="NVIDIA H100"), facts(board="NVIDIA H100", uuid="2", memory=2**33 - 12_345)
    assert machine_key(one) != machine_key(other)
    assert class_key(one) == class_key(other) == machine_key(shared_facts(other))
    assert class_key(one) != class_key(facts(board="NVIDIA A100"))
    assert class_key(one) != class_key(one | {"software": {"packages": {"torch": "2.8"}}})
    assert class_name(one) == "NVIDIA H100, EPYC (8 CPUs)"
    assert class_key(fingerprint()) == class_key(fingerprint())


def test_the_class_with_most_machines_is_measured_or_the_one_that_is_named() -> None:
    machines = {"a": facts("Xeon"), "b": facts("EPYC"), "c": facts("EPYC", memory=2**33 + 1)}
    classes = classes_of(machines)
    assert [each.machines for each in classes] == [("b", "c"), ("a",)]
    assert chosen_class(classes, MachinesSpec()).machines == ("b", "c")
    assert chosen_class(classes, MachinesSpec(like="xeon")).machines == ("a",)
    with pytest.raises(
        EnvironmentLackError, match=r"machines\.like is 'H100', and the cluster has none: 2 machines of"
    ):
        chosen_class(classes, MachinesSpec(like="H100"))
    with pytest.raises(EnvironmentLackError, match=r"machines\.at_least is 3"):
        chosen_class(classes, MachinesSpec(at_least=3))


def test_the_odd_one_is_left_out_where_there_are_enough_to_tell() -> None:
    assert odd_ones({"a": 1.0, "b": 1.02, "c": 1.3}) == {"c"}
    assert odd_ones({"a": 1.0, "b": 1.5}) == set()
    assert speeds({"a": 1.0, "b": 1.1, "c": 1.0})["b"] == pytest.approx(0.1)
    assert odd_ones({"a": 1.0, "b": 1.0, "c": 2.0, "d": 2.0}) == {"c", "d"}  # never all of them
    assert odd_ones({"a": 1.0, "b": 1.0, "c": 1.2, "d": 1.2}) == set()  # all are close to the median
    assert odd_ones({"a": 1.0, "b": 1.0, "c": 1.2, "d": 2.0}) == {"d"}


def test_a_block_keeps_its_machine_and_another_waits_for_a_free_one() -> None:
    fleet, taken = Fleet({"one": 1, "two": 1}), []
    one, two = Seat("one", 0), Seat("two", 0)
    assert [fleet.take("x"), fleet.take("y"), fleet.take("x")] == [one, two, one]
    waiting = threading.Thread(target=lambda: taken.append(fleet.take("z")))
    waiting.start()
    assert not taken
    fleet.release("y")
    waiting.join(60)
    assert taken == [two]


def test_the_block_of_a_lost_machine_goes_to_another_and_nothing_waits_for_ever() -> None:
    fleet, taken = Fleet({"one": 1, "two": 1}), []
    assert (fleet.take("x"), fleet.lose("one"), fleet.lose("one")) == (Seat("one", 0), True, False)
    assert fleet.take("x") == Seat("two", 0)
    waiting = threading.Thread(target=lambda: taken.append(fleet.take("y")))
    waiting.start()
    fleet.lose("two")
    waiting.join(60)
    assert taken == [None]
    fleet.join("three")
    assert fleet.take("y") == Seat("three", 0)


def test_processes_of_one_task_visit_all_machines() -> None:
    fleet, visited = Fleet({"one": 1, "two": 1, "three": 1}), []
    for process in range(4):
        seat = fleet.take(f"t #{process}")
        assert seat is not None
        visited.append(seat.machine)
        fleet.release(f"t #{process}")
    assert visited == ["one", "two", "three", "one"]


def test_a_block_that_is_kept_for_a_machine_has_its_seat_before_others_come() -> None:
    fleet = Fleet({"one": 1, "two": 1})
    assert fleet.is_free("one")
    fleet.prefer("x", "one")
    assert fleet.is_free("one") is False
    assert [fleet.take("y"), fleet.take("x")] == [Seat("two", 0), Seat("one", 0)]
    fleet.prefer("z", "gone")
    assert fleet.is_free("gone") is None
    fleet.release("x")
    assert fleet.take("z") == Seat("one", 0)
    fleet.prefer("w", "two")
    fleet.seat({"one": 1, "two": 1})
    assert fleet.take("w") == Seat("two", 0)


def test_blocks_are_spread_over_machines_before_one_takes_a_second() -> None:
    fleet = Fleet({"one": 2, "two": 2})
    assert [fleet.take(block) for block in "wxyz"] == [Seat(name, n) for n in (0, 1) for name in ("one", "two")]
    assert (fleet.seats, fleet.machines) == (4, ["one", "two"])
    assert fleet.lose("one")
    assert (fleet.seats, fleet.machines) == (2, ["two"])


def test_software_is_compared_and_a_difference_is_named() -> None:
    here = reader(COMPARED)()
    assert here["bench"] is not None
    assert difference(here, dict(here), "node") is None
    assert difference(here, {**here, "more": "1"}, "node") is None
    wrong = difference(here, {**here, "torch": "2.0.0", "numpy": None}, "node-2")
    assert wrong is not None
    assert wrong.startswith("node-2 has other software (torch 2.0.0 there")
    assert "numpy is missing there" in wrong
    assert "bench's code other there" in str(difference(here, {**here, "bench's code": "other"}, "node-2"))
    assert "has no bench" in str(difference(here, {**here, "bench's code": None}, "node-2"))


def cell_at(folder: Path) -> Cell:
    (folder / "suite" / "deep").mkdir(parents=True)
    (folder / "model").mkdir()
    (folder / "results").mkdir()
    for name in ("suite/own.py", "suite/deep/table.txt", "model/weights.bin", "rows.json"):
        (folder / name).write_text(name)
    (folder / "suite" / ".git").mkdir()
    (folder / "suite" / ".git" / "config").write_text("")
    (folder / "suite" / "results").mkdir()
    (folder / "suite" / "results" / "bench.db").write_text("")
    job = make_job(data_path=str(folder / "rows.json"), suite_folder=str(folder / "suite"))
    spec = job.model.model_copy(update={"checkpoint": str(folder / "model")})
    return Cell("m", "torch-module", "float32", "t", "classification", job.model_copy(update={"model": spec}))


def test_what_a_job_names_travels_and_the_job_points_to_it(tmp_path: Path) -> None:
    cell = cell_at(tmp_path)
    paths = wanted(cell)
    assert {name: path.name for name, path in paths.items()} == {
        "data_path": "rows.json",
        "checkpoint": "model",
        "suite_folder": "suite",
    }
    suite = parcel_of(paths["suite_folder"], whole=False)
    assert suite.files == ("deep/table.txt", "own.py")
    there = moved(cell, {name: f"/there/{name}" for name in paths}).to_run()
    assert (there.data_path, there.suite_folder, there.model.checkpoint) == (
        "/there/data_path",
        "/there/suite_folder",
        "/there/checkpoint",
    )
    assert cell.id == moved(cell, {}).id
    places = {place: content for place, _, content in suite.chunks()}
    assert places == {"suite/deep/table.txt": b"suite/deep/table.txt", "suite/own.py": b"suite/own.py"}
    (paths["suite_folder"] / "own.py").write_text("other")
    assert parcel_of(paths["suite_folder"], whole=False).key != suite.key
    with pytest.raises(InputError, match="cannot be read"):
        parcel_of(tmp_path / "nothing")


def test_what_is_too_large_must_lie_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_at(tmp_path)
    monkeypatch.setattr(parcels, "TRAVELS_BYTES", 15)
    sizes = {path.name: parcel_of(path).travels for path in wanted(cell).values()}
    assert sizes == {"rows.json": True, "model": False, "suite": False}


def test_kept_answers_come_back_and_are_only_added_to(tmp_path: Path) -> None:
    keep = Keep(tmp_path / "a" / "answers.jsonl", tmp_path / "spending.txt")
    keep.spending.write_text("request 0 0\n")
    before = kept_by(keep)
    assert before == (b"", b"request 0 0\n")
    keep.spending.write_text("request 0 0\nrequest 1 1\n")  # another machine's, meanwhile
    add_kept(keep, before, (b"{}\n", b"request 0 0\nrequest 2 2\n"))
    assert kept_by(keep) == (b"{}\n", b"request 0 0\nrequest 1 1\nrequest 2 2\n")


def test_a_round_is_a_process_on_one_machine() -> None:
    cell = Cell("m", "f", "float32", "t", "k")
    home, one, two = (
        Record(cell, "ok", None, 1, notes=notes)
        for notes in ({}, {"machine": {"name": "one"}}, {"machine": {"name": "two"}})
    )
    assert round_of(home) == 1
    assert len({round_of(home), round_of(one), round_of(two), round_of(replace(one, process=2))}) == 4
    assert round_of(one) == round_of(replace(one, status="settled"))


def test_where_nothing_is_timed_a_block_is_one_load() -> None:
    plan = [Cell(m, "f", "float32", t, "k", make_job(m, t), {"m": m, "t": t}) for m in "abc" for t in "xy"]
    whole, fine = schedule(plan, 1, 7), schedule(plan, 1, 7, finely=True)
    assert [len(block.cells) for block in whole] == [3, 3]
    assert [len(block.cells) for block in fine] == [1] * 6
    assert [cell for block in whole for cell in block.cells] == [cell for block in fine for cell in block.cells]
    assert len({block.name for block in fine}) == len({block.lane for block in fine}) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ray://127.0.0.1:1", "no Ray cluster answers at ray://127.0.0.1:1"),
        ("ray://nowhere", "no address of a Ray cluster; write it as ray://HOST:10001"),
        ("ray://", "no address of a Ray cluster"),
        ("local://here", "the executor 'local' takes no address"),
        ("rya", "did you mean 'ray'"),
    ],
)
def test_mistakes_in_the_place_are_one_line(text: str, words: str) -> None:
    with pytest.raises((InputError, EnvironmentLackError)) as told:
        chosen_executor(text).open().fingerprint()
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def suite_with(folder: Path, machines: str, executor: str) -> Path:
    (folder / "suite.yaml").write_text(
        f"name: s\ndefaults: {{executor: '{executor}'}}\nmachines: {machines}\n"
        "models: [{name: floor, family: baseline, strategy: majority}]\n"
        "tasks: [{name: t, kind: classification, data: {builtin: waybills, columns: {label: status}}}]\n"
    )
    return folder / "suite.yaml"


def test_machines_of_a_suite_reach_the_executor_and_mean_nothing_at_home(tmp_path: Path) -> None:
    suite = read(suite_with(tmp_path, "{like: H100, at_least: 2}", "ray://head:10001"), Suite)
    chosen = executor_of(suite)
    assert (chosen.kind, chosen.address, chosen.machines) == (
        RayExecutor,
        "ray://head:10001",
        MachinesSpec(like="H100", at_least=2),
    )
    assert executor_of(suite, "ray").address is None
    with pytest.raises(SuiteError, match=r"suite\.yaml:3:\d+ machines: the executor 'local' has this machine alone"):
        executor_of(suite, "local")


@pytest.mark.parametrize(
    ("machines", "words"),
    [
        ("{at_least: 0}", "at_least"),
        ("{lik: H100}", "like"),
        ("{like: ''}", "like"),
        ("{at_least: 3, at_most: 2}", "at_most is 2, less than at_least, 3"),
    ],
)
def test_mistakes_in_machines_are_told_with_their_place(machines: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=rf"suite\.yaml:3:.*{words}"):
        read(suite_with(tmp_path, machines, "ray"), Suite)
    assert UsageError.exit_code == 2
