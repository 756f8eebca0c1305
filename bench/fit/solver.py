"""Fits a model by its family's solver: search, folds and the final fit, as for networks, without steps or torch."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.candidates import FAMILIES
from bench.candidates.solving import Lines, Solved, Solving, judge
from bench.data.base import Dataset
from bench.errors import FitError
from bench.fit.cost import Cost, CostMeter
from bench.fit.folds import cross_validate
from bench.fit.job import PROVENANCE_FILE, FitJob, FitTask
from bench.fit.place import check_place
from bench.fit.scores import Scores
from bench.fit.search import run_search
from bench.fit.teaching import Lesson
from bench.fit.training import Notify
from bench.meters.bundle import open_meters
from bench.store.files import write_folder
from bench.suite.curriculum import SolverRecipe
from bench.tasks import KINDS

SOFTWARE = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Fit:
    """A finished fit."""

    solved: Solved
    scores: Scores
    cost: Cost
    examples: int
    main: bool = True


def solve(job: FitJob, notify: Notify) -> dict[str, object]:
    """Fit, write the model with its `provenance.json` to `job.output`, and return the provenance.

    Raises:
        FitError: there is nothing to learn.
        InputError: the model cannot be put where the job says.
    """
    check_place(job)
    lesson, extra = Lesson(job), dict[str, object]()
    with threadpool_limits(limits=job.threads):
        if job.recipe.search is not None:
            recipe, extra["search"] = run_search(lesson, job.state / "search", notify, solve_once)
            lesson = replace(lesson, job=replace(job, recipe=recipe))
        if lesson.job.recipe.folds is not None:
            extra["folds"] = cross_validate(lesson, job.state / "folds", notify, solve_once)
        done = solve_once(lesson, job.state, notify)
    provenance = _described(lesson.job, done) | extra

    def fill(fresh: Path) -> None:
        done.solved.save(fresh)
        text = json.dumps(provenance, indent=1, ensure_ascii=False)
        (fresh / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")

    write_folder(job.output, fill)
    shutil.rmtree(job.state, ignore_errors=True)
    return provenance


def solve_once(lesson: Lesson, state: Path, notify: Notify) -> Fit:
    """Fit once, and judge on the validation split.

    Raises:
        FitError: there is nothing to learn.
    """
    job = lesson.job
    solving, recipe = FAMILIES[job.model.family].solving, job.recipe
    if solving is None or not isinstance(recipe, SolverRecipe):
        raise FitError(f"model '{job.model.name}': no solver fits a model of the family '{job.model.family}'")
    learnt, judged = lines_of(job, "train"), lines_of(job, "validation")
    device = _device(job, solving)
    meter = CostMeter(open_meters(device))
    examples = sum(len(lines.texts) for lines in learnt)
    meter.start()
    try:
        solved = solving.solve(job.model, recipe, learnt, device, notify)
    except FitError as error:
        raise FitError(f"model '{job.model.name}': {error}") from error
    finally:
        cost = meter.stop(examples)
    found = [judge(lines, solved.outputs(head, lines.texts)) for head, lines in enumerate(judged) if lines.texts]
    shares = [share for _, share in found if share is not None]
    loss = float(np.mean([loss for loss, _ in found])) if found else float("nan")
    scores = Scores(loss, float(np.mean(shares)) if len(shares) == len(found) and found else None)
    return Fit(solved, scores, cost, examples)


def _device(job: FitJob, solving: Solving) -> str:
    if not FAMILIES[job.model.family].uses_torch(job.model):
        return "cpu"
    from bench.fit.training import resolve_device

    return resolve_device(job.device)


def lines_of(job: FitJob, split: str) -> list[Lines]:
    """Gather what each head learns, or is judged by: tasks with the same labels share one.

    Raises:
        FitError: a row has a label that the task does not have.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[FitTask, Dataset]]] = {}
    for task in job.tasks:
        key = (KINDS[task.spec.kind].ability, task.labels)
        groups.setdefault(key, []).append((task, task.train if split == "train" else task.validation))
    return [_lines(ability, labels, pairs) for (ability, labels), pairs in groups.items()]


def _lines(ability: str, labels: tuple[str, ...], pairs: Sequence[tuple[FitTask, Dataset]]) -> Lines:
    texts: list[str] = []
    targets = []
    for task, data in pairs:
        kind = KINDS[task.spec.kind]
        try:
            read, wanted = kind.learnt(task.template, data.examples, labels)
        except ValueError as error:
            raise FitError(f"task '{task.spec.name}': {data.origin}: {error}") from error
        texts += read
        targets.append(np.asarray(wanted, dtype=np.float64))
    return Lines(ability, labels, tuple(texts), np.concatenate(targets))


def _described(job: FitJob, done: Fit) -> dict[str, object]:
    scores, cost = done.scores, done.cost
    return {
        **job.described(),
        "processes": 1,
        "examples": done.examples,
        "wall_s": round(cost.wall_s, 1),
        "examples_per_s": round(done.examples / max(cost.wall_s, 1e-9), 1),
        "peak_rss_bytes": cost.peak_rss_bytes,
        "cost": cost.as_dict(),
        "final_validation_loss": round(scores.loss, 5) if np.isfinite(scores.loss) else None,
        "final_validation_accuracy": None if scores.accuracy is None else round(scores.accuracy, 5),
        "parameters": done.solved.parameters,
        "options": job.recipe.model_dump(mode="json", exclude={"search", "folds", "tasks"}),
        "software": {name: version(name) for name in SOFTWARE} | {"python": platform.python_version()},
    }
