"""Runs a plan: order, resume, reuse, limits; one commit per finished job.

It knows no models and no measuring: cells go to an executor, records to the store. A job is one process of one cell.
Jobs are done by blocks (`bench.running.blocks`): as many blocks at once as the executor has room for, and the jobs of
a block one after another. Everything but the jobs themselves happens in this thread.

The canary measures the machine itself before the first job and after the last one. Where cells are run in several
processes, or blocks in several places, it is taken between the blocks too: a quarter of a second beside minutes, so
that a machine that slows down half way is seen. A run of one process per cell, which may be over in a minute, is
spared that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from bench.candidates import FAMILIES, without_torch
from bench.candidates.kept import Keep
from bench.data import stored
from bench.errors import EXIT_CELL_FAILED, EXIT_INTERRUPTED, EXIT_OK, RecordKeptError, StoreError
from bench.measure.canary import Canary
from bench.record import WELL, Asked, Cell, Proved, Record, Sample, Status, machine_of
from bench.running.blocks import Block, schedule, share_of
from bench.running.canary import run_canary
from bench.running.executors.base import Executor, Job, ignore, never
from bench.running.parts import begun, can_be_parts, most_parts, run_in_parts, share_out, why_whole
from bench.running.probed import Probed
from bench.running.progress import Progress, SilentProgress
from bench.running.signals import terminable
from bench.store import CanarySeconds, RunInfo, RunStatus, Store
from bench.store.parts import KEPT_ANSWERS, forget_parts, parts_of

BAD: tuple[Status, ...] = ("failed", "oom", "timeout")
"""Statuses that make the exit code say that a cell failed, from the one shown first."""

Outcome = Record | Canary | None
"""Of one step of a block: of a job, or of the canary."""


class Rounds(Protocol):
    """Who decides, round by round, what a run does next (`bench.racing`)."""

    def following(self, runnable: Sequence[Cell], answered: Answered) -> Sequence[Block]:
        """Plan the next round; nothing more to do ends the run.

        Args:
            runnable: cells that may be run, in the plan's order.
            answered: what the rounds so far gave, in the order in which they were done.
        """

    def outcome(self) -> Mapping[str, object]:
        """Tell what the rounds came to, as JSON-able values, for the store."""


MOST_LOOKED_UP = 1000
"""Blocks of a run that may do cells in parts, for which the store is asked first what is there already: 0.4 ms each.
While more of them wait, all machines are busy."""

Answered = Mapping[tuple[str, int], Record]
"""Records with their rows, by the cell's label and the process."""

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
    """Whether the executor declined jobs (a deadline came): the run is unfinished, and may be resumed."""

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
    rounds: Rounds | None = None,
    before_end: Callable[[str], object] | None = None,
) -> Finished:
    """Run what is not finished yet of a plan, and return how it ended.

    The latest run of the same suite, plan and machine is continued when it never finished: its cells that are
    ok or unsupported stay. Otherwise a new run begins, and cells that were ok here before are linked into it.

    Args:
        info: what the run is; its `plan` and `rerun` are set from the arguments.
        processes: fresh processes per cell.
        skip: cell id → reason, for cells that cannot run because something that they need did not finish.
        since: with `rerun`, an unfinished run that began at or after this time (ISO 8601, UTC) is resumed: a night
            resumes, and takes nothing from the night before.
        canary: measure a fixed piece of work before and after the cells, for the history of the machine itself.
        rounds: decides what is done, in place of `processes` processes of every cell.
        before_end: called with the run's id when all is done, before anybody else may see that; not where the user
            interrupted it.

    Raises:
        StoreError: the database was not there to take records; all cells were run, what they gave is kept in
            files beside it, and the run stays unfinished.
    """
    info = replace(info, plan=tuple((cell.id, cell.label) for cell in plan), rerun=rerun)
    executor.check([cell for cell in plan if cell.unsupported is None and cell.id not in (skip or {})])
    run_id, reuse = _take_up(store, info, since)
    told = progress or SilentProgress()
    session = _Session(run_id, executor, store, told, processes, reuse, dict(skip or {}), canary, rounds)
    interrupted = False
    executor.tell = session.progress.tell
    try:
        with terminable():
            session.take(plan, seed)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        executor.close()
        session.progress.end()
    if rounds is not None:
        with suppress(StoreError):  # the database went away, which the end of the run tells
            store.keep_race(session.run_id, rounds.outcome())
    if before_end is not None and not interrupted:
        before_end(session.run_id)
    _finish(store, session, "interrupted" if interrupted or session.cut else "complete")
    return Finished(run_id, count_cells(session.records), interrupted, session.cut)


def _finish(store: Store, session: _Session, status: RunStatus) -> None:
    try:
        store.finish_run(session.run_id, status)
        if status == "complete":
            forget_parts(store.results, session.run_id)
    except StoreError as error:
        if not session.kept:
            raise
        raise StoreError(
            f"{len(session.kept)} of {len(session.records)} records of run {session.run_id} are not in the database, "
            f"but kept in {session.kept[0].path.parent}: {error}. Mend it, then `bench store import`, or run the suite "
            "again to go on"
        ) from error


def _take_up(store: Store, info: RunInfo, since: str | None) -> tuple[str, bool]:
    """Continue a run, or begin a new one, and say whether it may reuse what earlier runs finished."""
    resumed = None if info.rerun and since is None else store.resume(info, since=since)
    if resumed is None:
        return store.begin_run(info), not info.rerun
    return resumed, not store.find(resumed).rerun


def count_cells(records: Iterable[Record]) -> Counter[Status]:
    """Count the cells of each status; the worst process of a cell decides."""
    rank: list[Status] = [*BAD, "skipped", "unsupported", "settled", "ok"]
    worst: dict[tuple[str, str], Status] = {}
    for record in records:
        key = (record.cell.id, record.cell.label)
        worst[key] = min(record.status, worst.get(key, record.status), key=rank.index)
    return Counter(worst.values())


def log_name(run_id: str, cell: Cell, process: int) -> str:
    """Name the path of a job's log, relative to the results folder."""
    return f"logs/{run_id}/{LOG_NAME.sub('-', cell.label).strip('-')}-{cell.id[:8]}-p{process}.log"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A block of which a job runs."""

    block: Block
    steps: Iterator[Future[Outcome]]
    seats: int
    """That it takes of the executor's capacity."""


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
    canary: bool = False
    """Whether the machine itself is measured, between the jobs."""
    rounds: Rounds | None = None
    answered: dict[tuple[str, int], Record] = field(default_factory=dict)
    """Where the run goes round by round: the records with their rows, by label and process."""
    before: dict[str, tuple[dict[int, Sample], str | None]] = field(default_factory=dict)
    """There too: what earlier runs answered, by label and example, and the run."""
    cpus: str | None = None
    """Those that the models are bound to."""
    records: list[Record] = field(default_factory=list)
    """Of every job that is finished, without rows."""
    settled: set[tuple[str, str, int]] = field(default_factory=set)
    """(id, label, process) of the jobs that were finished before."""
    ended: set[tuple[str, str]] = field(default_factory=set)
    """(id, label) of the cells that are not ok: their further processes are left out."""
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    """The machine of a cluster that did a process of a task, or its first cells."""
    cut: bool = False
    examples: dict[str, int] = field(default_factory=dict)
    """How many there are in each file of data that was looked into."""
    several: bool = False
    """Whether the executor had room for several blocks at once: one that lost its other machines measures as before."""
    told_whole: set[str] = field(default_factory=set)
    """Labels of the cells of which it was said why they are not done in parts."""
    probed: Probed = field(default_factory=Probed)
    kept: list[RecordKeptError] = field(default_factory=list)
    """Of the records that the database did not take: the night goes on without it."""

    def take(self, plan: Sequence[Cell], seed: int) -> None:
        """Do every job that is not finished."""
        self.cpus = next((cell.job.cpus for cell in plan if cell.job is not None), None)
        self._count_machines()
        if self.canary and not self.several:
            self._keep_canary(self._canary(None))
        settled = self.store.settled(self.run_id)
        self.settled.update(settled)
        for record in settled.values():
            self._note(record)
            self.probed.learn(record)
        self.ended.update((cell_id, label) for (cell_id, label, _), r in settled.items() if r.status not in WELL)
        runnable = [cell for cell in plan if self._early_end(cell) is None]
        expected = len(runnable) * self.processes if self.rounds is None else 0
        self.progress.begin(self.run_id, len(plan) - len(runnable) + expected, len(settled))
        for cell in plan:
            early = self._early_end(cell)
            if early is not None and (cell.id, cell.label, 0) not in settled:
                self._keep(early)
        if self.rounds is None:
            self._work_off(schedule(runnable, self.processes, seed, finely=self._finely))
        else:
            self._go_round(self.rounds, runnable)
        if self.canary and not self._often:
            self._keep_canary(self._canary(None))

    def _go_round(self, rounds: Rounds, runnable: Sequence[Cell]) -> None:
        """Do round after round, until there is nothing more to do, or the executor declines jobs.

        What a round is depends on the rounds before it alone, so that a resumed run does the same ones.
        """
        known = {(cell.id, cell.label) for cell in runnable}
        stored = [] if not self.settled else self.store.load(self.run_id).records
        before = {(r.cell.label, r.process): r for r in stored if (r.cell.id, r.cell.label) in known}
        done: dict[tuple[str, int], Record] = {}
        self.ended.clear()  # of a cell that ended in a later round, the earlier ones are what they were
        while not self.cut:
            blocks = rounds.following(runnable, done)
            if not blocks:
                return
            jobs = [(cell, block.process) for block in blocks for cell in block.cells]
            self.progress.add(sum((c.id, c.label, process) not in self.settled for c, process in jobs))
            self._work_off(blocks)
            self.answered.update({key: record for key, record in before.items() if key not in self.answered})
            for cell, process in jobs:
                record = self.answered.get((cell.label, process))
                if record is not None:
                    done[cell.label, process] = record
                    if record.status not in WELL:
                        self.ended.add((cell.id, cell.label))

    @property
    def _finely(self) -> bool:
        """Tell whether a block is one load of a model: where nothing is timed, nothing is compared within a machine."""
        return self.several and self.processes == 1 and not self.canary

    @property
    def _often(self) -> bool:
        """Tell whether the canary is taken between the blocks."""
        return self.processes > 1 or self.several

    def _count_machines(self) -> None:
        """Look whether there is room for several blocks at once, as when a machine joins."""
        self.several = self.several or self.executor.capacity > 1

    def _early_end(self, cell: Cell) -> Record | None:
        """Make the record of a cell that will not run."""
        if cell.unsupported is not None:
            return Record(cell, "unsupported", cell.unsupported)
        return Record(cell, "skipped", self.skip[cell.id]) if cell.id in self.skip else None

    def _work_off(self, blocks: Sequence[Block]) -> None:
        """Do all blocks, as many at once as the executor has room for; of the same tasks never two at once."""
        may_cut, cuts = self.rounds is None and self._finely and self.executor.least_part is not None, False
        waiting = dict(enumerate(blocks))
        begun_on: dict[int, str | None] = {}
        under_way: dict[Future[Outcome], _UnderWay] = {}
        while waiting or under_way:
            self._count_machines()
            if may_cut and not cuts and len(waiting) <= MOST_LOOKED_UP:
                waiting, cuts = dict(enumerate(self._left_of(list(waiting.values())))), True
            busy = {other.block.lane for other in under_way.values()}
            seats = self.executor.capacity - sum(other.seats for other in under_way.values())
            next_one = self._next(waiting, begun_on, busy) if seats > 0 else None
            if next_one is not None:
                parts = self._parts(waiting, seats)[next_one] if cuts else None
                block = waiting.pop(next_one)
                stepped = [_UnderWay(block, self._steps(block, parts), parts or 1)]
            else:
                done = wait(under_way, return_when=FIRST_COMPLETED).done
                stepped = [under_way.pop(future) for future in done]
            for each in stepped:
                future = next(each.steps, None)
                if future is not None:
                    under_way[future] = each
                else:
                    self.executor.release(each.block.name)

    def _next(self, waiting: dict[int, Block], begun_on: dict[int, str | None], busy: Collection[object]) -> int | None:
        """Choose the block that begins next, so that no machine waits for one that waits for another machine.

        Args:
            waiting: the blocks, in their order; of one that was looked at, what is left to do.
            begun_on: the machine that has done a part of each block that was looked at.
            busy: lanes of the blocks under way.

        Returns:
            The place of the first one that need not wait; None where there is none.
        """
        passed, is_free = set(busy), cache(self.executor.is_free)
        for place, block in waiting.items():
            if block.lane in passed:
                continue
            if self.canary and self.several and place not in begun_on:
                left = self._left_of([block])
                waiting[place] = left[0] if left else replace(block, cells=())
                begun_on[place] = self._machine_of(block) if left else None
            machine = begun_on.get(place)
            if machine is None or is_free(machine) is not False:
                return place
            passed.add(block.lane)
        return None if busy else next(iter(waiting), None)

    def _machine_of(self, block: Block) -> str | None:
        """Find the machine that has done a part of a block."""
        return next((self.places[key] for task in block.tasks if (key := (task, block.process)) in self.places), None)

    def _left_of(self, blocks: Sequence[Block]) -> list[Block]:
        """Find what is left to do, so that the room which the machines have is shared out among that alone."""
        left = [
            replace(block, cells=tuple(cell for cell in block.cells if not self._is_done(cell, block)))
            for block in blocks
        ]
        return [block for block in left if block.cells]

    def _parts(self, waiting: Mapping[int, Block], seats: int) -> dict[int, int]:
        """Choose in how many parts each block that waits is done, where there is more room than blocks."""
        least = self.executor.least_part
        if least is None or len(waiting) >= seats:
            return dict.fromkeys(waiting, 1)
        self._tell_whole([cell for block in waiting.values() for cell in block.cells], 2 * least)
        largest = [max(block.cells, key=self._examples_of) for block in waiting.values()]
        sizes = [self._examples_of(cell) for cell in largest]
        most = [most_parts(cell, size, least) for cell, size in zip(largest, sizes, strict=True)]
        return dict(zip(waiting, share_out(sizes, most, seats), strict=True))

    def _examples_of(self, cell: Cell) -> int:
        """Count the examples of a cell that may be done in parts; 0 where it may not."""
        return self._rows_of(cell) if can_be_parts(cell) else 0

    def _tell_whole(self, cells: Sequence[Cell], least: int) -> None:
        """Say of each cell with so many examples, once, why it is not done in parts though there is room."""
        for cell in cells:
            why = why_whole(cell)
            if why is not None and cell.label not in self.told_whole and self._rows_of(cell) >= least:
                self.told_whole.add(cell.label)
                self.progress.tell(f"{cell.label}: scored in one place, though there is room for parts: {why}")

    def _rows_of(self, cell: Cell) -> int:
        """Count the examples in a cell's data; 0 where they cannot be read."""
        path = str(cell.to_run().data_path)
        if path not in self.examples:
            with suppress(OSError, ValueError):  # the cell itself will tell
                self.examples[path] = len(stored.read(Path(path)).examples)
        return self.examples.get(path, 0)

    def _steps(self, block: Block, parts: int | None = None) -> Iterator[Future[Outcome]]:
        """Do the jobs of a block, one after another: yield each as it begins, and go on when it is done.

        Args:
            block: of work.
            parts: in how many at most each of its jobs is done; None where jobs of this run are never done in parts.
        """
        process, worked = block.process, False
        for cell in block.cells:
            if self._is_done(cell, block):  # by now: another name of the same cell may have done it
                continue
            unable = self.probed.why_unable(cell)
            if unable is not None:
                self._conclude(Record(cell, "unsupported", unable, process))
                continue
            if not worked and self.canary:
                machine = self._machine_of(block)
                if machine is not None:
                    self.executor.prefer(block.name, machine)
                if self.several:
                    yield from self._canary_step(block)
            worked = True
            self.progress.start(cell, process)
            future = self.executor.submit(partial(self._run, self._job(cell, block), parts))
            yield future
            record = future.result()
            assert isinstance(record, Record)
            self._conclude(replace(record, cell=cell))
        if worked and self.canary and self._often:
            yield from self._canary_step(block)

    def _is_done(self, cell: Cell, block: Block) -> bool:
        """Tell whether nothing is left to do of a cell; what an earlier run measured is taken over."""
        if (cell.id, cell.label, block.process) in self.settled or (cell.id, cell.label) in self.ended:
            return True
        return self._reused(cell, block)

    def _run(self, job: Job, parts: int | None) -> Outcome:
        """Run a job, in whatever thread; of several jobs at once no phases are shown."""
        if parts is not None and not job.scored:
            count = min(parts, most_parts(job.cell, self._examples_of(job.cell), self.executor.least_part))
            if count > 1 or begun(self._parts_folder, job.log):
                return run_in_parts(self.executor, job, count, self._parts_folder, self.progress.tell)
        alone = not self.several
        return self.executor.run(job, self.progress.phase if alone else ignore, self.progress.tick if alone else never)

    @property
    def _parts_folder(self) -> Path:
        """Where parts of cells lie until the run ends."""
        return self.store.results.resolve() / parts_of(self.run_id)

    def _canary(self, block: Block | None) -> Outcome:
        """Measure the fixed piece of work, in whatever thread, on the machine of a block."""
        name = "canary" if block is None else f"canary-{LOG_NAME.sub('-', block.name)}"
        log = self.store.results / "logs" / self.run_id / f"{name}.log"
        return run_canary(self.executor, log, self.cpus, None if block is None else block.name)

    def _canary_step(self, block: Block) -> Iterator[Future[Outcome]]:
        future = self.executor.submit(partial(self._canary, block))
        yield future
        self._keep_canary(future.result())

    def _keep_canary(self, canary: Outcome) -> None:
        if isinstance(canary, Canary):
            with suppress(StoreError):  # the database went away: the run goes on without
                self.store.keep_canary(
                    self.run_id, CanarySeconds(canary.version, canary.seconds, canary.parts, canary.taken_at)
                )

    def _conclude(self, record: Record) -> None:
        """Keep what a job came to."""
        cell, process = record.cell, record.process
        if record.status == "skipped":
            self.cut = True
            if process > 0:  # the cell has what its earlier processes measured
                self.progress.leave_out(1)
                return
        self._keep(record)
        if record.status not in WELL:
            self.ended.add((cell.id, cell.label))
            if self.rounds is None:
                self.progress.leave_out(self.processes - process - 1)

    def _reused(self, cell: Cell, block: Block) -> bool:
        """Take over what an earlier run measured, where that may be and can be; say whether it was."""
        if not self.reuse:
            return False
        asked = block.asked.get(cell.label)
        try:
            linked = self.store.reuse(self.run_id, cell, block.process, asked)
        except StoreError:
            return False  # the database went away: what it holds is measured again
        if linked is None:
            return False
        record, origin = linked
        if asked is not None:
            self.answered[cell.label, block.process] = record
        self._note(record)
        self.progress.finish(record, reused_from=origin)
        return True

    def _job(self, cell: Cell, block: Block) -> Job:
        """Make the job of a cell in a block."""
        process, job, share = block.process, cell.job, share_of(cell)
        timeout_s, limit = (None, None) if job is None else (job.timeout_s, job.memory_limit_bytes)
        asked = block.asked.get(cell.label)
        rows, by = self._scored(cell, process) if asked is None else self._for_round(cell, process, asked)
        return Job(
            cell,
            process,
            self.store.results,
            log_name(self.run_id, cell, process),
            timeout_s,
            limit,
            None if share is None else f"{share} #{process}",
            rows,
            by,
            self._proved(cell),
            self._keep_of(cell),
            block.name,
            asked,
            without_torch(job),
        )

    def _so_far(self, cell: Cell, process: int) -> tuple[Sample, ...]:
        """Collect the answers of a cell's earlier rounds."""
        records = [self.answered.get((cell.label, earlier)) for earlier in range(process)]
        return tuple(sample for record in records if record is not None for sample in record.samples)

    def _for_round(self, cell: Cell, process: int, asked: Asked) -> tuple[tuple[Sample, ...], str | None]:
        """Collect the answers of a cell's earlier rounds, and those of what is asked that an earlier run gave,
        with that run; of the examples at hand as many as go on from those that are asked without a gap."""
        so_far = self._so_far(cell, process)
        if cell.label not in self.before:
            rows, by = self._scored(cell, 0)
            self.before[cell.label] = {sample.index: sample for sample in rows}, by
        before, run = self.before[cell.label]
        known = {sample.index for sample in so_far}
        at_hand = takewhile(before.__contains__, asked.at_hand)
        taken = [before[index] for index in (*asked.examples, *at_hand) if index in before and index not in known]
        return (*so_far, *taken), run if taken else None

    def _keep_of(self, cell: Cell) -> Keep | None:
        """Say where the answers of a cell are kept one by one; None where its model answers for nothing."""
        if cell.family not in FAMILIES or not FAMILIES[cell.family].keeps_answers:
            return None
        folder = self.store.results.resolve() / KEPT_ANSWERS
        model = LOG_NAME.sub("-", cell.model).strip("-")
        return Keep(folder / f"{cell.quality_id[:32]}.jsonl", folder / self.run_id / f"{model}.txt")

    def _scored(self, cell: Cell, process: int) -> tuple[tuple[Sample, ...], str | None]:
        """Find the answers of the cell's first process, or for that one those that an earlier run scored here, with
        that run; none where the database went away."""
        with suppress(StoreError):
            if process:
                return self.store.scored(self.run_id, cell), None
            if self.reuse:
                return self.store.scored_before(self.run_id, cell) or ((), None)
        return (), None

    def _proved(self, cell: Cell) -> tuple[Proved, ...]:
        """Find what was proved of the cell's model before; nothing where the database went away."""
        with suppress(StoreError):
            return self.store.proved(self.run_id, cell)
        return ()

    def _keep(self, record: Record) -> None:
        try:
            self._commit(record)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  a stranger's values: whatever writing them raises fails the cell
            reason = f"what it gave cannot be stored: {type(error).__name__}: {error} (log: {record.log_path})"
            record = Record(
                record.cell,
                "failed",
                reason,
                record.process,
                record.started_at,
                record.wall_s,
                log_path=record.log_path,
            )
            self._commit(record)
        self._note(record)
        if self.rounds is not None:
            self.answered[record.cell.label, record.process] = record
        self.probed.learn(record)
        self.progress.finish(record)

    def _note(self, record: Record) -> None:
        """Take note of a record that is kept, without its rows."""
        self.records.append(replace(record, samples=(), timings=()))
        machine = machine_of(record)
        if machine is not None:
            self.places.setdefault((record.cell.task, record.process), machine)

    def _commit(self, record: Record) -> None:
        try:
            self.store.commit(self.run_id, record)
        except RecordKeptError as error:
            self.kept.append(error)
