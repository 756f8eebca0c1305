"""Tiny jobs on sixty rows made here, for the tests of fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.base import Dataset, Example
from bench.fit.job import FitJob, FitTask
from bench.fit.recipe import Architecture, Recipe
from bench.suite import DataSpec, ModelSpec, TaskSpec

SHAPE = Architecture(layers=1, d_model=32, heads=2, d_ff=64, max_length=64, vocab_size=300)
COLOURS = {"red": "rot", "green": "grün", "blue": "blau"}
TEMPLATES = {"classification": "{text}", "translation": "german: {source}", "language-modelling": "{text}"}


def rows(kind: str, count: int = 60, groups: int | None = None) -> Dataset:
    """Returns notes on boxes, each of one of three colours."""
    examples = []
    for index in range(count):
        colour = list(COLOURS)[index % 3]
        text = f"box {index} is {colour}"
        columns = {
            "classification": {"text": text, "label": colour},
            "translation": {"source": text, "target": f"Kiste {index} ist {COLOURS[colour]}"},
            "language-modelling": {"text": text},
        }[kind]
        examples.append(Example(index, str(index), columns, None if groups is None else f"g{index % groups}"))
    return Dataset(tuple(examples), "hash", "made here")


def make_task(kind: str, count: int = 60, groups: int | None = None) -> FitTask:
    """Returns a task whose validation split is its training split again."""
    spec = TaskSpec(name=kind, kind=kind, data=DataSpec(path=Path("x.jsonl")), max_new_tokens=12)
    labels = tuple(COLOURS) if kind == "classification" else ()
    return FitTask(spec, TEMPLATES[kind], rows(kind, count, groups), rows(kind, count, groups), labels)


def make_job(family: str, output: Path, kinds: tuple[str, ...] = ("classification",), **changes: Any) -> FitJob:
    """Returns a job of forty steps from scratch."""
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
    model = ModelSpec(name=f"tiny-{family}", family=family, checkpoint="none")
    tasks = tuple(make_task(kind) for kind in kinds)
    return FitJob(model, recipe, tasks, output, "0123456789abcdef", "data", recipe.hash, threads=1)


def factory_job(output: Path, factory: str, kind: str = "classification", **changes: Any) -> FitJob:
    """Returns a job that trains what a factory of a test's module returns."""
    job = make_job("encoder", output, (kind,), **({"start": "factory", "architecture": None} | changes))
    return replace(job, model=ModelSpec(name="own", family="torch-module", factory=factory))
