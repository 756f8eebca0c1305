"""What is declared is produced: every reading, metric, fact and exported column, by real runs of real suites.

A generator is measured with prices and a counter of energy; a student is fitted with a search, folds and a teacher,
then measured; every kind of task is scored alone. Nothing here is made by hand but the models' weights, the data, and
the counter's file, which a thread moves as the kernel would.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.catalogue.raw import RAW_FACTS, is_declared, is_one_of
from bench.catalogue.readings import READINGS
from bench.decision.cost import priced
from bench.fit.session import fit
from bench.measure.load import outcome
from bench.meters.bundle import Meters, open_meters
from bench.meters.sources.rapl import Rapl, find_zones
from bench.metrics.catalogue import METRICS
from bench.planning import Plan, fit_jobs, make_plan, open_suite
from bench.record import Sample, Timing
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import run
from bench.running.worker import cell as worker
from bench.running.worker.conversion import convert
from bench.store import RunInfo, Store, StoredRun
from bench.store.export import tables
from bench.suite import Suite
from bench.suite.yaml_file import Located
from bench.summary import Entry, Quantity, summarise
from bench.summary.long_form import reading_rows
from benchmarks.fake_server import Behaviour, Law, running
from tests.checkpoints import make_checkpoint
from tests.meters.sources.test_rapl import zone
from tests.served.conftest import suite_of as served_suite

pytestmark = pytest.mark.slow

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
GENERATOR = f"""\
name: generator
defaults: {{device: {DEVICE}, threads: 1, batch_size: 4}}
models: [{{name: writer, family: causal-lm, checkpoint: ./causal-lm}}]
tasks:
  - {{name: short, kind: summarisation, data: {{path: short.jsonl}}, max_new_tokens: 6, answer: {{regex: "[a-z]"}}}}
measure: {{profile: quick, window_s: 0.2}}
prices: {{machine_per_hour: 1.0, energy_per_kwh: 0.3, carbon_g_per_kwh: 400}}
"""
FITTED = """\
name: fitted
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: student, family: encoder, fit: {recipe: student.yaml, teacher: big}}
  - {name: big, family: transformer, fit: {recipe: big.yaml}}
tasks: [{name: colour, kind: classification, data: {path: colours}}]
measure: {profile: quick, window_s: 0.05}
"""
RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 16, heads: 2, d_ff: 16, max_length: 64, vocab_size: 300}
steps: 3
learning_rate: 1.0e-3
warmup_steps: 1
"""
STUDENT = f"{RECIPE}folds: 2\nsearch: {{method: grid, space: {{learning_rate: [1.0e-3, 2.0e-3]}}}}\n"
SCORED = """\
name: scored
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: writer, family: causal-lm, checkpoint: ./causal-lm}
  - {name: reader, family: encoder, checkpoint: ./encoder}
tasks:
  - name: topic
    kind: classification
    data: {path: topic.jsonl}
    metrics: [accuracy, macro_f1, micro_f1, weighted_f1, matthews, exact_match, ece]
  - name: short
    kind: summarisation
    data: {path: short.jsonl}
    max_new_tokens: 4
    metrics: [rouge, rougeLsum, bleu, chrf, ter]
  - {name: text, kind: language-modelling, data: {path: text.jsonl}}
  - {name: question, kind: question-answering, data: {path: question.jsonl}, max_new_tokens: 4}
measure: off
"""
NEWER = """\
name: newer
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: linear, family: linear, fit: {recipe: solver.yaml}}
  - {name: near, family: baseline, strategy: nearest}
tasks:
  - {name: many, kind: multi-label, data: {path: newer}}
  - {name: number, kind: regression, data: {path: newer}}
  - {name: names, kind: token-labels, data: {path: newer}}
  - {name: order, kind: ranking, data: {path: newer}}
measure: off
"""
SHARED = """\
name: shared
defaults: {device: cpu, threads: 1, batch_size: 4, share_load: true}
models: [{name: reader, family: encoder, checkpoint: ./encoder, runtime: ctranslate2}]
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
  - {name: again, kind: classification, data: {path: topic.jsonl}}
measure: {profile: quick, window_s: 0.05, energy: "off"}
"""
COLOURS = ("red", "green", "dark blue")
WORDS = ("red boxes", "a green house", "the dark blue sea", "one red cat", "tea", "green tea in Norway")


@dataclass(frozen=True)
class Produced:
    """What one suite gave."""

    stored: StoredRun
    entries: Sequence[Entry]


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)))


def write_data(folder: Path) -> None:
    write_rows(folder / "short.jsonl", [{"document": f"{w}. They went.", "summary": w, "group": w[0]} for w in WORDS])
    write_rows(folder / "topic.jsonl", [{"text": f"{w} {c}", "label": c} for w in WORDS for c in COLOURS])
    write_rows(folder / "text.jsonl", [{"text": f"{w}, and {w}"} for w in WORDS])
    asked = [
        {"question": f"where is {w}?", "context": f"{w} is at home", "answers": ["home", "at home"]} for w in WORDS
    ]
    write_rows(folder / "question.jsonl", asked)
    for split, n_rows in (("train", 24), ("validation", 9), ("test", 9)):
        rows = [{"text": f"{split} {n} is {COLOURS[n % 3]}", "label": COLOURS[n % 3]} for n in range(n_rows)]
        write_rows(folder / "colours" / f"{split}.jsonl", rows)
        rows = [newer_row(n) for n in range(n_rows)]
        write_rows(folder / "newer" / f"{split}.jsonl", rows)
    (folder / "solver.yaml").write_text("{}\n")
    (folder / "big.yaml").write_text(RECIPE)
    (folder / "student.yaml").write_text(STUDENT)


def newer_row(n: int) -> dict[str, object]:
    colour = COLOURS[n % 3]
    return {
        "text": f"{n} is {colour}",
        "labels": [colour, *(["even"] if n % 2 == 0 else [])],
        "value": n % 3 + 0.25 * (n % 2),
        "tokens": ["it", "is", "in", "Oslo"],
        "tags": ["O", "O", "O", "B-LOC"],
        "query": colour,
        "documents": list(COLOURS),
        "relevance": [int(other == colour) for other in COLOURS],
    }


def opened(folder: Path, suite: str) -> Located[Suite]:
    path = folder / f"{suite.split()[1]}.yaml"
    path.write_text(suite)
    return open_suite(str(path))


def execute(plan: Plan, results: Path, **options: Any) -> Produced:
    """Run a plan's cells in this process, one after the other, as `bench run` has a worker run them."""
    suite = plan.suite.value
    info = RunInfo(suite.name, "", "hash", "bench run", "machine", plan.measure.profile)
    with Store.open(results) as store:
        run(plan.written(results), InlineExecutor(), store, info, **options)
        stored = store.load("latest")
    return Produced(stored, [priced(entry, suite.prices) for entry in summarise(stored.records)])


@pytest.fixture(scope="module")
def powercap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of RAPL whose counter a thread moves on by 20 W, as the kernel would."""
    root = tmp_path_factory.mktemp("powercap")
    counter, done = zone(root / "intel-rapl:0", "package-0", 0), threading.Event()

    def tick() -> None:
        for step in count(1):
            if done.wait(0.005):
                return
            (root / "next").write_text(f"{100_000 * step}\n")
            (root / "next").replace(counter)  # whoever reads sees the old or the new figure, never half of one

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    yield root
    done.set()
    ticking.join()


LOADED = """\
measure: {profile: quick, window_s: 0.1}
load: {window_s: 0.1, rung_s: 0.05, max_under_way: 4, slo: {ttft_p95: "<= 20 s"}, target_per_s: 100}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, powercap: Path) -> Mapping[str, Produced]:
    folder = tmp_path_factory.mktemp("produced")
    write_data(folder)
    make_checkpoint("causal-lm", folder)
    make_checkpoint("encoder", folder)

    def with_counter(device: str, *arguments: Any) -> Meters:
        meters = open_meters(device, *arguments)
        return meters if device != "cpu" else replace(meters, energy=Rapl(find_zones(powercap).zones, meters.clock))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "open_meters", with_counter)
        generator = execute(make_plan(opened(folder, GENERATOR), folder / "generator"), folder / "generator")

    located = opened(folder, FITTED)
    for job in fit_jobs(located, folder / "fitted"):
        fit(job, lambda _: None)
    fitted = execute(make_plan(located, folder / "fitted"), folder / "fitted", processes=1)

    located = opened(folder, NEWER)
    for job in fit_jobs(located, folder / "newer-results"):
        fit(job, lambda _: None)
    newer = execute(make_plan(located, folder / "newer-results"), folder / "newer-results")

    scored_plan = make_plan(opened(folder, SCORED), folder / "scored")
    first = execute(scored_plan, folder / "scored")
    again = execute(scored_plan, folder / "scored")
    kept: dict[str, Any] = {}
    shared_plan = make_plan(opened(folder, SHARED), folder / "shared")
    cells = shared_plan.written(folder / "shared")
    convert(cells[0].to_run(), lambda _: None)
    records = [worker.run_cell(cell, 0, lambda _: None, kept) for cell in cells]
    shared = Produced(replace(first.stored, records=tuple(records)), summarise(records))
    with running(Behaviour(first=Law(0.001))) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcome, "LAG_S", 60.0)  # a busy machine makes the client late, and withheld is what it then is
        suite = served_suite(folder / "served", fake.url, examples=6)
        suite.write_text(suite.read_text() + LOADED)
        served = execute(make_plan(open_suite(str(suite)), folder / "loaded"), folder / "loaded")
    return {
        "served": served,
        "shared": shared,
        "generator": generator,
        "fitted": fitted,
        "scored": first,
        "linked": again,
        "newer": newer,
    }


def quantities(runs: Mapping[str, Produced]) -> Iterator[tuple[str, Quantity]]:
    for produced in runs.values():
        for entry in produced.entries:
            yield from entry.efficiency.items()
            yield from entry.quality.items()


def test_every_cell_ends_well_or_is_unsupported(runs: Mapping[str, Produced]) -> None:
    ended = {(name, e.cell.label): (e.status, e.reason) for name, p in runs.items() for e in p.entries}
    assert {place: how for place, how in ended.items() if how[0] not in ("ok", "unsupported")} == {}
    assert ("unsupported" in {status for status, _ in ended.values()}) and len(ended) > 8


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_produced_within_its_range(name: str, runs: Mapping[str, Produced]) -> None:
    about = READINGS[name]
    if about.needs == "gpu" and DEVICE == "cpu":
        pytest.skip("declared to need a GPU, and torch sees none")
    known = [q for other, q in quantities(runs) if other == name]
    values = [q.value for q in known if q.value is not None]
    assert values, f"nothing produces {name}: { ({str(q.reason) for q in known}) }"
    assert all(about.range.admits(value) for value in values)
    assert {q.unit for q in known} == {about.unit}


@pytest.mark.parametrize("name", METRICS.built_in)
def test_a_metric_is_produced_within_its_range(name: str, runs: Mapping[str, Produced]) -> None:
    values = [q.value for other, q in quantities(runs) if other == name and q.value is not None]
    assert values and all(METRICS[name].range.admits(value) for value in values)


def test_every_fact_that_a_worker_writes_is_declared(runs: Mapping[str, Produced]) -> None:
    written = {fact.name for p in runs.values() for record in p.stored.records for fact in record.facts}
    assert {name for name in written if not is_declared(name)} == set()
    here = {fact.name for fact in RAW_FACTS if fact.needs is None or DEVICE != "cpu"}
    assert {name for name in here if not any(is_one_of(other, name) for other in written)} == set()


def columns_without_hardware() -> set[str]:
    """The columns of an export that no CPU can fill, by their fields' own declaration."""
    return {field.name for kind in (Sample, Timing) for field in fields(kind) if field.metadata.get("needs") == "gpu"}


def test_every_column_of_an_export_is_filled_by_some_run(runs: Mapping[str, Produced]) -> None:
    filled: dict[tuple[str, str], bool] = {}
    for produced in runs.values():
        for name, table in tables(produced.stored, reading_rows(produced.stored.info.id, produced.entries)).items():
            for column in table.column_names:
                place = (name, column)
                filled[place] = filled.get(place, False) or table.column(column).null_count < len(table)
    missing = {place for place, full in filled.items() if not full}
    missing -= {place for place in missing if DEVICE == "cpu" and place[1] in columns_without_hardware()}
    assert missing == set()
