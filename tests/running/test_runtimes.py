"""A run with a second runtime, end to end: converted once, held against torch, compared with its parent, told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.admission import reference
from bench.admission.reference import ask_plainly, prove
from bench.candidates.engine import Artifact, content_of, unchanged_content
from bench.data import stored
from bench.errors import EnvironmentLackError
from bench.planning import Options, Plan, make_plan, open_suite
from bench.record import Record
from bench.running.executors.inline import InlineExecutor
from bench.running.launch import launch
from bench.running.progress import SilentProgress
from bench.running.worker.cell import bind_task, load_model
from bench.running.worker.conversion import convert
from bench.store import Store
from bench.suite import VariantSpec
from bench.summary import entry_json, summarise
from tests.checkpoints import LABELS, TEXTS, make_checkpoint

pytestmark = pytest.mark.slow

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


def test_a_network_that_was_changed_since_its_conversion_fails(
    folder: Path, first: tuple[list[str], Sequence[Record]], tmp_path: Path
) -> None:
    written = next(path for path in (folder / "results" / "conversions").iterdir() if path.is_dir())
    conversion = shutil.copytree(written, tmp_path / "copy")
    unchanged_content(conversion)
    other = next(path for path in conversion.rglob("*") if path.is_file() and path.name != "artifact.json")
    other.write_bytes(other.read_bytes() + b" ")
    with pytest.raises(EnvironmentLackError, match="not hold what the conversion wrote"):
        unchanged_content(conversion)


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
    artifact = Path(str(cell.to_run().artifact))
    head, about = artifact / "head.npz", Artifact.read(artifact)
    right = head.read_bytes()
    with np.load(head) as arrays:
        np.savez(head, **(dict(arrays) | {"weight0": arrays["weight0"][::-1]}))
    replace(about, content=content_of(artifact)).write(artifact)  # as the conversion would have left it
    try:
        record = of(go(folder, [], "reader/colour")[1], cell.label)
    finally:
        head.write_bytes(right)
        about.write(artifact)
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


def test_whether_texts_are_tied_is_asked_of_torch_or_of_nobody(
    folder: Path, first: tuple[list[str], Sequence[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where answers differ, a network in float32 is asked by its plain path; one that rounds has none to ask."""
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    (cell,) = (c for c in plan.written(folder / "results") if c.label == "writer[ctranslate2] · short")
    exact = cell.to_run()
    rounding = exact.model_copy(
        update={
            "variant": VariantSpec(runtime="ctranslate2", quantise="int8"),
            "artifact": str(folder / "results" / "conversions" / "int8"),
        }
    )
    convert(rounding, lambda _: None)
    monkeypatch.setattr(reference, "agrees", lambda *_: False)
    for job, asks in ((exact, True), (rounding, False)):
        data = stored.read(Path(str(job.data_path)))
        model = load_model(job, data, "cpu")
        asked, margin = list[bool](), model.least_margin

        def told(*of: Any, asked: list[bool] = asked, margin: Any = margin, model: Any = model) -> float:
            asked.append(model.plain)
            return float(margin(*of))

        monkeypatch.setattr(model, "least_margin", told)
        plain = ask_plainly(bind_task(job, model, data), model)
        proof = prove(plain, model, model.facts().dtype)
        assert bool(proof.differing) and bool(asked) == asks and all(asked)
        assert not model.plain
