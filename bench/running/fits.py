"""Runs fits, each in a process of its own, with its progress on one line and its log in the results folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, FitError, StoppedError
from bench.fit.job import FitJob
from bench.fit.place import check_place, held
from bench.fit.state import kept_step
from bench.running.executors.local import LocalExecutor
from bench.running.signals import terminable
from bench.running.targets import FIT
from bench.suite.job import Provenance

GRACE_S = 30.0
"""Time that a training has from SIGTERM on to finish its step and to save its state: a guess at a slow step."""


@dataclass(frozen=True, slots=True)
class Fits:
    """The outcomes of the fits of one call."""

    made: Sequence[Provenance]
    """Provenance of each that went well, with its `output`."""
    failed: Mapping[str, BenchError]
    """Why the others did not, by model; a later call resumes them from their last saved state."""


def run_fits(jobs: Sequence[FitJob], results: Path, echo: Callable[[str], None]) -> Fits:
    """Train all jobs in order; one that fails does not stop the others.

    Raises:
        InputError: a checkpoint cannot be put where its job says; nothing was trained.
    """
    for job in jobs:
        check_place(job)
    made: list[Provenance] = []
    failed: dict[str, BenchError] = {}
    with closing(LocalExecutor(grace_s=GRACE_S)) as executor:
        for place, job in enumerate(jobs, start=1):
            name = f"[{place}/{len(jobs)}] {job.model.name}"
            echo(f"{name}: training on {', '.join(task.spec.name for task in job.tasks)}")
            log = results / "logs" / f"fit-{job.model.name}-{job.id[:8]}.log"
            try:
                with terminable(), held(job):
                    provenance = executor.call(FIT, {"job": job}, log_path=log, notify=_named(name, echo))
                if not isinstance(provenance, dict):
                    raise FitError(f"its training said nothing of what it made (log: {log}); report it with the log")
            except KeyboardInterrupt:
                echo(f"{name}: interrupted; {_kept(job)}")
                raise
            except StoppedError as error:  # the training alone was signalled, as batch systems do: it is no failure
                echo(f"{name}: interrupted; {_kept(job)}")
                raise KeyboardInterrupt from error
            except BenchError as error:
                failed[job.model.name] = error
                echo(f"{name}: failed: {error}")
            else:
                made.append(provenance | {"output": str(job.output)})
    return Fits(made, failed)


def _kept(job: FitJob) -> str:
    """Say what is kept of an interrupted training."""
    step = kept_step(job.state)
    if step is not None:
        return f"kept at step {step} of {job.recipe.effort}, where the same command goes on"
    parts = [name for name in ("search", "folds") if (job.state / name).is_dir()]
    if parts:
        return f"what is finished of its {' and '.join(parts)} is kept, and the same command goes on there"
    return "it had not come to a state that could be kept, and starts again"


def _named(name: str, echo: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: echo(f"{name}: {line}")
