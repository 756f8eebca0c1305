"""Runs one fit from start to a checkpoint on disk. This is what the child process of `bench fit` calls."""

from __future__ import annotations

import json
import platform
import resource
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.fit.batches import encode
from bench.fit.job import PROVENANCE_FILE, FitJob
from bench.fit.trainer import Progress, Trainer

SOFTWARE = ("torch", "transformers", "tokenizers", "accelerate", "babel")


def fit(job: FitJob, notify: Callable[[str], None]) -> dict[str, Any]:
    """Trains, writes the checkpoint with its `provenance.json` to `job.output`, and returns the provenance.

    Raises:
        FitError: the fit cannot start, or diverges.
    """
    import torch

    from bench.fit.build import build

    if job.threads is not None:
        torch.set_num_threads(job.threads)
    module, tokenizer = build(job)
    state = job.output.with_name(f".{job.output.name}.fitting-{job.id[:8]}")
    trainer = _trainer(job, module, tokenizer, state, notify)
    progress = trainer.run()
    provenance = describe(job, progress, trainer.net, trainer.validation_loss())
    if trainer.accelerator.is_main_process:
        _publish(job, trainer.net, tokenizer, provenance)
        shutil.rmtree(state, ignore_errors=True)
    return provenance


def _trainer(job: FitJob, module: Any, tokenizer: Any, state: Path, notify: Callable[[str], None]) -> Trainer:
    from bench.fit.objectives import Objective

    eos = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    objective = Objective(
        job.model.family,
        module,
        smoothing=job.recipe.label_smoothing,
        prompt_loss=job.recipe.prompt_loss,
        bos=tokenizer.bos_token_id if tokenizer.bos_token_id is not None else eos,
    )
    return Trainer(
        job.recipe,
        objective,
        [encode(job, task, task.train, tokenizer, eos) for task in job.tasks],
        [encode(job, task, task.validation, tokenizer, eos) for task in job.tasks],
        pad=tokenizer.pad_token_id,
        state=state,
        device=job.device,
        clock=time.perf_counter,
        report=notify,
    )


def describe(job: FitJob, progress: Progress, net: Any, validation_loss: float) -> dict[str, Any]:
    """Returns what made a checkpoint: hashes, seed, steps, wall time, losses, machine and software."""
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "model": job.model.name,
        "family": job.model.family,
        "fit_id": job.id,
        "recipe_hash": job.recipe_hash,
        "data_hash": job.data_hash,
        "tasks": [task.spec.name for task in job.tasks],
        "seed": job.recipe.seed,
        "steps": progress.step,
        "best_step": progress.best_step,
        "examples": progress.examples,
        "wall_s": round(progress.trained_s, 1),
        "examples_per_s": round(progress.examples / max(progress.trained_s, 1e-9), 1),
        "peak_rss_bytes": peak_kib * 1024,
        "final_train_loss": round(progress.curve[-1][1], 5) if progress.curve else None,
        "final_validation_loss": round(validation_loss, 5),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "software": {name: version(name) for name in SOFTWARE} | {"python": platform.python_version()},
        "loss_curve": [[step, round(loss, 4)] for step, loss in progress.curve],
        "validation_curve": [[step, round(loss, 4)] for step, loss in progress.validation],
    }


def _publish(job: FitJob, net: Any, tokenizer: Any, provenance: dict[str, Any]) -> None:
    """Writes the checkpoint under a temporary name, then puts it in its place."""
    import torch

    fresh = job.output.with_name(f".{job.output.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    dtype = getattr(torch, job.recipe.save_dtype)
    if hasattr(net, "save_pretrained"):
        net.to(dtype).save_pretrained(fresh)
    else:
        net.save(fresh, dtype)
    tokenizer.save_pretrained(fresh)
    text = json.dumps(provenance, indent=1, ensure_ascii=False)
    (fresh / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(job.output, ignore_errors=True)
    fresh.rename(job.output)


def main(path: Path) -> None:
    """Runs a pickled job: the entry for `accelerate launch -m bench.fit.session JOB`."""
    import pickle

    job: FitJob = pickle.loads(path.read_bytes())
    fit(job, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
