"""The steps of a night: each is done whatever became of the one before, and what is left is done next time."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from bench.errors import BusyError
from bench.host import fingerprint, shared_facts
from bench.measure.canary import Canary
from bench.nightly import night as module
from bench.nightly.deadline import deadline_at
from bench.nightly.night import Work, folder_of, run_night
from bench.nightly.outcome import read_outcome
from bench.planning import Options, make_plan, open_suite
from bench.record import MACHINE, Record
from bench.running.executors.base import Answer, Executor
from bench.running.launch import run_info
from bench.running.progress import SilentProgress
from bench.store import RunInfo, Store
from bench.store.elsewhere import results_folder
from bench.store.files import write_file
from bench.store.mirror import Mirror
from bench.store.objects import ObjectBlobs
from bench.suite import NightlySpec
from tests.factories import Sketch, Task, make_record

SUITE = """\
name: freight
models:
  - {name: one, family: baseline, strategy: majority}
  - {name: two, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
measure: {profile: quick, processes: 2}
"""
NOW = datetime.now(UTC)


class Knows(Executor):
    """Answers every cell with a synthetic record; each job takes ten seconds of a clock."""

    def __init__(self, latency_s=0.01, stop_after=None):
        super().__init__()
        self.latency_s, self.stop_after, self.jobs, self.clock = latency_s, stop_after, [], [0.0]

    def attempt(self, call):
        if "cell" not in call.arguments:
            return Answer(Canary(1, 0.004, {}, ""))
        if self.stop_after is not None and len(self.jobs) == self.stop_after:
            raise KeyboardInterrupt
        cell, process = call.arguments["cell"], call.arguments["process"]
        self.jobs.append((cell.model, process))
        self.clock[0] += 10.0
        record = make_record(Sketch(cell.model, latency_s=self.latency_s), Task("topic"), process=process)
        return Answer(replace(record, cell=cell))


class Cluster(Knows):
    """Does the same on several machines of one kind, two jobs at once."""

    capacity = 2

    def __init__(self, board, machines, **knows):
        super().__init__(**knows)
        self.board, self.machines, self.released, self.again = board, machines, [], 0

    def fingerprint(self):
        facts = fingerprint() | {"gpu": {"devices": [{"name": self.board, "uuid": self.machines[0]}]}}
        return shared_facts(facts) | {"machines": self.machines}

    def attempt(self, call):
        if call.log_path.name.startswith("gate-"):  # what disturbed the night is over
            self.again += 1
            return Knows().attempt(call)
        answer = super().attempt(call)
        if not isinstance(answer.value, Record):
            return answer
        place = self.machines[0 if call.block is None else len(call.block) % len(self.machines)]
        return Answer(replace(answer.value, notes={MACHINE: {"name": place, "kind": self.board}}))

    def release(self, block):
        self.released.append(block)


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "topic.jsonl").write_text("".join(f'{{"text": "t {i}", "label": "l{i % 2}"}}\n' for i in range(40)))
    return make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results", Options())


def work(plan, **changes):
    info = RunInfo(
        "freight", "", "hash", "bench nightly", "machine", "quick", settings=plan.suite.value.model_dump(mode="json")
    )
    return Work(plan, **{"info": info, "asked": NightlySpec()} | changes)


def go(plan, tmp_path, executor, now=NOW, **changes):
    with Store.open(tmp_path / "results", now=lambda: now) as store:
        return run_night(work(plan, **changes), store, executor, SilentProgress(), now, lambda _: None)


def test_a_night_leaves_its_pages_and_says_that_it_is_the_first(plan, tmp_path):
    found = go(plan, tmp_path, Knows(), asked=NightlySpec(keep_nights=3))
    assert found.problems == ()
    assert (found.exit_code, found.counts, found.verdict) == (0, {"ok": 2}, "insufficient history")
    folder = folder_of(tmp_path / "results", "freight")
    kept = {path.name for path in (folder / found.run_id).iterdir()}
    assert kept == {"report.html", "summary.md", "junit.xml", "night.json"}
    assert f'href="{found.run_id}/report.html"' in (folder / "index.html").read_text()
    assert "Latency p50" in (folder / "trends.html").read_text()


@pytest.fixture
def plain(monkeypatch):
    """Make the report a word, and leave out the pages over all nights: those take most of a night's time."""
    monkeypatch.setattr(module, "write_html", lambda view, path: write_file(path, "whole"))
    monkeypatch.setattr(module, "write_pages", Mock())


@pytest.fixture
def attempt(plain, plan, tmp_path, monkeypatch):
    """Run a night of several machines, each with a disk of its own, one object store and one database."""
    pytest.importorskip("fsspec").filesystem("memory").makedirs(f"/{tmp_path.name}/team")
    database = f"sqlite:///{tmp_path}/bench.db"

    def run(disk, executor, now=NOW, **changes):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / disk))
        place = results_folder(f"memory://{tmp_path.name}/team")
        with Store.open(place, database, now=lambda: now, reach=False) as store:
            return run_night(work(plan, **changes), store, executor, SilentProgress(), now, lambda _: None)

    return run


def test_a_night_without_its_object_store_is_compared_where_the_rows_before_are_kept(monkeypatch, attempt):
    before = attempt("first", Knows(), NOW - timedelta(days=2))
    for name in ("ls", "find", "exists", "cat_file", "pipe_file"):
        monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem." + name, Mock(side_effect=TimeoutError))
    asked = NightlySpec(baseline=before.run_id)
    kept, other = (attempt(disk, Knows(), asked=asked) for disk in ("first", "other"))
    assert (kept.verdict, kept.gate.baseline) == ("unchanged", before.run_id)
    assert other.gate is None and other.exit_code == 1
    assert any(problem.startswith("gate: ") and "in time" in problem for problem in other.problems)


def killed(*_, **__):
    raise KeyboardInterrupt


def test_a_night_killed_before_it_was_told_is_judged_once_whatever_disk_is_left(plan, tmp_path, monkeypatch, attempt):
    """Another machine takes it up, unless a third does so now; the first one knows better than its own old note."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "remember", killed)
        with pytest.raises(KeyboardInterrupt):
            attempt("first", Knows())
    left = folder_of(results_folder(f"memory://{tmp_path.name}/team"), "freight")
    executor = Knows()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    with Store.open(results_folder(f"memory://{tmp_path.name}/team"), f"sqlite:///{tmp_path}/bench.db") as store:
        [run] = store.runs()
        store.hold(run.id)
        with pytest.raises(BusyError, match=run.id):
            attempt("new", executor)
    with monkeypatch.context() as patch:
        patch.setattr(ObjectBlobs, "drop_uploads", dropped := Mock())
        outcome = attempt("new", executor)
    assert (outcome.problems, outcome.run_id, executor.jobs) == ((), run.id, [])
    dropped.assert_called_once_with(f"nightly/freight/{run.id}/")

    (left / run.id / "report.html").write_text("half")
    again = attempt("first", executor)
    assert (again.problems, len(executor.jobs)) == ((), 4) and again.run_id != run.id
    there = Mirror(results_folder(f"memory://{tmp_path.name}/team"), left)
    assert json.loads(there.get(f"{run.id}/night.json"))["done"] is read_outcome(left / run.id)["done"] is True
    assert there.get(f"{run.id}/report.html") == b"whole"


def test_the_newest_night_has_a_copy_whose_path_stays_the_same(plan, tmp_path):
    go(plan, tmp_path, Knows(), NOW - timedelta(days=1))
    found = go(plan, tmp_path, Knows())
    folder = folder_of(tmp_path / "results", "freight")
    for name in ("report.html", "summary.md", "junit.xml", "night.json"):
        assert (folder / "latest" / name).read_bytes() == (folder / found.run_id / name).read_bytes()
    assert read_outcome(folder / "latest")["run_id"] == found.run_id and read_outcome(folder / "latest")["done"]
    assert not list(folder.glob("*.partial"))


@pytest.mark.slow
def test_every_night_measures_everything_again_and_on_other_machines_it_is_another_environment(plan, tmp_path):
    """The third night is on more machines of the second's kind. It looks slower, and its executor's rerun clears it."""
    executors = [Knows(), Cluster("A100", ["a", "b"]), Cluster("A100", ["b", "c", "d"], latency_s=0.02)]
    home, moved, grown = (
        go(
            plan,
            tmp_path,
            executor,
            now=NOW - timedelta(days=2 - day),
            info=run_info(plan, "bench nightly", executor.fingerprint()),
        )
        for day, executor in enumerate(executors)
    )
    assert [len(executor.jobs) for executor in executors] == [4, 4, 4]
    assert (moved.verdict, moved.exit_code, moved.gate.baseline) == ("environment changed", 0, home.run_id)
    assert latency(moved) == {("environment changed", False)}
    assert (grown.verdict, grown.exit_code, grown.gate.baseline) == ("unchanged", 0, moved.run_id)
    assert latency(grown) == {("unchanged", True)}
    assert [executor.again > 0 for executor in executors[1:]] == [False, True]
    assert executors[2].released
    with Store.open(tmp_path / "results", create=False) as store:
        machines = {record.notes[MACHINE]["name"] for record in store.load(grown.run_id).records}
    assert machines <= {"b", "c", "d"}


def latency(night):
    return {(line.verdict, line.rerun) for line in night.gate.lines if line.reading == "latency_p50_s"}


@pytest.mark.slow
def test_a_stopped_night_goes_on_and_a_stopped_night_of_yesterday_does_not(plan, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(plan, tmp_path, Knows(stop_after=3))
    executor = Knows()
    found = go(plan, tmp_path, executor, now=NOW + timedelta(hours=2))
    assert len(executor.jobs) == 1
    assert found.counts == {"ok": 2}
    with pytest.raises(KeyboardInterrupt):
        go(plan, tmp_path, Knows(stop_after=3), now=NOW + timedelta(days=1))
    executor = Knows()
    go(plan, tmp_path, executor, now=NOW + timedelta(days=2))
    assert len(executor.jobs) == 4


@pytest.mark.parametrize(
    ("place", "name", "dies", "ends"),
    [
        (module, "gate", killed, KeyboardInterrupt),
        (Store, "hold", killed, KeyboardInterrupt),  # between the end of the run and its judging
        (Store, "hold", lambda *_: False, BusyError),  # as where another machine was faster just then
    ],
)
def test_a_night_that_is_measured_is_judged_and_not_measured_again(
    place, name, dies, ends, plain, plan, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(ends):
            go(plan, tmp_path, Knows())
    executor = Knows()
    found = go(plan, tmp_path, executor, now=NOW + timedelta(hours=1))
    assert executor.jobs == []
    assert found.counts == {"ok": 2} and found.done
    assert read_outcome(folder_of(tmp_path / "results", "freight") / found.run_id)["done"] is True
    go(plan, tmp_path, executor, now=NOW + timedelta(hours=2))
    assert len(executor.jobs) == 4


def test_at_the_deadline_it_reports_what_it_has_and_can_go_on(plan, tmp_path):
    executor = Knows()
    found = go(plan, tmp_path, executor, deadline=deadline_at("15 s", NOW, lambda: executor.clock[0]))
    assert executor.jobs[:2] == [(executor.jobs[0][0], 0), (executor.jobs[1][0], 0)]
    assert len(executor.jobs) == 2
    assert found.exit_code == 8
    assert found.counts == {"ok": 2}
    assert "Stopped: the night's deadline" in found.sentence
    later = Knows()
    whole = go(plan, tmp_path, later, now=NOW + timedelta(hours=1))
    assert (whole.run_id, len(later.jobs), whole.exit_code) == (found.run_id, 2, 0)


def test_cells_that_the_deadline_left_out_are_named_and_no_failure(plan, tmp_path):
    executor = Knows()
    found = go(plan, tmp_path, executor, deadline=deadline_at("5 s", NOW, lambda: executor.clock[0]))
    assert found.counts == {"ok": 1, "skipped": 1}
    assert found.exit_code == 8
    skipped = next(cell for cell in found.cells if cell.status == "skipped")
    assert "deadline" in skipped.reason
    assert "1 of 2 cells are done" in found.sentence
    assert go(plan, tmp_path, Knows(), now=NOW + timedelta(minutes=5)).run_id == found.run_id


def test_the_alert_goes_out_whatever_broke(plan, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("no such front")

    monkeypatch.setattr(module, "gate", broken)
    monkeypatch.setattr(module, "write_pages", broken)
    hook = f"cat > '{tmp_path}/told.json'; exit 7"
    found = go(plan, tmp_path, Knows(), asked=NightlySpec(command=hook, notify="problems"))
    told = (tmp_path / "told.json").read_text()
    assert "The gate could not be run." in told and "no such front" in told
    assert [problem.split(":")[0] for problem in found.problems] == ["gate", "pages", "alert"]
    assert found.exit_code == 1


def test_a_calm_night_is_not_told_when_only_problems_are(plan, tmp_path):
    asked = NightlySpec(command=f"touch '{tmp_path}/told'", notify="problems")
    go(plan, tmp_path, Knows(), asked=asked)
    assert not (tmp_path / "told").exists()


def test_two_suites_never_share_a_folder(tmp_path):
    names = ["a b", "a-b", "a b ", "..", "ü", "ö"]
    assert len({folder_of(tmp_path, name) for name in names}) == len(names)
    assert all(folder_of(tmp_path, name).parent == tmp_path / "nightly" for name in names)
    assert folder_of(tmp_path, "..").name != ".."
