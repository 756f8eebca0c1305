from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import FitError
from bench.fit.folds import assign, cross_validate, fold_jobs
from bench.fit.session import fit
from bench.fit.teaching import Lesson
from tests.fit.jobs import make_job, make_task


def test_folds_are_stratified_by_label() -> None:
    task = make_task("classification", 30)
    placed = assign(task, 5, seed=1)
    for fold in range(5):
        held = [e.columns["label"] for e, at in zip(task.train.examples, placed, strict=True) if at == fold]
        assert Counter(held) == {"red": 2, "green": 2, "blue": 2}
    assert assign(task, 5, 1) == placed != assign(task, 5, 2)


@pytest.mark.parametrize("kind", ["classification", "translation"])
def test_no_group_is_in_two_folds(kind: str) -> None:
    task = make_task(kind, 60, groups=10)
    folds: dict[str | None, set[int]] = {}
    for example, fold in zip(task.train.examples, assign(task, 3, 7), strict=True):
        folds.setdefault(example.group, set()).add(fold)
    assert all(len(found) == 1 for found in folds.values()) and len(set.union(*folds.values())) == 3


def test_too_few_groups_is_an_error() -> None:
    with pytest.raises(FitError, match="3 folds need 3 groups, and there are 2"):
        assign(make_task("translation", 20, groups=2), 3, 1)


def test_each_fold_trains_on_what_it_is_not_validated_on(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out", folds=3)
    seen: list[int] = []
    for part in fold_jobs(job):
        task = part.tasks[0]
        train, held = ({e.index for e in data.examples} for data in (task.train, task.validation))
        assert not train & held and train | held == set(range(60))
        assert part.recipe.folds is None
        seen.extend(held)
    assert sorted(seen) == list(range(60))


def test_mean_and_spread_are_recorded_and_the_final_model_learns_from_all_rows(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out", folds=2, steps=10, evaluate_every=10)
    lines: list[str] = []
    provenance = fit(job, lines.append)
    found = provenance["folds"]
    losses = [fold["loss"] for fold in found["folds"]]
    assert len(losses) == 2
    assert found["loss_mean"] == pytest.approx(statistics.fmean(losses))
    assert found["loss_sd"] == pytest.approx(abs(losses[0] - losses[1]) / 2**0.5)
    assert found["accuracy_mean"] is not None and found["cost"]["wall_s"] > 0
    assert any(line.startswith("fold 2/2: step 10/10") for line in lines)
    alone = fit(replace(make_job("encoder", tmp_path / "plain", steps=10, evaluate_every=10)), lambda _: None)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (
        tmp_path / "plain" / "model.safetensors"
    ).read_bytes()
    assert alone["final_validation_loss"] == provenance["final_validation_loss"]


def test_a_finished_fold_is_not_trained_again(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out", folds=2, steps=10, evaluate_every=10)
    kept = {"loss": 9.0, "accuracy": 0.5, "cost": {"wall_s": 100.0}}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "fold-0.json").write_text(json.dumps(kept))
    lines: list[str] = []
    found = cross_validate(Lesson(job), tmp_path / "state", lines.append)
    assert found["folds"][0] == {"loss": 9.0, "accuracy": 0.5}
    assert not any(line.startswith("fold 1/2") for line in lines) and any("fold 2/2" in line for line in lines)
