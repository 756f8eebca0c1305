"""A cell scored in parts is, bit for bit, the one that is scored in one place; and what if a part is missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.planning import make_plan, open_suite
from bench.record import Cell, Part, Record
from bench.running import runner
from bench.running.executors.base import Answer, Call, Executor, Job
from bench.running.executors.inline import InlineExecutor
from bench.running.executors.outcome import Failure
from bench.running.joining import joined
from bench.running.parts import can_be_parts, most_parts, run_in_parts, share_out, why_whole
from bench.running.progress import SilentProgress
from bench.running.runner import Finished, run
from bench.store import RunInfo, Store
from bench.summary import summarise
from bench.summary.machines import machine_speeds
from bench.tasks.batching import Batching

MODEL = """
class Own:
    def classify(self, texts, labels):
        longest, count = max(map(len, texts)), len(texts)  # as rounding depends on the batch
        return [[1e-9 * longest * count + 0.1 * (len(text) % (2 + n)) for n, _ in enumerate(labels)] for text in texts]

    def generate(self, texts, max_new_tokens):
        return [" ".join([*text.split(), str(len(text))][:max_new_tokens]) for text in texts]

    def count_tokens(self, text):
        return len(text.split())


def make():
    return Own()
"""
SUITE = """\
name: parts
defaults: {device: cpu, threads: 1, batch_size: auto}
models:
  - {name: own, family: torch-module, factory: "in_parts:make"}
  - {name: often, family: baseline, strategy: majority}
tasks:
  - {name: colour, kind: classification, data: {path: data.jsonl}, labels: [red, green, blue], metrics: [macro_f1]}
  - name: said
    kind: translation
    data: {path: data.jsonl, columns: {source: text, target: label}}
    metrics: [bleu]
    max_new_tokens: 6
measure: "off"
"""
ROWS = 150
LABEL = "own · colour"
INFO = RunInfo("parts", "", "hash", "bench run", "machine", "off")


class Wide(InlineExecutor):
    """Some machines, of which one works at a time, in this process."""

    least_part = 20

    def __init__(self, seats: int = 4, *, fails: dict[Part, Failure] | None = None) -> None:
        super().__init__()
        self.capacity, self.fails, self.turn = seats, fails or {}, threading.Lock()
        self.calls: list[tuple[str, Any]] = []
        self.released: list[str] = []

    def attempt(self, call: Call) -> Answer:
        """Make a call, and name the machine."""
        with self.turn:
            cell, part = call.arguments["cell"], call.arguments.get("part")
            assert isinstance(cell, Cell)
            self.calls.append((cell.label, part))
            if isinstance(part, Part) and part in self.fails:
                return Answer(failure=self.fails[part])
            answer = super().attempt(call)
        if not isinstance(answer.value, Record):
            return answer
        machine = {"name": f"node-{part.number if isinstance(part, Part) else 0}", "kind": "cpu"}
        return replace(answer, value=replace(answer.value, notes={**answer.value.notes, "machine": machine}))

    def release(self, block: str) -> None:
        self.released.append(block)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parts")
    rows = [{"text": " ".join(["word"] * (1 + i % 40)), "label": ["red", "green", "blue"][i % 3]} for i in range(ROWS)]
    (made / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (made / "in_parts.py").write_text(MODEL)
    (made / "suite.yaml").write_text(SUITE)
    return made


def cells_of(folder: Path, results: Path) -> list[Cell]:
    return list(make_plan(open_suite(str(folder / "suite.yaml")), results).written(results))


def went(folder: Path, results: Path, executor: Executor, *labels: str) -> tuple[Finished, dict[str, Record]]:
    cells = [cell for cell in cells_of(folder, results) if not labels or cell.label in labels]
    with Store.open(results) as store:
        finished = run(cells, executor, store, INFO)
        return finished, {record.cell.label: record for record in store.load().records}


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    return went(folder, tmp_path_factory.mktemp("whole"), InlineExecutor())[1]


def test_parts_make_the_record_of_the_whole(folder: Path, whole: dict[str, Record], tmp_path: Path) -> None:
    wide = Wide(7)
    finished, records = went(folder, tmp_path, wide)
    assert finished.counts == {"ok": 3, "unsupported": 1}
    asked = [part for label, part in wide.calls if label == LABEL]
    assert sorted(asked, key=lambda part: part.number) == [Part(number, 3) for number in range(3)]
    assert len([name for name in wide.released if "part-" in name]) == 6
    for label, alone in whole.items():
        record = records[label]
        assert record.samples == alone.samples, label
        assert record.doubts == alone.doubts
        assert (record.status, record.reason, record.process) == (alone.status, alone.reason, alone.process)
        assert [fact.name for fact in record.facts] == [fact.name for fact in alone.facts]
        own = {"machine", "parts"}
        assert {name: note for name, note in record.notes.items() if name not in own} == alone.notes
        assert record.environment == alone.environment
    assert whole["own · said"].doubts
    assert [part["examples"] for part in records[LABEL].notes["parts"]] != [ROWS, 0, 0]
    qualities = [{e.cell.label: e.quality for e in summarise(list(made.values()))} for made in (whole, records)]
    assert qualities[0] == qualities[1]
    speeds = machine_speeds(summarise(list(records.values())))
    assert [(speed.name, speed.jobs) for speed in speeds] == [("node-0", 3), ("node-1", 2), ("node-2", 2)]
    assert not (tmp_path / "answers" / finished.run_id).exists()
    again = Wide()
    assert went(folder, tmp_path, again)[0].counts == finished.counts
    assert again.calls == []


def test_a_run_of_many_blocks_has_parts_at_its_end(
    folder: Path, whole: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is asked what is there already when few blocks wait, and not of all at once."""
    monkeypatch.setattr(runner, "MOST_LOOKED_UP", 1)
    labels = (LABEL, "own · said")
    wide = Wide(6)
    finished, records = went(folder, tmp_path, wide, *labels)
    assert finished.exit_code == 0
    assert all(records[label].samples == whole[label].samples for label in labels)
    parts = {label: sum(called == label for called, _ in wide.calls) for label in labels}
    assert min(parts.values()) == 1 < max(parts.values())


def test_what_no_part_can_do_is_done_in_one_place(folder: Path, whole: dict[str, Record], tmp_path: Path) -> None:
    """Smaller batches, for one, would be those of no whole."""
    wide = Wide(2, fails={Part(1, 2): Failure("oom", "no")})
    _, records = went(folder, tmp_path, wide, LABEL)
    assert wide.calls[-1] == (LABEL, None)
    assert records[LABEL].samples == whole[LABEL].samples
    assert "parts" not in records[LABEL].notes
    assert not [*tmp_path.glob("answers/*/parts/*")]


@pytest.mark.parametrize(
    "failure",
    [Failure("timeout", "too slow"), Failure("unsupported", "no"), Failure("failed", "gone", lost=("a",) * 3)],
)
def test_what_the_whole_would_end_with_too_ends_it(failure: Failure, folder: Path, tmp_path: Path) -> None:
    wide = Wide(2, fails={Part(0, 2): Failure("failed", "another reason"), Part(1, 2): failure})
    _, records = went(folder, tmp_path, wide, LABEL)
    assert len(wide.calls) == 2
    assert records[LABEL].status == failure.status
    assert str(records[LABEL].reason).startswith(failure.reason)


def test_a_run_that_is_resumed_does_the_parts_that_are_left(
    folder: Path, whole: dict[str, Record], tmp_path: Path
) -> None:
    finished, _ = went(folder, tmp_path, Wide(3, fails={Part(1, 3): Failure("skipped", "no machine is left")}), LABEL)
    assert finished.cut
    [broken] = tmp_path.glob("answers/*/parts/*-part-1-of-3.json")
    broken.write_text(broken.read_text()[:-9])
    fewer = Wide(2)
    resumed, records = went(folder, tmp_path, fewer, LABEL)
    assert resumed.run_id == finished.run_id
    assert {part for _, part in fewer.calls} == {Part(0, 3), Part(1, 3)}
    assert records[LABEL].samples == whole[LABEL].samples
    assert len(records[LABEL].notes["parts"]) == 3


def test_parts_that_do_not_fit_together_make_no_whole(folder: Path, tmp_path: Path) -> None:
    [cell] = [cell for cell in cells_of(folder, tmp_path) if cell.label == LABEL]
    job = Job(cell, 0, tmp_path, "logs/x.log", block="b")
    parts = [InlineExecutor().run(replace(job, part=Part(number, 2))) for number in range(2)]
    assert isinstance(joined(job, parts), Record)
    first, second = parts
    for wrong, word in (
        (replace(second, samples=second.samples[1:]), f"{ROWS - 1} of {ROWS}"),
        (replace(second, samples=(*second.samples, first.samples[0])), f"{ROWS + 1} answers"),
        (replace(second, notes={**second.notes, "batching": {"examples": 8}}), "batching"),
        (replace(second, notes={**second.notes, "admission": {"fast_path_left": "it raised"}}), "path"),
        (replace(second, notes={**second.notes, "machine": {"kind": "other"}}), "machine"),
        (replace(second, environment={**second.environment, "dtype": "float16"}), "dtype"),
        (replace(second, status="failed", reason="why"), "why"),
    ):
        why = joined(job, [first, wrong])
        assert isinstance(why, str)
        assert word in why
    assert isinstance(joined(job, [first]), str)
    tied = [replace(p, samples=tuple(replace(s, scores=(0.5, 0.5, 0.5)) for s in p.samples)) for p in parts]
    assert "same score" in str(joined(job, tied))


class Full(Wide):
    """Machines whose logs find no room here."""

    def attempt(self, call: Call) -> Answer:
        self.calls.append((str(call.block), None))
        raise OSError("no space left")


def test_a_part_that_breaks_off_frees_its_seat(folder: Path, tmp_path: Path) -> None:
    full = Full(2)
    job = Job(cells_of(folder, tmp_path)[0], 0, tmp_path, "logs/x.log", block="b")
    with pytest.raises(OSError, match="no space left"):
        run_in_parts(full, job, 2, tmp_path, lambda _: None)
    assert sorted(full.released) == sorted(block for block, _ in full.calls)
    assert "b part-1-of-2" in full.released


def changed(cell: Cell, **changes: Any) -> Cell:
    job = cell.to_run()
    parts: dict[str, Callable[[Any], Any]] = {
        "measure": lambda value: job.measure.model_copy(update={"profile": value}),
        "variant": lambda value: job.variant.model_copy(update={"compile": value}),
        "task": lambda value: job.task.model_copy(update={"num_beams": value}),
    }
    made = {name: parts[name](value) if name in parts else value for name, value in changes.items()}
    return replace(cell, job=job.model_copy(update=made))


def test_only_what_is_scored_alone_and_batch_by_batch_is_done_in_parts(folder: Path, tmp_path: Path) -> None:
    by_label = {cell.label: cell for cell in cells_of(folder, tmp_path)}
    cell, said = by_label[LABEL], by_label["own · said"]
    assert can_be_parts(cell)
    assert can_be_parts(said)
    assert not can_be_parts(by_label["often · colour"])
    assert not can_be_parts(changed(cell, measure="quick"))
    assert not can_be_parts(changed(cell, variant=True))
    assert not can_be_parts(replace(cell, family="endpoint"))
    assert not can_be_parts(replace(cell, job=None))
    assert can_be_parts(replace(cell, family="causal-lm"))
    assert not can_be_parts(replace(said, family="causal-lm"))
    assert can_be_parts(replace(changed(said, task=4), family="causal-lm"))
    assert why_whole(replace(said, family="causal-lm"))
    assert not why_whole(cell) and not why_whole(changed(said, measure="quick"))


class Told(SilentProgress):
    """Keeps the lines that a run tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)


class Done(Wide):
    """Says of each cell that it is done."""

    def attempt(self, call: Call) -> Answer:
        cell = call.arguments["cell"]
        assert isinstance(cell, Cell)
        return Answer(Record(cell, "ok", None))


@pytest.mark.parametrize(
    ("seats", "least", "said"),
    [
        pytest.param(4, 20, True, id="machines stand idle"),
        pytest.param(1, 20, False, id="none does"),
        pytest.param(4, ROWS, False, id="too small for parts"),
    ],
)
def test_texts_that_are_one_batch_say_so_where_machines_stand_idle(
    seats: int, least: int, said: bool, folder: Path, tmp_path: Path
) -> None:
    by_label = {cell.label: cell for cell in cells_of(folder, tmp_path)}
    executor, told = Done(seats), Told()
    executor.least_part = least
    with Store.open(tmp_path) as store:
        run([replace(by_label["own · said"], family="causal-lm")], executor, store, INFO, progress=told)
    assert len([line for line in told.lines if "in one place" in line]) == said


def test_seats_are_shared_out_by_what_each_cell_has() -> None:
    assert share_out([9000], [9], 4) == [4]
    assert share_out([9000], [2], 4) == [2]
    assert share_out([1999], [1], 4) == [1]
    assert share_out([0, 9000, 800], [1, 90, 8], 4) == [1, 2, 1]
    assert share_out([100] * 5, [100] * 5, 3) == [1] * 5


@pytest.mark.parametrize(
    ("batching", "examples", "most"),
    [
        ({"batch_size": 16}, 4000, 4),
        ({"batch_size": 16}, 999, 1),
        ({"batch_size": 4096}, 4000, 1),
        ({"batch_size": 4096}, 10_000, 3),
        ({"batch_size": None, "batch_tokens": 2000}, 10_000, 5),
        ({"batch_size": "auto", "device": "auto"}, 9000, 9),
    ],
)
def test_no_part_is_empty(batching: dict[str, Any], examples: int, most: int, folder: Path, tmp_path: Path) -> None:
    [cell] = [cell for cell in cells_of(folder, tmp_path) if cell.label == LABEL]
    job = cell.to_run().model_copy(update=batching)
    assert most_parts(replace(cell, job=job), examples, 1000) == most
    assert most_parts(replace(cell, job=job), examples, None) == 1
    batches = Batching.of(job.batch_size, job.batch_tokens, "cpu").split([1] * examples)
    assert all(Part(number, most).share(batches) for number in range(most))
