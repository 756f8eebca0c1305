"""Fits of tiny models: they learn, they resume after SIGKILL to the same weights, they refuse to diverge quietly."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.candidates.interface import Context
from bench.data.base import Dataset, Example
from bench.errors import FitError
from bench.fit.job import FitJob, FitTask
from bench.fit.recipe import Architecture, Recipe
from bench.fit.session import fit
from bench.fit.trainer import schedule_factor
from bench.suite import DataSpec, ModelSpec, TaskSpec, VariantSpec

SHAPE = Architecture(layers=1, d_model=32, heads=2, d_ff=64, max_length=64, vocab_size=300)
COLOURS = {"red": "rot", "green": "grün", "blue": "blau"}


def rows(kind: str) -> Dataset:
    examples = []
    for index in range(60):
        colour = list(COLOURS)[index % 3]
        text = f"box {index} is {colour}"
        columns = (
            {"text": text, "label": colour}
            if kind == "classification"
            else {"source": text, "target": f"Kiste {index} ist {COLOURS[colour]}"}
        )
        examples.append(Example(index, str(index), columns))
    return Dataset(tuple(examples), "hash", "made here")


def make_job(family: str, output: Path, kinds: tuple[str, ...] = ("classification",), **changes: Any) -> FitJob:
    settings: dict[str, Any] = {
        "start": "scratch",
        "architecture": SHAPE,
        "steps": 40,
        "learning_rate": 5e-3,
        "warmup_steps": 5,
        "batch_tokens": 400,
        "evaluate_every": 20,
        "save_every": 10,
    }
    recipe = Recipe(**(settings | changes))
    tasks = []
    for kind in kinds:
        spec = TaskSpec(name=kind, kind=kind, data=DataSpec(path=Path("x.jsonl")))
        labels = tuple(COLOURS) if kind == "classification" else ()
        template = "{text}" if kind == "classification" else "german: {source}"
        tasks.append(FitTask(spec, template, rows(kind), rows(kind), labels))
    model = ModelSpec(name=f"tiny-{family}", family=family, checkpoint="none")
    return FitJob(model, recipe, tuple(tasks), output, "0123456789abcdef", "data", "recipe", threads=1)


@pytest.mark.parametrize("family", ["causal-lm", "encoder", "seq2seq", "transformer"])
def test_every_family_learns_and_its_checkpoint_classifies(family: str, tmp_path: Path) -> None:
    from bench.candidates import FAMILIES

    job = make_job(family, tmp_path / "out", steps=120)
    provenance = fit(job, lambda _: None)
    first, last = provenance["loss_curve"][0][1], provenance["loss_curve"][-1][1]
    assert last < 0.5 * first
    spec = ModelSpec(name="made", family=family, checkpoint=str(job.output))
    labels = tuple(COLOURS)
    model = FAMILIES[family].load(spec, VariantSpec(), Context("cpu", "classify", labels, labels))
    answers = model.classify([f"box 7 is {label}" for label in labels])
    best = [labels[max(range(3), key=lambda i: answer.scores[i])] for answer in answers]
    assert best == list(labels)


def test_one_in_house_model_learns_to_classify_and_to_translate(tmp_path: Path) -> None:
    job = make_job("transformer", tmp_path / "out", ("classification", "translation"), steps=20)
    provenance = fit(job, lambda _: None)
    assert provenance["tasks"] == ["classification", "translation"]
    assert json.loads((job.output / "config.json").read_text())["labels"] == list(COLOURS)


def test_provenance_says_what_was_done(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out", save_dtype="float16")
    fit(job, lambda _: None)
    stored = json.loads((job.output / "provenance.json").read_text())
    assert stored["steps"] == 40 and stored["seed"] == 42
    assert stored["data_hash"] == "data" and stored["recipe_hash"] == "recipe"
    assert stored["wall_s"] > 0 and stored["examples"] > 0
    from safetensors.torch import load_file

    weights = load_file(job.output / "model.safetensors")
    assert {str(value.dtype) for value in weights.values() if value.is_floating_point()} == {"torch.float16"}


CHILD = """
import pickle, sys
from bench.fit.session import fit
job = pickle.loads(open(sys.argv[1], "rb").read())
fit(job, lambda line: print(line, flush=True))
"""


def test_killed_and_resumed_is_the_same_as_never_killed(tmp_path: Path) -> None:
    whole = fit(make_job("transformer", tmp_path / "whole", steps=60), lambda _: None)
    job = make_job("transformer", tmp_path / "cut", steps=60)
    pickled = tmp_path / "job.pickle"
    pickled.write_bytes(pickle.dumps(job))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(pickled)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("step 40/60"):
            child.send_signal(signal.SIGKILL)
            break
    child.stdout.close()
    child.wait()
    assert not job.output.exists()
    lines: list[str] = []
    resumed = fit(job, lines.append)
    assert lines[0].startswith("resumed at step")
    assert resumed["loss_curve"] == whole["loss_curve"]
    first, second = (tmp_path / name / "model.safetensors" for name in ("whole", "cut"))
    assert first.read_bytes() == second.read_bytes()


def test_a_loss_that_is_not_finite_stops_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="lower the recipe's learning_rate"):
        fit(
            make_job("causal-lm", tmp_path / "out", learning_rate=1e30, warmup_steps=0, clip_norm=1e30),
            lambda _: None,
        )


def test_patience_stops_early_and_keeps_the_best(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out", steps=400, evaluate_every=5, patience=2, learning_rate=0.05)
    provenance = fit(job, lambda _: None)
    assert provenance["steps"] < 400
    best = min(loss for _, loss in provenance["validation_curve"])
    assert provenance["final_validation_loss"] == pytest.approx(best, abs=1e-3)


def test_the_schedule_by_hand() -> None:
    recipe = Recipe(start="checkpoint", steps=110, warmup_steps=10, learning_rate=1.0)
    assert schedule_factor(recipe, 4) == pytest.approx(0.5)
    assert schedule_factor(recipe, 10) == pytest.approx(1.0)
    assert schedule_factor(recipe, 60) == pytest.approx(0.5)
    assert schedule_factor(recipe, 110) == pytest.approx(0.0)
    linear = recipe.model_copy(update={"schedule": "linear"})
    assert schedule_factor(linear, 85) == pytest.approx(0.25)
