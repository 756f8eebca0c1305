"""Scoring one cell in several places at once, where nothing is timed and machines would stand idle.

A part is every n-th of the very batches into which the whole cell is split, so that each answer comes from the same
batch, and is the same, bit for bit. The parts' records are joined into one (`bench.running.joining`). Parts that do not
make up one cell are not joined: it is then scored in one place, as any other.

Parts that are done lie in files until the run ends, so that a run that is resumed does only the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.candidates import FAMILIES
from bench.catalogue.readings import OFF
from bench.record import Cell, Part, Record, Status
from bench.running.executors import wire
from bench.running.executors.base import LOST, Executor, Job, Tell
from bench.running.executors.outcome import Answer
from bench.store.files import write_file
from bench.tasks import KINDS
from bench.tasks.batching import Batching

FINAL: tuple[Status, ...] = ("skipped", "unsupported", "timeout")
"""Endings of a part that the whole cell would have too."""
NAME = "part-{number}-of-{of}"
"""Of a part, 1 first: in its log's name, its block's and its file's."""
NUMBERS = re.compile(NAME.format(number=r"(\d+)", of=r"(\d+)"))


def can_be_parts(cell: Cell) -> bool:
    """Tell whether a cell may be scored in parts.

    Nothing is measured; its model is no server, whose answers may cost money, and more than a rule; and it is answered
    batch by batch: what `torch.compile` makes for one batch depends on those before.
    """
    return _is_scored_alone(cell) and not _is_one_batch(cell)


def why_whole(cell: Cell) -> str | None:
    """Tell why a cell is not scored in parts, where all but the way in which its model answers would allow it."""
    if _is_scored_alone(cell) and _is_one_batch(cell):
        return "its texts are one batch, since a new prompt is taken as soon as another's text ends"
    return None


def _is_scored_alone(cell: Cell) -> bool:
    job = cell.job
    if job is None or job.measure.profile != OFF or job.load is not None or job.data_path is None:
        return False
    if cell.family not in FAMILIES or job.model.server is not None or job.variant.compile:
        return False
    family = FAMILIES[cell.family]
    return cell.kind in KINDS and not (family.is_floor or family.keeps_answers or family.takes_load)


def _is_one_batch(cell: Cell) -> bool:
    """Tell whether the model takes a new prompt as soon as another's text ends, so that no batch is apart."""
    streams = "generate_many" in FAMILIES[cell.family].paths and cell.to_run().task.num_beams == 1
    return streams and KINDS[cell.kind].ability == "generate"


def most_parts(cell: Cell, examples: int, least: int | None) -> int:
    """Tell into how many parts a cell may be split, so that none of them is empty.

    A part has whole batches. Their lengths are the model's to measure, but how many there are at least is known.

    Args:
        cell: that may be done in parts.
        examples: of the cell; 0 where it may not.
        least: examples that its parts have at least on average; None where no cell is split.
    """
    if least is None or not examples:
        return 1
    job = cell.to_run()
    device = "cpu" if job.device == "cpu" else "cuda"  # where it is not known, the one with larger batches
    batches = Batching.of(job.batch_size, job.batch_tokens, device).fewest(examples)
    return max(1, min(examples // least, batches))


def share_out(sizes: Sequence[int], most: Sequence[int], seats: int) -> list[int]:
    """Share out seats among cells: each gets one, and of those that are left always the one whose parts are largest.

    Args:
        sizes: examples of each cell.
        most: parts into which each may be split.
        seats: that are free.

    >>> share_out([6000, 900, 0], [6, 1, 1], 6), share_out([6000, 4000], [6, 4], 8), share_out([10, 10], [9, 9], 1)
    ([4, 1, 1], [5, 3], [1, 1])
    """
    parts = [1] * len(sizes)
    for _ in range(seats - len(sizes)):
        fit = [place for place, count in enumerate(parts) if count < most[place]]
        if not fit:
            break
        parts[max(fit, key=lambda place: sizes[place] / parts[place])] += 1
    return parts


def begun(folder: Path, log: str) -> int:
    """Find into how many parts a job was split that an earlier go has begun; 0 where none of them is done."""
    return max((part.of for part in _there(folder, log)), default=0)


def run_in_parts(executor: Executor, job: Job, count: int, folder: Path, tell: Tell) -> Record:
    """Run a job in parts, all at once, and return the record of the whole cell.

    Args:
        executor: that has room for them.
        job: of the whole cell.
        count: of the parts.
        folder: where parts that are done are kept.
        tell: takes a line about the parts, and one where they cannot be joined.
    """
    count = begun(folder, job.log) or count
    done = dict(_read(folder, job, count))
    before = f", {len(done)} of them before" if done else ""
    tell(f"{job.cell.label}: scored in {count} parts{before}")
    left = [Part(number, count) for number in range(count) if number not in done]
    if left:
        with ThreadPoolExecutor(len(left), thread_name_prefix="part") as threads:
            records = threads.map(partial(_done, executor, job, folder), left)
            done |= {part.number: record for part, record in zip(left, records, strict=True)}
    parts = [done[number] for number in range(count)]
    final = next((part for status in FINAL for part in parts if part.status == status), None)
    final = final or next((part for part in parts if LOST in part.notes), None)
    if final is not None:
        return final
    from bench.running.joining import joined  # what knows doubts and data, which a run without parts is spared

    whole: Record | str
    try:
        whole = joined(job, parts)
    except Exception as error:  # noqa: BLE001  the cell's boundary: a stranger's data or metric, of which it will tell
        whole = f"{type(error).__name__}: {error}"
    if isinstance(whole, Record):
        return whole
    tell(f"{job.cell.label}: its parts make no whole ({whole}), and it is scored in one place")
    for number in range(count):
        _file(folder, job.log, Part(number, count)).unlink(missing_ok=True)
    return executor.run(job)


def _name(part: Part) -> str:
    return NAME.format(number=part.number + 1, of=part.of)


def _done(executor: Executor, job: Job, folder: Path, part: Part) -> Record:
    """Do a part of a job, maybe on another machine than the others, and keep what it gave; without room on the disk, a
    later go would do it again."""
    block = f"{job.block} {_name(part)}"
    log = f"{job.log.removesuffix('.log')}-{_name(part)}.log"
    try:
        record = executor.run(replace(job, part=part, log=log, block=block))
    finally:
        executor.release(block)
    if record.status == "ok":
        with suppress(OSError):
            write_file(_file(folder, job.log, part), wire.answer_frame(Answer(record))[wire.LENGTH_BYTES :])
    return record


def _file(folder: Path, log: str, part: Part) -> Path:
    """Name the file in which a part of the job with this log is kept."""
    return folder / f"{Path(log).stem}-{_name(part)}.json"


def _there(folder: Path, log: str) -> dict[Part, Path]:
    """List the parts of a job that are kept."""
    begin = f"{Path(log).stem}-"
    names = {path: NUMBERS.fullmatch(path.stem.removeprefix(begin)) for path in folder.glob(f"{begin}*.json")}
    return {Part(int(match[1]) - 1, int(match[2])): path for path, match in names.items() if match is not None}


def _read(folder: Path, job: Job, count: int) -> Iterator[tuple[int, Record]]:
    """Read the parts of a job that are kept; one that cannot be read is done again."""
    for part, path in _there(folder, job.log).items():
        with suppress(OSError, wire.WireError):
            answer = wire.parse(path.read_bytes())
            if part.of == count and isinstance(answer, Answer) and isinstance(answer.value, Record):
                yield part.number, replace(answer.value, cell=job.cell)
