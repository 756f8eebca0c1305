"""A run with a second runtime, end to end: converted once, held against torch, compared with its parent, told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.planning import Options, Plan, make_plan, open_suite
from bench.record import Record
from bench.running.executors.inline import InlineExecutor
from bench.running.launch import launch
from bench.running.progress import SilentProgress
from bench.store import Store
from bench.summary import entry_json, summarise
from tests.checkpoints import LABELS, TEXTS, make_checkpoint

SUITE = """\
name: two runtimes
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: reader, family: encoder, checkpoint: ./encoder, runtime: [torch, ctranslate2]}
  - {name: writer, family: causal-lm, checkpoint: ./causal-lm, runtime: [torch, ctranslate2]}
tasks:
  - {name: colour, kind: classification, data: {path: rows.jsonl}}
  - name: short
    kind: summarisation
    data: {path: rows.jsonl, columns: {document: text, summary: label}}
    max_new_tokens: 6
measure: off
"""


def go(folder: Path, echoed: list[str], *only: str) -> tuple[Plan, Sequence[Record]]:
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options(only=only))
    with Store.open(folder / "results") as store:
        finished = launch(
            plan,
            InlineExecutor(),
            store,
            command="bench run",
            rerun=True,
            progress=SilentProgress(),
            echo=echoed.append,
        )
        return plan, store.load(finished.run_id).records


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtimes")
    make_checkpoint("encoder", folder)
    make_checkpoint("causal-lm", folder)
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, [*LABELS, *LABELS], strict=False)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "suite.yaml").write_text(SUITE)
    return folder


@pytest.fixture(scope="module")
def first(folder: Path) -> tuple[list[str], Sequence[Record]]:
    echoed: list[str] = []
    return echoed, go(folder, echoed)[1]


def of(records: Sequence[Record], label: str) -> Record:
    return next(record for record in records if record.cell.label == label)


def test_networks_are_converted_once_and_all_cells_end_well(
    folder: Path, first: tuple[list[str], Sequence[Record]]
) -> None:
    echoed, records = first
    assert [line for line in echoed if "converting" in line] == [
        "reader[ctranslate2]: converting",
        "writer[ctranslate2]: converting",
    ]
    assert {r.cell.label: r.reason for r in records if r.status not in ("ok", "unsupported")} == {}
    before = {path: path.stat().st_mtime_ns for path in (folder / "results" / "conversions").iterdir()}
    again: list[str] = []
    go(folder, again, "reader/colour", "writer/short")
    assert again == []
    assert {path: path.stat().st_mtime_ns for path in (folder / "results" / "conversions").iterdir()} == before


def test_a_record_says_who_answered_and_what_the_conversion_cost(first: tuple[list[str], Sequence[Record]]) -> None:
    record = of(first[1], "writer[ctranslate2] · short")
    assert record.notes["paths"]["scored"] == "ctranslate2.generate"
    facts = {fact.name: fact.value for fact in record.facts}
    assert facts["convert_s"] and facts["artifact_bytes"]
    assert record.notes["admission"]["compared"] > 1 and record.notes["admission"]["fast_path_left"] is None
    assert "convert_s" not in {fact.name for fact in of(first[1], "writer · short").facts}


def test_a_child_is_compared_with_its_parent(first: tuple[list[str], Sequence[Record]]) -> None:
    entries = {entry.cell.label: entry for entry in summarise(first[1])}
    for label in ("reader[ctranslate2] · colour", "writer[ctranslate2] · colour", "writer[ctranslate2] · short"):
        likeness = entries[label].likeness
        assert likeness is not None and likeness.equal == likeness.compared == len(TEXTS)
        assert likeness.parent == entries[label].cell.model
        shown = entry_json(entries[label])["parent"]
        assert shown is not None and shown["equal"] == len(TEXTS)
        assert "runtime_changes_answers" not in {doubt.code for doubt in entries[label].doubts}
    colour, short = entries["reader[ctranslate2] · colour"].likeness, entries["writer[ctranslate2] · short"].likeness
    assert colour is not None and colour.largest is not None and colour.largest < 1e-4
    assert short is not None and short.largest is None
    assert entries["reader · colour"].likeness is None


def test_a_network_that_was_converted_wrongly_is_not_admitted(
    folder: Path, first: tuple[list[str], Sequence[Record]]
) -> None:
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    cell = next(cell for cell in plan.cells if cell.label == "reader[ctranslate2] · colour")
    head = Path(str(cell.to_run().artifact)) / "head.npz"
    right = head.read_bytes()
    with np.load(head) as arrays:
        np.savez(head, **(dict(arrays) | {"weight0": arrays["weight0"][::-1]}))
    try:
        record = of(go(folder, [], "reader/colour")[1], cell.label)
    finally:
        head.write_bytes(right)
    assert record.status == "failed"
    assert "under 'ctranslate2'" in str(record.reason) and "differ from those of torch" in str(record.reason)


def test_an_artifact_that_is_damaged_is_told(folder: Path, first: tuple[list[str], Sequence[Record]]) -> None:
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    cell = next(cell for cell in plan.cells if cell.label == "reader[ctranslate2] · colour")
    about = Path(str(cell.to_run().artifact)) / "artifact.json"
    right = about.read_bytes()
    about.write_text("{")
    try:
        record = of(go(folder, [], "reader/colour")[1], cell.label)
    finally:
        about.write_bytes(right)
    assert record.status == "failed" and "remove the folder" in str(record.reason)
