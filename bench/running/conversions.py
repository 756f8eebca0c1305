"""Converts the networks that other runtimes execute, each in a process of its own with the limits of its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bench.errors import BenchError, BusyError, UnsupportedError
from bench.record import Cell
from bench.running.executors.local import LocalExecutor
from bench.running.signals import terminable
from bench.running.targets import CONVERT
from bench.store.files import restore_folder
from bench.store.locks import FileLock
from bench.suite import CellJob


def converted(
    cells: Sequence[Cell], skip: Mapping[str, str], results: Path, echo: Callable[[str], None]
) -> tuple[list[Cell], dict[str, str]]:
    """Convert the networks that are not there yet.

    Args:
        cells: of a plan.
        skip: cell id → reason, for cells that cannot run.
        results: the results folder.
        echo: takes a line for each conversion.

    Returns:
        The cells, those `unsupported` whose runtime cannot take their network; and `skip` with the cells whose
        conversion failed otherwise.
    """
    todo: dict[str, CellJob] = {}
    for cell in cells:
        job = cell.job
        if cell.unsupported is None and cell.id not in skip and job is not None and job.artifact is not None:
            todo.setdefault(job.artifact, job)
    failures: dict[str, BenchError] = {}
    for artifact, job in todo.items():
        restore_folder(Path(artifact))
        if not Path(artifact).is_dir():
            try:
                _convert(job, Path(artifact), results, echo)
            except BenchError as error:
                failures[artifact] = error
                echo(f"{_title(job)}: {error}")
    told, skipped = [], dict(skip)
    for cell in cells:
        failure = failures.get(str(None if cell.job is None else cell.job.artifact))
        unsupported = isinstance(failure, UnsupportedError)
        told.append(replace(cell, unsupported=str(failure)) if unsupported else cell)
        if failure is not None and not unsupported:
            skipped[cell.id] = f"its conversion failed: {failure}"
    return told, skipped


def _convert(job: CellJob, artifact: Path, results: Path, echo: Callable[[str], None]) -> None:
    echo(f"{_title(job)}: converting")
    artifact.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(artifact.with_name(f".{artifact.name}.lock"))
    if not lock.take():
        raise BusyError(f"another process is converting '{artifact}'; wait for its end, or name another --results")
    try:
        with terminable(), closing(LocalExecutor()) as executor:
            executor.call(
                CONVERT,
                {"job": job},
                log_path=results / "logs" / f"convert-{artifact.name}.log",
                timeout_s=job.timeout_s,
                memory_limit_bytes=job.memory_limit_bytes,
            )
    finally:
        lock.release()


def _title(job: CellJob) -> str:
    return f"{job.model.name}[{job.variant.label}]"
