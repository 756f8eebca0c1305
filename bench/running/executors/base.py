"""The interface of executors: one job in, one record out, whatever happens to the process in between.

An executor knows nothing of models, tasks or measuring; it is told the worker by name.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.record import Cell, Record, Sample
from bench.running.executors.outcome import Failure

WORKER = "bench.running.worker.cell:run_cell"
"""Called as `run_cell(cell=…, process=…, notify=…)`, and `scored=…` where there is something; returns the record."""

Notify = Callable[[str], None]
"""Takes the name of the phase that begins."""

Tick = Callable[[], float | None]
"""Returns the seconds until its next call, or None while the child is being timed."""


def ignore(_: str) -> None:
    """Takes the name of a phase and does nothing."""


def never() -> float | None:
    """Asks for no tick."""
    return None


@dataclass(frozen=True, slots=True)
class Job:
    """One process of one cell."""

    cell: Cell
    process: int
    results: Path
    """The results folder."""
    log: str
    """The cell's log, relative to the results folder."""
    timeout_s: float | None = None
    memory_limit_bytes: int | None = None
    share: str | None = None
    """Jobs with the same name, one after another, may run in one process, which keeps what they have in common; None
    for a process of its own."""
    scored: tuple[Sample, ...] = ()
    """Answers that are there already: the cell's first process's for the audit of a later one, or an earlier run's."""
    scored_by: str | None = None
    """The run that scored them, where it is another than this one."""

    @property
    def log_path(self) -> Path:
        """The cell's log."""
        return self.results / self.log


@dataclass(frozen=True, slots=True)
class Call:
    """A function to run apart, and its limits."""

    target: str
    """`module:function`, called with `arguments` and `notify=`."""
    arguments: Mapping[str, Any]
    log_path: Path
    timeout_s: float | None = None
    memory_limit_bytes: int | None = None
    notify: Notify = ignore
    tick: Tick = never
    share: str | None = None
    """As in `Job`: the function is given `state=`, a dictionary that lives as long as the process."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the function returned, or why it did not."""

    value: Any = None
    failure: Failure | None = None


class Executor(ABC):
    """Runs functions named `module:function`; a subclass says where."""

    def __init__(self, worker: str = WORKER) -> None:
        self.worker = worker

    @abstractmethod
    def attempt(self, call: Call) -> Answer:
        """Returns what became of a call; raises nothing but KeyboardInterrupt."""

    def close(self) -> None:  # noqa: B027  most executors keep nothing
        """Ends the process that waits for another call of its share, if one does."""

    def call(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        log_path: Path,
        notify: Notify = ignore,
        timeout_s: float | None = None,
        memory_limit_bytes: int | None = None,
        tick: Tick = never,
    ) -> Any:
        """Returns what `target(**arguments, notify=…)` returns.

        Raises:
            BenchError: of the class that the function raised, or plain for every other failure; with the
            log's path.
        """
        answer = self.attempt(Call(target, arguments, log_path, timeout_s, memory_limit_bytes, notify, tick))
        if answer.failure is None:
            return answer.value
        raise answer.failure.error(f"{answer.failure.reason} (log: {log_path})")

    def run(self, job: Job, notify: Notify = ignore, tick: Tick = never) -> Record:
        """Returns the record of a job; every failure is a record too."""
        started_at, start = datetime.now(UTC).isoformat(), time.perf_counter()
        arguments: dict[str, Any] = {"cell": job.cell, "process": job.process}
        if job.scored:
            arguments["scored"] = job.scored
        if job.scored_by:
            arguments["scored_by"] = job.scored_by
        limits = (job.timeout_s, job.memory_limit_bytes)
        answer = self.attempt(Call(self.worker, arguments, job.log_path, *limits, notify, tick, job.share))
        wall_s = time.perf_counter() - start
        record, failure = answer.value, answer.failure
        if not isinstance(record, Record):
            failure = failure or Failure(
                "failed", f"{self.worker} returned no record: a bug of bench, please report it"
            )
            record = Record(job.cell, failure.status, _with_log(failure, job.log), job.process)
        return replace(
            record,
            log_path=job.log,
            started_at=record.started_at or started_at,
            wall_s=record.wall_s or wall_s,
        )


def _with_log(failure: Failure, log: str) -> str:
    return failure.reason if failure.status == "unsupported" else f"{failure.reason} (log: {log})"


@dataclass(slots=True)
class LastPhase:
    """Remembers the phase that a call is in, for the reasons of failures."""

    forward: Notify
    name: str = field(default="start")

    def __call__(self, name: str) -> None:
        """Remembers the phase and passes it on."""
        self.name = name
        self.forward(name)
