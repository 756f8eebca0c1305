"""Runs fits, each in a process of its own, with its progress on one line and its log in the results folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.executors.local import LocalExecutor
from bench.fit.job import FitJob

WORKER = "bench.fit.session:fit"


def run_fits(jobs: Sequence[FitJob], results: Path, echo: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns the provenance of each fit, with its output folder.

    Raises:
        FitError: a fit failed; the ones before it are kept, and a later call resumes the failed one.
    """
    made: list[dict[str, Any]] = []
    executor = LocalExecutor()
    for place, job in enumerate(jobs, start=1):
        name = f"[{place}/{len(jobs)}] {job.model.name}"
        echo(f"{name}: training on {', '.join(task.spec.name for task in job.tasks)}")
        log = results / "logs" / f"fit-{job.model.name}-{job.id[:8]}.log"
        provenance = executor.call(WORKER, {"job": job}, log_path=log, notify=_named(name, echo))
        made.append(provenance | {"output": str(job.output)})
    return made


def _named(name: str, echo: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: echo(f"{name}: {line}")
