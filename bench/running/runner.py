"""Runs a plan: order, resume, reuse, limits; one commit per finished job.

It knows no models and no measuring: cells go to an executor, records to the store. A job is one process of
one cell.
"""

from __future__ import annotations

import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from types import FrameType

from bench.errors import EXIT_CELL_FAILED, EXIT_INTERRUPTED, EXIT_OK, BenchError, RecordKeptError, StoreError
from bench.record import Cell, Record, Sample, Status
from bench.running.executors.base import Executor, Job
from bench.running.progress import Progress, SilentProgress
from bench.store import CanarySeconds, RunInfo, RunStatus, Store

BAD: tuple[Status, ...] = ("failed", "oom", "timeout")
"""Statuses that make the exit code say that a cell failed, from the one shown first."""

CANARY = "bench.measure.canary:measure_canary"
CANARY_LIMIT_S = 60.0
"""It takes a quarter of a second, and seconds on a machine that is starved."""

LOG_NAME = re.compile(r"[^A-Za-z0-9._-]+")
"""Whatever a log's name may not hold."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    run_id: str
    counts: Mapping[Status, int]
    """Cells by status; a cell of several processes counts as its worst one."""
    interrupted: bool = False
    cut: bool = False
    """Whether the executor declined jobs (a deadline came): the run is unfinished, and may be gone on with."""

    @property
    def exit_code(self) -> int:
        """0 every cell ok, unsupported or skipped; 5 some cell failed; 130 interrupted."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        return EXIT_CELL_FAILED if any(self.counts.get(status) for status in BAD) else EXIT_OK


def run(
    plan: Sequence[Cell],
    executor: Executor,
    store: Store,
    info: RunInfo,
    *,
    processes: int = 1,
    seed: int = 42,
    rerun: bool = False,
    progress: Progress | None = None,
    skip: Mapping[str, str] | None = None,
    canary: bool = False,
    since: str | None = None,
) -> Finished:
    """Runs what is not finished yet of a plan, and returns how it ended.

    The latest run of the same suite, plan and machine is continued when it never finished: its cells that are
    ok or unsupported stay. Otherwise a new run begins, and cells that were ok here before are linked into it.

    Args:
        info: what the run is; its `plan` and `rerun` are set from the arguments.
        processes: fresh processes per cell.
        skip: cell id → reason, for cells that cannot run because something that they need did not finish.
        since: with `rerun`, an unfinished run that began at or after this time (ISO 8601, UTC) is gone on with all
            the same: a night resumes, and takes nothing from the night before.
        canary: measure a fixed piece of work before and after the cells, for the history of the machine itself.

    Raises:
        StoreError: the database was not there to take records; all cells were run, what they gave is kept in
            files beside it, and the run stays unfinished.
    """
    info = replace(info, plan=tuple((cell.id, cell.label) for cell in plan), rerun=rerun)
    run_id, reuse = _take_up(store, info, since)
    shown = progress or SilentProgress()
    session = _Session(run_id, executor, store, shown, processes, reuse, dict(skip or {}))
    interrupted = _go(session, plan, seed, canary=canary)
    _finish(store, session, "interrupted" if interrupted or session.cut else "complete")
    return Finished(run_id, count_cells(session.records), interrupted, session.cut)


def _go(session: _Session, plan: Sequence[Cell], seed: int, *, canary: bool) -> bool:
    """Does every job; returns whether the user stopped it."""
    try:
        with _terminable():
            _take_all(session, plan, seed, canary)
    except KeyboardInterrupt:
        return True
    finally:
        session.executor.close()
        session.progress.end()
    return False


def _finish(store: Store, session: _Session, status: RunStatus) -> None:
    try:
        store.finish_run(session.run_id, status)
    except StoreError as error:
        if not session.kept:
            raise
        raise StoreError(
            f"{len(session.kept)} of {len(session.records)} records of run {session.run_id} are not in the database, "
            f"but kept in {session.kept[0].path.parent}: {error}. Mend it, then `bench store import`, or run the suite "
            "again to go on"
        ) from error


def _take_all(session: _Session, plan: Sequence[Cell], seed: int, canary: bool) -> None:
    """Does every job; with `canary` the machine itself is measured before and after them."""
    cpus = next((cell.payload.get("cpus") for cell in plan), None)
    if canary:
        take_canary(session.executor, session.store, session.run_id, cpus)
    session.take(plan, seed)
    if canary:
        take_canary(session.executor, session.store, session.run_id, cpus)


def take_canary(executor: Executor, store: Store, run_id: str, cpus: str | None = None) -> float | None:
    """Measures the fixed piece of work in a fresh process, stores its seconds with a run, and returns them.

    None when it failed, or could not be stored: its log says why, and the run goes on without.
    """
    log = store.results / "logs" / run_id / "canary.log"
    try:
        found = executor.call(CANARY, {"cpus": cpus} if cpus else {}, log_path=log, timeout_s=CANARY_LIMIT_S)
        store.keep_canary(run_id, CanarySeconds(found.version, found.seconds, found.parts, found.taken_at))
    except BenchError:
        return None
    return float(found.seconds)


@contextmanager
def _terminable() -> Iterator[None]:
    """Makes SIGTERM, which schedulers and service managers send, end a run as Ctrl-C does: marked, and resumable."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _take_up(store: Store, info: RunInfo, since: str | None) -> tuple[str, bool]:
    """Returns the run to continue, or a new one, and whether it may reuse what earlier runs finished."""
    resumed = None if info.rerun and since is None else store.resume(info, since=since)
    if resumed is None:
        return store.begin_run(info), not info.rerun
    return resumed, not store.find(resumed).rerun


def schedule(plan: Sequence[Cell], processes: int, seed: int) -> Iterator[tuple[Cell, int]]:
    """Yields every (cell, process): process 0 of all cells in random order, then process 1 in another one, ….

    A slow drift of the machine then falls on all cells alike instead of on the last ones. Cells that share a load
    follow one another, in random order too.
    """
    order = random.Random(seed)
    groups: dict[object, list[Cell]] = {}
    for place, cell in enumerate(plan):
        groups.setdefault(share_of(cell) or place, []).append(cell)
    for process in range(processes):
        for group in order.sample(list(groups.values()), len(groups)):
            shuffled = order.sample(group, len(group)) if len(group) > 1 else group
            yield from ((cell, process) for cell in shuffled)


def share_of(cell: Cell) -> str | None:
    """Returns the name under which cells share one load of their model, or None for a cell that shares none."""
    return f"{cell.model}[{cell.variant}]" if cell.payload.get("share_load") else None


def count_cells(records: Iterable[Record]) -> Counter[Status]:
    """Returns the number of cells of each status; the worst process of a cell decides."""
    rank: list[Status] = [*BAD, "skipped", "unsupported", "ok"]
    worst: dict[tuple[str, str], Status] = {}
    for record in records:
        key = (record.cell.id, record.cell.label)
        worst[key] = min(record.status, worst.get(key, record.status), key=rank.index)
    return Counter(worst.values())


def log_name(run_id: str, cell: Cell, process: int) -> str:
    """Returns the path of a job's log, relative to the results folder."""
    return f"logs/{run_id}/{LOG_NAME.sub('-', cell.label).strip('-')}-{cell.id[:8]}-p{process}.log"


@dataclass(slots=True)
class _Session:
    """One go at a run, from its start or its continuation to its end."""

    run_id: str
    executor: Executor
    store: Store
    progress: Progress
    processes: int
    reuse: bool
    skip: dict[str, str]
    records: list[Record] = field(default_factory=list)
    """Of every job that is finished, without rows."""
    ended: set[tuple[str, str]] = field(default_factory=set)
    """(id, label) of the cells that are not ok: their further processes are left out."""
    cut: bool = False
    kept: list[RecordKeptError] = field(default_factory=list)
    """Of the records that the database did not take: the night goes on without it."""

    def take(self, plan: Sequence[Cell], seed: int) -> None:
        """Does every job that is not finished."""
        settled = self.store.settled(self.run_id)
        self.records.extend(settled.values())
        self.ended.update((cell_id, label) for (cell_id, label, _), r in settled.items() if r.status != "ok")
        runnable = [cell for cell in plan if self._early_end(cell) is None]
        total = len(plan) - len(runnable) + len(runnable) * self.processes
        self.progress.begin(self.run_id, total, len(settled))
        for cell in plan:
            early = self._early_end(cell)
            if early is not None and (cell.id, cell.label, 0) not in settled:
                self._keep(early)
        for cell, process in schedule(runnable, self.processes, seed):
            if (cell.id, cell.label, process) not in settled and (cell.id, cell.label) not in self.ended:
                self._do(cell, process)

    def _early_end(self, cell: Cell) -> Record | None:
        """Returns the record of a cell that will not run."""
        if cell.unsupported is not None:
            return Record(cell, "unsupported", cell.unsupported)
        return Record(cell, "skipped", self.skip[cell.id]) if cell.id in self.skip else None

    def _do(self, cell: Cell, process: int) -> None:
        found = self._reused(cell, process)
        if found is not None:
            linked, origin = found
            self.records.append(linked)
            self.progress.finish(linked, reused_from=origin)
            return
        self.progress.start(cell, process)
        job = self._job(cell, process)
        record = replace(self.executor.run(job, self.progress.phase, self.progress.tick), cell=cell)
        if record.status == "skipped":
            self.cut = True
            if process > 0:  # the cell has what its earlier processes measured
                self.progress.leave_out(1)
                return
        self._keep(record)
        if record.status != "ok":
            self.ended.add((cell.id, cell.label))
            self.progress.leave_out(self.processes - process - 1)

    def _reused(self, cell: Cell, process: int) -> tuple[Record, str] | None:
        """Returns what an earlier run measured; None when nothing may or can be reused."""
        if not self.reuse:
            return None
        try:
            return self.store.reuse(self.run_id, cell, process)
        except StoreError:
            return None  # the database went away: what it holds is measured again

    def _job(self, cell: Cell, process: int) -> Job:
        timeout_s, limit = cell.payload.get("timeout_s"), cell.payload.get("memory_limit_bytes")
        log = log_name(self.run_id, cell, process)
        share = f"{share_of(cell)} #{process}" if share_of(cell) else None
        rows, by = self._scored(cell, process)
        return Job(cell, process, self.store.results, log, timeout_s, limit, share, rows, by)

    def _scored(self, cell: Cell, process: int) -> tuple[tuple[Sample, ...], str | None]:
        """Returns the answers of the cell's first process, or for that one those that a run without measuring scored
        here, with that run; none where the database went away."""
        with suppress(StoreError):
            if process:
                return self.store.scored(self.run_id, cell), None
            if self.reuse:
                return self.store.scored_before(self.run_id, cell) or ((), None)
        return (), None

    def _keep(self, record: Record) -> None:
        try:
            self.store.commit(self.run_id, record)
        except RecordKeptError as error:
            self.kept.append(error)
        self.records.append(replace(record, samples=(), timings=()))
        self.progress.finish(record)
