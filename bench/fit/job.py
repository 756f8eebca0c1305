"""A planned fit: what to train, on what, and where the checkpoint goes. Imports neither torch nor
transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.candidates import FAMILIES
from bench.candidates.interface import Ability
from bench.candidates.learning import Learning
from bench.data.base import Dataset
from bench.errors import FitError
from bench.fit.recipe import Recipe
from bench.suite import ModelSpec, TaskSpec
from bench.suite.curriculum import Curriculum
from bench.tasks import KINDS
from bench.tasks.choosing import scoring_of

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
    soft: Mapping[int, tuple[float, ...]] | None = None
    """The teacher's log-probability of each label, by the index of the training example."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model of the suite whose answers are learnt."""

    name: str
    model: ModelSpec
    """With the absolute checkpoint that it is, or will be, loaded from."""
    identity: str
    """Hash of its weights, or of the recipe and data that make them."""
    templates: Mapping[str, str]
    """Its prompt, by task."""


@dataclass(frozen=True, slots=True)
class FitJob:
    """All that a training process needs; picklable."""

    model: ModelSpec
    """With an absolute checkpoint where it starts from one."""
    recipe: Curriculum
    tasks: tuple[FitTask, ...]
    output: Path
    """Folder of the finished checkpoint; appears by a rename."""
    id: str
    """SHA-256 of recipe, family, start weights, prompts and data."""
    data_hash: str
    recipe_hash: str
    device: str = "cpu"
    """`cpu`, `auto` or `cuda`."""
    threads: int | None = None
    teacher: Teacher | None = None
    base: Path | None = None
    """The suite's folder, where a factory may lie."""

    @property
    def training(self) -> Recipe:
        """The recipe of a network that is trained step by step.

        Raises:
            FitError: a solver fits this model.
        """
        if not isinstance(self.recipe, Recipe):
            raise FitError(f"model '{self.model.name}': a solver fits it, and no network is trained")
        return self.recipe

    def described(self) -> dict[str, object]:
        """Describe what is trained from what, as the provenance of every checkpoint begins."""
        return {
            "model": self.model.name,
            "family": self.model.family,
            "fit_id": self.id,
            "recipe_hash": self.recipe_hash,
            "data_hash": self.data_hash,
            "tasks": [task.spec.name for task in self.tasks],
            "seed": self.recipe.draws,
        }

    @property
    def state(self) -> Path:
        """The folder of what an interrupted training goes on from, beside the checkpoint."""
        return self.output.with_name(f".{self.output.name}.fitting-{self.id[:8]}")


def fold_units(data: Dataset) -> tuple[int, str]:
    """Count how many parts a split can be cut into at most, and what they are: groups, or examples without any."""
    groups = {example.group for example in data.examples}
    return (len(data.examples), "examples") if None in groups else (len(groups), "groups")


def headed(family: str, task: TaskSpec) -> bool:
    """Tell whether a family learns a task as logits over its labels, for that is how it will be scored."""
    return KINDS[task.kind].labelled and scoring_of(family, task) == "head"


HEADS: frozenset[Ability] = frozenset({"mark", "rate", "tag"})
"""Abilities that a head alone gives."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a network learns."""

    ability: Ability
    labels: tuple[str, ...]
    """In the order of its outputs; none of a head that gives a number."""


def head_of(family: str, task: FitTask) -> Head | None:
    """Tell which head learns a task; None where its answers are learnt as texts."""
    ability = KINDS[task.spec.kind].ability
    return Head(ability, task.labels) if ability in HEADS or headed(family, task.spec) else None


def head_of_all(model: ModelSpec, tasks: Sequence[FitTask]) -> Head | None:
    """Find the head that a network learns, or whose logits a factory's `classify` gives; None where labels are written
    as text.

    Raises:
        FitError: two tasks ask for heads of their own, or a head and texts for a model that has one or the other.
    """
    family, learning = model.family, learning_of(model)
    heads: dict[str, Head] = {}
    for task in tasks:
        head = head_of(family, task)
        if head is None and learning.from_factory and KINDS[task.spec.kind].labelled:
            head = Head("classify", task.labels)
        if head is not None:
            heads[task.spec.name] = head
    if learning.head_or_text and heads and len(heads) < len(tasks):
        raise FitError(
            f"model '{model.name}': a {family} model with a head writes no text, and its tasks need both; name one "
            f"kind in the recipe's 'tasks', or leave out 'scoring: head' of {next(iter(heads))}"
        )
    if len(set(heads.values())) > 1:
        raise FitError(
            f"model '{model.name}': one head cannot learn {' and '.join(heads)}, whose labels or kinds differ; name "
            "one in the recipe's 'tasks'"
        )
    return next(iter(heads.values()), None)


def learning_for(job: FitJob) -> Learning:
    """Find how the network of a job is trained, with the head that its tasks need."""
    head = head_of_all(job.model, job.tasks)
    learning = learning_of(job.model)
    return learning if head is None else learning.towards(head.ability)


def learning_of(model: ModelSpec) -> Learning:
    """Find how a model's family is trained.

    Raises:
        FitError: it cannot be.
    """
    learning = FAMILIES[model.family].learning
    if learning is None:
        raise FitError(f"model '{model.name}': a model of the family '{model.family}' cannot be trained")
    return learning


def read_provenance(folder: Path) -> Mapping[str, object] | None:
    """Read the provenance beside a fitted checkpoint, or None where there is none."""
    path = folder / PROVENANCE_FILE
    if not path.is_file():
        return None
    loaded: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
