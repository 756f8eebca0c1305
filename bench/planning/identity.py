"""What tells cells apart: the identity of a cell, of loaded weights and of the source of a factory.

An identity holds only what differs from the defaults, so that a new key of the suite with a default leaves every id
as it was, and finished cells stay finished. Two rules follow:

* The default of an existing key may not change its value without `DEFAULTS_VERSION` being raised: cells that said
  nothing would else be taken for cells of the new value. `tests/planning/test_identity.py` holds the values.
* A key that is left out of the suite and one that is written with its default are the same cell.

A model runs under torch, whose version is no part of an identity: a timing is reused on the same machine and software
alone (`bench.host.machine_key`). A runtime that is not the default one adds its name and version to `variant`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel

from bench.candidates import FAMILIES, variants
from bench.candidates.adapters import adapted_identity, adapter_of
from bench.candidates.checkpoint import weights_identity
from bench.candidates.runtimes import RUNTIMES
from bench.data.base import Dataset
from bench.digest import content_hash
from bench.fit.job import FIT_VERSION, FitTask, Teacher, headed
from bench.fit.recipe import Recipe
from bench.measure.profiles import resolve as resolve_profile
from bench.plugins import find_beside
from bench.suite import CellJob, ModelSpec
from bench.suite.curriculum import Curriculum
from bench.suite.load import JUDGING
from bench.suite.spec import unhashed
from bench.tasks import KINDS
from bench.tasks.choosing import scorings_of

DEFAULTS_VERSION = 1
"""Of the defaults of the suite's schema, as far as identities leave them out; 1 is left out too."""

RESOLVED = frozenset(
    {"scoring", "labels", "seed", "batch_size", "batch_tokens", "device", "threads", "cpus", "share_load"}
)
"""Fields of a job that are hashed as they are, where they differ from its defaults."""


def cell_identity(job: CellJob, weights: str) -> dict[str, object]:
    """Collect what the id of a cell hashes; `weights` is what identifies those of its model.

    `measure` is there, if only empty, where the cell is measured: an id without it stands for the answers alone.
    """
    identity: dict[str, object] = {
        "model": _changed(job.model),
        "weights": weights,
        "task": _changed(job.task),
        "task_version": KINDS[job.task.kind].version,
        "template": job.template,
        "data_hash": job.data_hash,
    }
    if job.train_hash is not None:
        identity["train_hash"] = job.train_hash
    if job.shots:
        identity["shots"] = content_hash([[shot.prompt, shot.answer] for shot in job.shots])
    if variant := _changed(job.variant):
        runtime = RUNTIMES[job.variant.runtime]
        identity["variant"] = variant | ({"release": runtime.release} if runtime.converts else {})
    if (version := variants.version(job.variant)) > 1:
        identity["variant_version"] = version
    measured = resolve_profile(job.measure).measures
    if measured:
        identity["measure"] = _changed(job.measure)
    if job.load is not None:
        identity["load"] = job.load.model_dump(mode="json", exclude=set(JUDGING), exclude_defaults=True)
    resolved = set(RESOLVED if measured else RESOLVED - {"share_load"})
    identity |= job.model_dump(mode="json", include=resolved, exclude_defaults=True)
    identity |= FAMILIES[job.model.family].answer_versions(job.task)
    if DEFAULTS_VERSION > 1:
        identity["defaults"] = DEFAULTS_VERSION
    return identity


def _changed(spec: BaseModel) -> dict[str, object]:
    """Select the keys of a spec that differ from their defaults and count for an id, JSON-able."""
    return spec.model_dump(mode="json", exclude=unhashed(type(spec)), exclude_defaults=True)


def loaded_identity(spec: ModelSpec, base: Path) -> str:
    """Identify the weights of a resolved model.

    That is a hash of its files, its Hub name and revision, or its factory with the source of its file and of the
    package that this is in. What a factory imports from elsewhere, and from files beside one that is in no package, is
    not looked at.
    """
    own = FAMILIES[spec.family].source_identity(spec)
    if own is not None:
        return own
    if spec.factory is not None:
        weights = [] if spec.checkpoint is None else [weights_identity(spec.checkpoint, None, None)]
        return content_hash([spec.factory, *_sources(spec.factory.partition(":")[0], base), *weights])
    if spec.checkpoint is None:
        return content_hash([spec.family, spec.strategy])
    adapter = adapter_of(spec)
    if adapter is not None:
        return adapted_identity(spec, adapter)
    return weights_identity(spec.checkpoint, spec.subfolder, spec.revision)


def _sources(module: str, base: Path) -> list[str | list[str]]:
    """Read the source of a module, empty where it has none, then name and hash of all files of its package."""
    spec = find_beside(module, base.resolve())
    origin = Path(str(spec.origin)) if spec is not None else None
    if origin is None or not origin.is_file():
        return [""]
    source = origin.read_text(encoding="utf-8", errors="replace")
    above = module.count(".") - (origin.name != "__init__.py")
    if above < 0:
        return [source]
    package = origin.parents[above]
    files = sorted(package.rglob("*.py"))
    return [source, *([path.relative_to(package).as_posix(), sha256(path.read_bytes()).hexdigest()] for path in files)]


def fit_identity(
    model: ModelSpec,
    recipe: Curriculum,
    data_id: str,
    start: str | None,
    tasks: Sequence[FitTask],
    teacher: Teacher | None,
) -> str:
    """Hash all that decides the weights of a fit; what came later is in it only where it is used."""
    deciding: dict[str, object] = {
        "version": FIT_VERSION,
        "recipe": recipe.hash,
        "data": data_id,
        "family": model.family,
        "start": start,
        "tasks": [[task.spec.name, task.template, list(task.labels)] for task in tasks],
    }
    deciding |= _later(model, recipe, tasks)
    if teacher is not None:
        deciding["teacher"] = [teacher.model.family, teacher.identity, dict(teacher.templates)]
    learning = FAMILIES[model.family].learning
    if learning is not None and learning.from_factory:
        deciding["options"] = model.options
    return content_hash(deciding)


def _later(model: ModelSpec, recipe: Curriculum, tasks: Sequence[FitTask]) -> dict[str, object]:
    """Work out what decides the weights since the first checkpoints were published, and only where it does."""
    deciding: dict[str, object] = {}
    if isinstance(recipe, Recipe) and recipe.accumulation > 1:
        deciding["accumulation"] = "by target"  # once by batch
    if any(KINDS[task.spec.kind].ability == "log_likelihood" for task in tasks):
        deciding["texts"] = "in pieces"  # once their beginnings alone
    if model.chat_template:
        deciding["chat_template"] = True  # once trained without
    if model.system is not None:
        deciding["system"] = model.system
    if model.factory is None and model.options.get("prefix"):
        deciding["prefix"] = model.options["prefix"]
    for task in tasks:
        with_head = headed(model.family, task.spec)
        if KINDS[task.spec.kind].labelled and with_head != (scorings_of(model.family, task.spec.kind)[:1] == ("head",)):
            deciding[f"head of {task.spec.name}"] = with_head
    return deciding


def data_hash(tasks: Iterable[tuple[Dataset, Dataset]]) -> str:
    """Hash what identifies the training and validation splits of all tasks of a fit."""
    return content_hash([[train.hash, validation.hash] for train, validation in tasks])
