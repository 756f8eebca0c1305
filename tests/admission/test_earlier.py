"""Identical weights and versions are proved once; changed ones are proved again, and nobody speaks for another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.admission import admit as admission
from bench.admission.earlier import Verdict, find, proof_key
from bench.candidates.interface import ModelFacts
from bench.planning import Options, make_plan, open_suite
from bench.record import Cell, Proved, Record
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import run
from bench.store import RunInfo, Store
from bench.suite.spec import FitSpec
from tests.admission import scenes
from tests.admission.faults import weights

GOOD = Verdict(4, 0, 1e-6, None)


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The models that are proved from now on."""
    proved: list[object] = []

    def counted(workload: Any, model: Any, dtype: str) -> Any:
        proved.append(model)
        return original(workload, model, dtype)

    original = admission.prove
    monkeypatch.setattr(admission, "prove", counted)
    return proved


def records(folder: Path, processes: int = 1) -> tuple[Record, ...]:
    """Run the suite anew, and load what it left."""
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options())
    with Store.open(folder / "results") as store:
        info = RunInfo("heads", "", "plan", "bench run", "machine", plan.measure.profile)
        run(plan.written(folder / "results"), InlineExecutor(), store, info, processes=processes, rerun=True)
        return store.load("latest").records


def suite_in(folder: Path) -> None:
    scenes.encoder(folder)
    scenes.rows(folder)
    (folder / "suite.yaml").write_text(scenes.HEAD)


def test_what_is_proved_is_not_proved_twice(tmp_path: Path, proofs: list[object]) -> None:
    suite_in(tmp_path)
    first, repeated = records(tmp_path, processes=2)
    (anew,) = records(tmp_path)
    assert len(proofs) == 1
    notes = [record.notes["admission"] for record in (first, repeated, anew)]
    with Store.open(tmp_path / "results") as store:
        earliest = store.runs()[-1].id
    assert [note["proved_in"] for note in notes] == [None, earliest, earliest]
    assert {note["proved_at"] for note in notes[1:]} == {first.started_at}
    assert len({note["key"] for note in notes}) == 1 and all(note["tokens"] > 0 for note in notes)
    weights(lambda w: w | {"classifier.bias": w["classifier.bias"] + 1})(tmp_path)
    (changed,) = records(tmp_path)
    assert len(proofs) == 2 and changed.notes["admission"]["proved_in"] is None


def cell_of(folder: Path) -> Cell:
    suite_in(folder)
    (cell,) = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options()).cells
    return cell


def test_a_key_stands_for_all_on_which_a_proof_depends(tmp_path: Path) -> None:
    cell, facts = cell_of(tmp_path), ModelFacts(1, 1, "float32", "sdpa")
    key = proof_key(cell, facts, "cpu")
    assert key is not None and key == proof_key(replace(cell, identity={**cell.identity, "seed": 3}), facts, "cpu")
    others = [
        proof_key(replace(cell, identity={**cell.identity, "weights": "0" * 64}), facts, "cpu"),
        proof_key(replace(cell, identity={**cell.identity, "data_hash": "other"}), facts, "cpu"),
        proof_key(replace(cell, identity={**cell.identity, "variant": {"quantise": "int8"}}), facts, "cpu"),
        proof_key(cell, replace(facts, attention="eager"), "cpu"),
        proof_key(cell, replace(facts, dtype="float16"), "cpu"),
        proof_key(cell, facts, "a GPU"),
    ]
    assert len({key, *others}) == 7 and None not in others


def test_weights_that_were_trained_anew_by_the_same_recipe_are_proved_again(tmp_path: Path) -> None:
    cell = cell_of(tmp_path)
    job = cell.to_run()
    fit = FitSpec(recipe=Path("recipe.yaml"))
    model = job.model.model_copy(update={"fit": fit, "checkpoint": str(tmp_path / "model")})
    fitted = replace(cell, job=job.model_copy(update={"model": model}), identity={**cell.identity, "weights": "1" * 64})
    facts = ModelFacts(1, 1, "float32", "sdpa")
    key = proof_key(fitted, facts, "cpu")
    assert key is not None and key == proof_key(fitted, facts, "cpu")
    weights(lambda w: w | {"classifier.bias": w["classifier.bias"] + 1})(tmp_path)
    assert proof_key(fitted, facts, "cpu") not in (key, None)


@pytest.mark.parametrize("weights_id", ["owner/name@None", "owner/name@main", "owner/name@v1.0"])
def test_weights_that_may_change_under_their_name_are_proved_each_time(tmp_path: Path, weights_id: str) -> None:
    cell = cell_of(tmp_path)
    moving = replace(cell, identity={**cell.identity, "weights": weights_id})
    assert proof_key(moving, ModelFacts(1, 1, "float32"), "cpu") is None
    pinned = replace(cell, identity={**cell.identity, "weights": f"owner/name@{'0' * 40}"})
    assert proof_key(pinned, ModelFacts(1, 1, "float32"), "cpu") is not None


@pytest.mark.parametrize(
    "note",
    [
        {},
        {"key": "other"} | GOOD.note(),
        {"key": "k"},
        {"key": "k"} | GOOD.note() | {"compared": -1},
        {"key": "k"} | GOOD.note() | {"compared": True},
        {"key": "k"} | GOOD.note() | {"differing": "0"},
        {"key": "k"} | GOOD.note() | {"fast_path_left": 3},
    ],
)
def test_a_note_that_bench_did_not_write_proves_nothing(note: dict[str, object]) -> None:
    assert find("k", [Proved("run", "then", note)]) is None
    good = Proved("run", "then", {"key": "k"} | GOOD.note())
    assert find("k", [Proved("run", "then", note), good]) == (good, GOOD)
    assert find(None, [good]) is None
