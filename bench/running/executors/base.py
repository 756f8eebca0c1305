"""The interface of executors: one job in, one record out, whatever happens to the process in between.

An executor knows nothing of models, tasks or measuring; it is told the worker by name. A new one is one file in this
folder, or an entry point in `bench.executors`: a class with a `name`, its `capacity`, and how it isolates.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeVar

from bench.candidates.kept import Keep
from bench.host import fingerprint
from bench.host.facts import Facts
from bench.host.secrets import hidden
from bench.record import Asked, Cell, Part, Proved, Record, Sample
from bench.running.executors import wire
from bench.running.executors.outcome import Answer as Answer
from bench.running.executors.outcome import Failure, unreadable
from bench.running.targets import WORKER
from bench.suite.machines import MachinesSpec

T = TypeVar("T")

Isolation = Literal["none", "process", "machine"]
"""What a call has to itself: nothing, a fresh process, a machine of its own."""

Notify = Callable[[str], None]
"""Takes the name of the phase that begins."""

Tick = Callable[[], float | None]
"""Returns the seconds until its next call, or None while the child is being timed."""


LOST = "lost"
"""Note of a record: the machines that were lost while it ran."""


def ignore(_: str) -> None:
    """Take the name of a phase, and do nothing."""


def never() -> float | None:
    """Ask for no tick."""
    return None


Tell = Callable[[str], None]
"""Takes a line about machines for the person who watches."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an executor of other machines finds them, and which it may use."""

    address: str | None = None
    """What stands behind its name: of `ray://head:10001` the whole; None for the name alone."""
    machines: MachinesSpec = field(default_factory=MachinesSpec)
    """The suite's section `machines`."""
    tell: Tell = ignore
    """Takes a line about each machine until the run begins."""


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
    proved: tuple[Proved, ...] = ()
    """What admission noted of the model before, under the same names."""
    keep: Keep | None = None
    """Where its answers are kept one by one until the record is there; None to keep none."""
    block: str | None = None
    """The block of work that it belongs to: an executor with several machines runs the jobs of a block on one."""
    asked: Asked | None = None
    """What the process is asked for; None for the usual: the first answers all examples, each measures."""
    light: bool = False
    """Whether its model needs no torch, and so runs in a process without it, where an executor has such."""
    part: Part | None = None
    """Which part of the cell it scores; None for the whole."""

    @property
    def log_path(self) -> Path:
        """The cell's log."""
        return self.results / self.log


@dataclass(frozen=True, slots=True)
class Call:
    """A function to run apart, and its limits."""

    target: str
    """`module:function`, called with `arguments` and `notify=`."""
    arguments: Mapping[str, object]
    log_path: Path
    timeout_s: float | None = None
    memory_limit_bytes: int | None = None
    notify: Notify = ignore
    tick: Tick = never
    share: str | None = None
    """As in `Job`: the function is given `state=`, a dictionary that lives as long as the process."""
    block: str | None = None
    """As in `Job`."""
    light: bool = False
    """As in `Job`."""


class Executor(ABC):
    """Runs functions named `module:function`; a subclass says where."""

    name: ClassVar[str] = ""
    """By which a suite and the command line choose it; empty for one that cannot be chosen."""
    isolation: ClassVar[Isolation] = "process"
    takes_address: ClassVar[bool] = False
    """Whether it has other machines, which an address such as `ray://head:10001` and the suite's `machines` name."""
    capacity: int = 1
    """Calls that it may run at once. With more than one, `attempt` is called from that many threads, and must bear
    it."""
    least_part: int | None = None
    """Examples that the parts of a cell have at least on average, where one cell may be scored by several calls at
    once: all its machines then give the same answers, bit for bit. None where a cell is one call."""

    def __init__(self, worker: str = WORKER) -> None:
        self.worker = worker
        self.tell: Tell = ignore
        """Takes a line about a machine that comes or goes during a run."""
        self.secrets: dict[str, str] = {}
        """Environment variables that only the cells get whose models name them: the keys of endpoints."""
        self._slots: ThreadPoolExecutor | None = None

    @classmethod
    def open(cls, *, measuring: bool = True, place: Place | None = None) -> Self:
        """Make the executor as a run needs it, whose cells are measured or only scored.

        Args:
            measuring: whether anything is measured.
            place: where its machines are; None for one that takes no address.
        """
        return cls()

    def fingerprint(self) -> Facts:
        """Describe the machine whose timings a run holds; of several alike, one of them."""
        return fingerprint()

    def check(self, plan: Sequence[Cell]) -> None:  # noqa: B027  this machine has what planning saw on it
        """Look, before anything runs, whether the machines have what the cells need.

        Raises:
            EnvironmentLackError: one lacks something.
        """

    def release(self, block: str) -> None:  # noqa: B027  one machine has nothing to let go of
        """Take note that no further call of a block comes."""

    def prefer(self, block: str, machine: str) -> None:  # noqa: B027  one machine has no choice
        """Take note that a part of a block was done before, by a machine that its records name: the rest belongs there,
        where that machine takes part."""

    def is_free(self, machine: str) -> bool | None:
        """Tell whether a block that is kept for a machine would begin there at once; None where that machine takes no
        part, so that the block may begin anywhere."""
        return None

    def prepare(self, *, light: bool = False) -> None:  # noqa: B027  most executors have nothing to prepare
        """Begin whatever takes time before the first call, and return at once.

        Args:
            light: for calls of models without torch, which then begin at once too.
        """

    @contextmanager
    def holding(self, names: Iterable[str]) -> Iterator[None]:
        """Take variables out of this process's environment for a while, and hand each to the cells that need it.

        To be entered before anything is started: what a process began with can be read as long as it runs.
        """
        with hidden(names) as held:
            before = dict(self.secrets)
            self.secrets.update(held)
            try:
                yield
            finally:
                self.secrets.clear()
                self.secrets.update(before)

    @abstractmethod
    def attempt(self, call: Call) -> Answer:
        """Make a call, and return its outcome; raise nothing but KeyboardInterrupt."""

    def close(self) -> None:
        """End what waits for further calls; calls that are running in other threads are waited for."""
        if self._slots is not None:
            self._slots.shutdown(cancel_futures=True)
            self._slots = None

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Do some work, which calls this executor, in a free slot; never more than `capacity` at once.

        With a capacity of one it is done here and now, in the caller's thread, and the future is done.
        """
        if self.capacity > 1:
            self._slots = self._slots or ThreadPoolExecutor(self.capacity, thread_name_prefix=self.name or "executor")
            return self._slots.submit(work)
        done: Future[T] = Future()
        done.set_result(work())
        return done

    def call(
        self,
        target: str,
        arguments: Mapping[str, object],
        *,
        log_path: Path,
        notify: Notify = ignore,
        timeout_s: float | None = None,
        memory_limit_bytes: int | None = None,
        tick: Tick = never,
        block: str | None = None,
    ) -> object:
        """Call `target(**arguments, notify=…)`, and return what it returns.

        Raises:
            BenchError: of the class that the function raised, or plain for every other failure; with the
            log's path.
        """
        answer = self.attempt(
            Call(target, arguments, log_path, timeout_s, memory_limit_bytes, notify, tick, block=block)
        )
        if answer.failure is None:
            return answer.value
        raise answer.failure.error(f"{answer.failure.reason} (log: {log_path})")

    def run(self, job: Job, notify: Notify = ignore, tick: Tick = never) -> Record:
        """Run a job, and return its record; every failure is a record too."""
        started_at, start = datetime.now(UTC).isoformat(), time.perf_counter()
        arguments: dict[str, object] = {"cell": job.cell, "process": job.process}
        if job.scored:
            arguments["scored"] = job.scored
        if job.scored_by:
            arguments["scored_by"] = job.scored_by
        if job.proved:
            arguments["proved"] = job.proved
        if job.asked is not None:
            arguments["asked"] = job.asked
        if job.keep is not None:
            arguments["keep"] = job.keep
        if job.part is not None:
            arguments["part"] = job.part
        if secrets := self._secrets_of(job.cell):
            arguments["secrets"] = secrets
        limits = (job.timeout_s, job.memory_limit_bytes)
        answer = self.attempt(
            Call(self.worker, arguments, job.log_path, *limits, notify, tick, job.share, job.block, job.light)
        )
        wall_s = time.perf_counter() - start
        record = _record_of(answer)
        if isinstance(record, Failure):
            notes: dict[str, object] = {} if record.abilities is None else {"abilities": list(record.abilities)}
            notes |= {LOST: list(record.lost)} if record.lost else {}
            record = Record(job.cell, record.status, _with_log(record, job.log), job.process, notes=notes)
        return replace(
            record,
            cell=job.cell,
            process=job.process,
            log_path=job.log,
            started_at=record.started_at or started_at,
            wall_s=record.wall_s or wall_s,
        )

    def _secrets_of(self, cell: Cell) -> dict[str, str]:
        names = () if cell.job is None else cell.job.model.secrets
        return {name: self.secrets[name] for name in sorted(names) if name in self.secrets}


def _record_of(answer: Answer) -> Record | Failure:
    """Return the record of an answer, when all in it can be."""
    if answer.failure is not None:
        return answer.failure
    if not isinstance(answer.value, Record):
        return Failure("failed", "the worker returned no record: a bug of bench, please report it")
    try:
        return answer.value if answer.checked else wire.recoded(answer.value)
    except wire.WireError as error:
        return unreadable(str(error))


def _with_log(failure: Failure, log: str) -> str:
    return failure.reason if failure.status == "unsupported" else f"{failure.reason} (log: {log})"


@dataclass(slots=True)
class LastPhase:
    """The phase that a call is in, for the reasons of failures."""

    forward: Notify
    name: str = field(default="start")

    def __call__(self, name: str) -> None:
        """Remember the phase, and pass it on."""
        self.name = name
        self.forward(name)
