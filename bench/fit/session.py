"""Runs one fit from start to a checkpoint on disk. This is what the child process of `bench fit` calls."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import files_hash, locate
from bench.errors import BenchError
from bench.fit.cost import PARTS, Cost, cost_of, has_cost, part_of, total
from bench.fit.folds import cross_validate
from bench.fit.job import PROVENANCE_FILE, FitJob, learning_for, read_provenance
from bench.fit.place import check_place
from bench.fit.search import run_search
from bench.fit.teaching import Lesson, prepare
from bench.fit.training import Trained, resolve_device, train
from bench.store.files import write_folder
from bench.text import terminal_text

SOFTWARE = ("torch", "transformers", "tokenizers", "accelerate", "babel")


def fit(job: FitJob, notify: Callable[[str], None]) -> dict[str, object]:
    """Train, write the checkpoint with its `provenance.json` to `job.output`, and return the provenance.

    The teacher answers first, then the search runs, then the folds of the recipe that it chose, and at last the
    final training on all of the training split. What is finished of these survives an interruption.

    Raises:
        FitError: the fit cannot start, or diverges.
        StoppedError: a signal came; the state is saved.
        InputError: the checkpoint cannot be put where the job says.
    """
    if FAMILIES[job.model.family].solving is not None:
        from bench.fit.solver import solve

        return solve(job, notify)
    import torch

    if job.threads is not None:
        torch.set_num_threads(job.threads)
    check_place(job)
    state = job.state
    lesson, taught = _taught(job, notify)
    extra: dict[str, object] = {"teacher": taught} if taught else {}
    if job.recipe.search is not None:
        recipe, extra["search"] = run_search(lesson, state / "search", notify)
        lesson = replace(lesson, job=replace(lesson.job, recipe=recipe))
    if lesson.job.recipe.folds is not None:
        extra["folds"] = cross_validate(lesson, state / "folds", notify)
    trained = train(lesson, state, notify)
    provenance = describe(job, trained) | extra
    if trained.main:
        _publish(job, trained, provenance)
        shutil.rmtree(state, ignore_errors=True)
    return provenance


def _taught(job: FitJob, notify: Callable[[str], None]) -> tuple[Lesson, dict[str, object] | None]:
    """Prepare the lesson with its teacher, and what made the teacher: its weights, and what its own training cost."""
    lesson = prepare(job, resolve_device(job.device), notify)
    if job.teacher is None:
        return lesson, None
    place = locate(str(job.teacher.model.checkpoint), Path())
    own = read_provenance(place.folder) if place.folder is not None else None
    about: dict[str, object] = {
        "name": job.teacher.name,
        "identity": job.teacher.identity,
        "weights_hash": files_hash(place.folder) if place.folder is not None else None,
        "methods": list(lesson.methods),
        "temperature": job.training.temperature,
        "alpha": job.training.alpha,
    }
    unknown = Cost(energy_reason="the teacher was not trained by bench, and what it cost is not known")
    spent = total([cost_of(part) for part in _parts(own)]) if own is not None else unknown
    return lesson, about | ({"cost": spent.as_dict()} if own is not None else {"cost_unknown": unknown.energy_reason})


def _parts(provenance: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Collect all that a checkpoint cost: its training, and its own search, folds and teacher."""
    return [provenance, *(part_of(provenance, name) for name in PARTS if has_cost(provenance, name))]


def describe(job: FitJob, trained: Trained) -> dict[str, object]:
    """Describe what made a checkpoint: hashes, seed, steps, cost, losses, machine and software."""
    progress, scores, cost = trained.progress, trained.scores, trained.cost
    return {
        **job.described(),
        "processes": trained.processes,
        "steps": progress.step,
        "best_step": progress.best_step,
        "examples": progress.examples,
        "wall_s": round(cost.wall_s, 1),
        "examples_per_s": round(progress.examples / max(cost.wall_s, 1e-9), 1),
        "peak_rss_bytes": cost.peak_rss_bytes,
        "cost": cost.as_dict(),
        "final_train_loss": round(progress.curve[-1][1], 5) if progress.curve else None,
        "final_validation_loss": round(scores.loss, 5) if math.isfinite(scores.loss) else None,
        "final_validation_accuracy": None if scores.accuracy is None else round(scores.accuracy, 5),
        "cut_examples": dict(trained.cut),
        "parameters": sum(parameter.numel() for parameter in trained.net.parameters()),
        "software": {name: version(name) for name in SOFTWARE} | {"python": platform.python_version()},
        "loss_curve": [[step, round(loss, 4)] for step, loss in progress.curve],
        "validation_curve": [[step, round(loss, 4)] for step, loss in progress.validation],
    }


def _publish(job: FitJob, trained: Trained, provenance: dict[str, object]) -> None:
    """Write the checkpoint under a temporary name, then move it into its place."""
    import torch

    def fill(fresh: Path) -> None:
        _write(job, trained, fresh)
        if trained.last is not None:
            trained.net.load_state_dict(torch.load(trained.last, weights_only=True))
            _write(job, trained, fresh / "last")
        text = json.dumps(provenance, indent=1, ensure_ascii=False)
        (fresh / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")

    write_folder(job.output, fill)


def _write(job: FitJob, trained: Trained, folder: Path) -> None:
    import torch

    dtype: torch.dtype = getattr(torch, job.training.save_dtype)
    trained.scale.give_back(trained.net)
    learning_for(job).save(trained.net, folder, dtype)
    if trained.tokenizer is not None:
        trained.tokenizer.save_pretrained(folder)


def main(path: Path) -> None:
    """Run a pickled job; the entry point of `accelerate launch -m bench.fit.session JOB`."""
    import pickle

    job: FitJob = pickle.loads(path.read_bytes())
    first = os.environ.get("RANK", "0") == "0"  # of several processes one speaks

    def say(line: str) -> None:
        if first:
            print(terminal_text(line), file=sys.stderr, flush=True)  # noqa: T201

    try:
        fit(job, say)
    except BenchError as error:
        say(f"bench: error: {error}")
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main(Path(sys.argv[1]))
