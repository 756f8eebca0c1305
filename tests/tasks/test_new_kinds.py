"""Pairs, several labels, numbers, tags, ranking and retrieval: real cells of every family that can do them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from bench.fit.session import fit
from bench.metrics.catalogue import METRICS
from bench.planning import fit_jobs, make_plan, open_suite
from bench.record import Record
from bench.running.worker.cell import run_cell
from bench.tasks import KINDS
from tests.fit.solved import write_vectors

pytestmark = pytest.mark.slow

SUITE = """\
name: kinds
defaults: {device: cpu, threads: 1}
models:
  - {name: linear, family: linear, fit: {recipe: recipe.yaml, output: linear}}
  - {name: glove, family: embedding, checkpoint: ./glove, fit: {recipe: recipe.yaml, output: head}}
  - {name: near, family: baseline, strategy: nearest}
  - {name: most, family: baseline, strategy: majority}
  - {name: mean, family: baseline, strategy: mean}
tasks:
  - {name: pairs, kind: sentence-pairs, data: {path: data, columns: {text_pair: other}}}
  - {name: many, kind: multi-label, data: {path: data}}
  - {name: number, kind: regression, data: {path: data}}
  - {name: names, kind: token-labels, data: {path: data}}
  - {name: order, kind: ranking, data: {path: data}}
  - {name: find, kind: retrieval, data: {path: data}}
measure: 'off'
"""
COLOURS = ("red", "green", "blue")


def row(rng: random.Random, place: int) -> dict[str, object]:
    first, second, count = rng.choice(COLOURS), rng.choice(COLOURS), rng.randint(0, 9)
    documents = [f"the {colour} box" for colour in rng.sample(COLOURS, 3)]
    return {
        "text": f"{'red ' * count}box {first}",
        "other": f"it is {second}",
        "label": "same" if first == second else "other",
        "labels": [colour for colour in COLOURS if colour == first or (colour == "red" and count)],
        "value": count,
        "tokens": ["Box", str(place), "went", "to", "New", "York"][: 4 + 2 * (count % 2)],
        "tags": ["O", "O", "O", "O", "B-LOC", "I-LOC"][: 4 + 2 * (count % 2)],
        "query": first,
        "documents": documents,
        "relevance": [2 * (first in document) for document in documents],
        "document": f"box {first}",
    }


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> dict[tuple[str, str], Record]:
    """The record of every cell that can run, by model and task."""
    folder: Path = tmp_path_factory.mktemp("kinds")
    write_vectors(folder / "glove")
    (folder / "data").mkdir()
    rng = random.Random(1)
    for split in ("train", "validation", "test"):
        rows = [row(rng, place) for place in range(60)]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "recipe.yaml").write_text("{c: 30.0}\n")
    (folder / "suite.yaml").write_text(SUITE)
    suite = open_suite(str(folder / "suite.yaml"))
    for job in fit_jobs(suite, folder / "results"):
        fit(job, lambda _: None)
    plan = make_plan(suite, folder / "results")
    cells = [cell for cell in plan.written(folder / "results") if cell.unsupported is None]
    return {(cell.model, cell.task): run_cell(cell, 0, lambda _: None) for cell in cells}


def value(record: Record, name: str) -> float:
    metric = METRICS[name]()
    return float(metric.value(metric.statistics(record.samples, record.notes["labels"]).sum(axis=0)))


def test_each_kind_is_done_by_whoever_says_so(records) -> None:
    done = {task: {model for model, each in records if each == task} for _, task in records}
    assert done == {
        "pairs": {"linear", "glove", "near", "most"},
        "many": {"linear", "glove", "near", "most"},
        "number": {"linear", "glove", "near", "mean"},
        "names": {"linear", "most"},
        "order": {"glove", "near", "most"},
        "find": {"glove", "near"},
    }


@pytest.mark.parametrize(
    ("task", "metric", "floor"),
    [("pairs", "accuracy", "most"), ("many", "micro_f1", "most"), ("names", "entity_f1", "most")],
)
def test_what_was_fitted_beats_the_floor(task: str, metric: str, floor: str, records) -> None:
    assert value(records["linear", task], metric) > 0.9 > value(records[floor, task], metric)


def test_numbers_are_near_and_the_mean_is_the_mean(records) -> None:
    assert value(records["linear", "number"], "pearson") > 0.9
    right = [float(sample.reference) for sample in records["mean", "number"].samples]
    assert {float(str(sample.prediction)) for sample in records["mean", "number"].samples} == {np.mean(right)}
    assert np.isnan(value(records["mean", "number"], "pearson"))


def test_documents_are_ranked_and_found(records) -> None:
    for model in ("glove", "near"):
        assert value(records[model, "order"], "ndcg") == 1.0
        assert value(records[model, "find"], "mrr") == 1.0
    assert value(records["most", "order"], "ndcg") < 1.0


def test_every_kind_has_metrics_that_a_real_record_gives(records) -> None:
    for (_, task), record in records.items():
        for name in KINDS[record.cell.kind].metrics:
            rows = METRICS[name]().statistics(record.samples, record.notes["labels"])
            assert len(rows) == len(record.samples) and np.isfinite(rows).all(), (task, name)


def test_rows_are_as_records_keep_them(records) -> None:
    many = records["linear", "many"].samples[0]
    assert json.loads(many.reference) == list(many.answers or ())
    names = records["linear", "names"].samples[0]
    assert len(str(names.prediction).split()) == len(names.reference.split())
    found = records["near", "find"].samples[0]
    assert len(found.scores or ()) == len(found.answers or ())
