"""Raise the doubts that only the worker can see: of the data, the answers, the checkpoint, and what was taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.data.base import Dataset
from bench.data.doubts import data_doubts
from bench.doubts import Evidence, examined
from bench.doubts.answers_reused import AnswersReused, MeasuredAnswersReused
from bench.doubts.outputs_at_limit import OutputsAtLimit, OutputsAtModelLimit
from bench.doubts.stale_checkpoint import StaleCheckpoint
from bench.doubts.unpinned_revision import UnpinnedRevision
from bench.record import OF_ANSWERS, Cell, Doubt, Record, Sample
from bench.tasks import KINDS
from bench.tasks.metrics import overlooked

MANY = 0.01
"""Share of answers at the limit from which a doubt is raised: fewer move a metric by less than it varies."""


def answer_doubts(
    cell: Cell, data: Dataset, samples: Sequence[Sample], process: int, notes: Mapping[str, object]
) -> list[Doubt]:
    """Raise the doubts about the data and the length of answers.

    Args:
        cell: what was run.
        data: that was scored.
        samples: all answers so far; none in a process that scores nothing.
        process: which of the cell's processes.
        notes: of the loaded model.
    """
    if not samples:
        return []
    job, metrics = cell.to_run(), metrics_of(cell)
    unread = overlooked(job.task, data.examples)
    stated = notes.get("train_overlap")
    overlap = stated if job.train_overlap is None and isinstance(stated, int) else job.train_overlap
    doubts = list(data_doubts(data.notes, overlap, len(data.examples), metrics, unread))
    most_new = notes.get("max_new_tokens")
    longest = most_new if isinstance(most_new, int) else None
    return doubts + _at_the_limit(job.task.max_new_tokens, samples, longest, metrics, process)


def own_doubts(cell: Cell, process: int) -> list[Doubt]:
    """Raise the doubts about the revision and the checkpoint."""
    doubts: list[Doubt] = []
    if "@None" in str(cell.identity.get("weights")):
        doubts.append(UnpinnedRevision().doubt(process))
    if cell.to_run().stale_checkpoint:
        doubts.append(StaleCheckpoint().doubt(process))
    return doubts


def metrics_of(cell: Cell) -> tuple[str, ...]:
    """Name the metrics of a cell's task."""
    return tuple(cell.to_run().task.metrics or KINDS[cell.kind].metrics)


def with_examined(record: Record, answered: Sequence[Sample] = (), of_answers: Sequence[str] | None = None) -> Record:
    """Add the doubts that the catalogue's own examinations find in a record that is otherwise complete.

    Args:
        record: of one process.
        answered: all answers so far, with those of earlier processes; the doubts about answers are of these.
        of_answers: codes of the doubts about answers that the record has already, where a later process may answer
            further examples and raise them anew: the note `of_answers` then names them and those that are added.
    """
    metrics = metrics_of(record.cell)
    scored = examined("scored", replace(Evidence.of(record, metrics), samples=answered)) if record.samples else []
    measured = examined("measured", Evidence.of(record, metrics)) if record.timings else []
    record = replace(record, doubts=(*record.doubts, *scored, *measured))
    if of_answers is None or not record.samples:
        return record
    return replace(record, notes={**record.notes, OF_ANSWERS: sorted({*of_answers, *(doubt.code for doubt in scored)})})


def _at_the_limit(
    asked: int, samples: Sequence[Sample], most_new: int | None, metrics: tuple[str, ...], process: int
) -> list[Doubt]:
    """Raise the doubt that answers stopped because they may not be longer, and not because they were complete."""
    limit = min(asked, most_new or asked)
    full = sum(0 < limit <= sample.output_tokens for sample in samples)
    if full < max(1.0, MANY * len(samples)):
        return []
    kind = OutputsAtLimit if limit == asked else OutputsAtModelLimit
    return [kind(count=full, rows=len(samples), limit=limit, readings=metrics).doubt(process)]


def taken_over(samples: Sequence[Sample], run: str | None, process: int, *, measures: bool) -> list[Doubt]:
    """Raise the doubt about answers of an earlier run."""
    if run is None or not samples:
        return []
    kind = AnswersReused if measures else MeasuredAnswersReused
    return [kind(run=run).doubt(process)]
