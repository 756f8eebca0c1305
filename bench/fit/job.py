"""A planned fit: what to train, on what, and where the checkpoint goes. Imports neither torch nor
transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.base import Dataset, Example
from bench.fit.recipe import Recipe
from bench.suite import ModelSpec, TaskSpec

PROVENANCE_FILE = "provenance.json"
FIT_VERSION = 1
"""Raised when the same recipe and data would give other weights."""


@dataclass(frozen=True, slots=True)
class FitTask:
    """One task's share of the training data."""

    spec: TaskSpec
    template: str
    train: Dataset
    validation: Dataset
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FitJob:
    """All that a training process needs; picklable."""

    model: ModelSpec
    """With an absolute checkpoint where it starts from one."""
    recipe: Recipe
    tasks: tuple[FitTask, ...]
    output: Path
    """Folder of the finished checkpoint; appears by a rename."""
    id: str
    """SHA-256 of recipe, family, start weights, prompts and data."""
    data_hash: str
    recipe_hash: str
    device: str = "cpu"
    threads: int | None = None


def read_provenance(folder: Path) -> Mapping[str, Any] | None:
    """Returns the provenance beside a fitted checkpoint, or None where there is none."""
    path = folder / PROVENANCE_FILE
    if not path.is_file():
        return None
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def texts_of(task: FitTask, column: str) -> list[str]:
    """Returns one column of the training split."""
    return [str(example.columns[column]) for example in task.train.examples]


def reference(example: Example, column: str) -> str:
    """Returns an example's expected answer as text."""
    return str(example.columns[column])
