"""Joining the records of a cell's parts into one, with the very answers that a single process would have given.

All that is said of answers is said of all of them together: what a worker says of its part alone is no more than what
it saw of the model. The rest is that of the parts: the wall time, and what was read of time and memory, are the largest
of any part; the log is all of theirs; notes tell of the parts, of their machines, and of the admission that compared
most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.admission.values import refuse_ties_alone
from bench.data import stored
from bench.errors import AdmissionError
from bench.record import MACHINE, PARTS, Fact, Notes, Record, Sample
from bench.running.executors.base import Job
from bench.running.worker.doubts import answer_doubts, with_examined

OF_ONE_PART = frozenset({"truncated", "inputs", "admission", "load_shared_with", MACHINE})
"""Notes in which parts of one cell may differ: what is said of some answers, how much of them was looked at, where, and
whether the model was loaded there already. Whether admission left its fast path is compared."""
OF_ONE_PLACE = frozenset({"affinity"})
"""What may differ in the parts' environments: numbers of CPUs, of which there are as many everywhere."""


def joined(job: Job, parts: Sequence[Record]) -> Record | str:
    """Join the records of all parts into one of the whole cell, or return why they make no whole."""
    cell, first = job.cell, parts[0]
    data = stored.read(Path(str(cell.to_run().data_path)))
    samples = tuple(sorted((row for part in parts for row in part.samples), key=lambda row: row.index))
    why = _differ(parts) or _incomplete(samples, len(data.examples))
    if why is not None:
        return why
    if first.notes.get("admission") is not None:
        try:
            refuse_ties_alone(cell.model, samples)
        except AdmissionError as error:
            return str(error)
    notes = {**first.notes, "truncated": sum(row.truncated for row in samples), PARTS: [_said(part) for part in parts]}
    notes |= {"admission": _admission(parts)} if first.notes.get("admission") is not None else {}
    notes |= {MACHINE: _machines(parts)} if MACHINE in first.notes else {}
    whole = replace(
        first,
        cell=cell,
        started_at=min(part.started_at for part in parts),
        wall_s=max(part.wall_s for part in parts),
        samples=samples,
        facts=tuple(_largest(places) for places in zip(*(part.facts for part in parts), strict=True)),
        doubts=(*answer_doubts(cell, data, samples, first.process, first.notes), *first.doubts),
        notes=notes,
        log_path=_log(job, parts),
    )
    return with_examined(whole, samples)


def _differ(parts: Sequence[Record]) -> str | None:
    """Find what parts do not have in common that all parts of one cell have."""
    first = parts[0]
    for number, part in enumerate(parts, 1):
        if part.status != "ok":
            return f"part {number}: {part.reason}"
        for what, mine, other in (
            *_pairs("note", OF_ONE_PART, first.notes, part.notes),
            *_pairs("environment", OF_ONE_PLACE, first.environment, part.environment),
            ("kind of machine", _of(first, MACHINE).get("kind"), _of(part, MACHINE).get("kind")),
            ("path", _left(first), _left(part)),
            ("facts", [fact.name for fact in first.facts], [fact.name for fact in part.facts]),
            ("doubts", first.doubts, part.doubts),
        ):
            if mine != other:
                return f"part {number} has another {what}"
    return None


def _pairs(what: str, but: frozenset[str], mine: Notes, other: Notes) -> Iterator[tuple[str, object, object]]:
    for name in sorted({*mine, *other} - but):
        yield f"{what} '{name}'", mine.get(name), other.get(name)


def _of(record: Record, note: str) -> Mapping[str, object]:
    value = record.notes.get(note)
    return value if isinstance(value, Mapping) else {}


def _left(record: Record) -> bool:
    """Tell whether admission left the model's fast path."""
    return _of(record, "admission").get("fast_path_left") is not None


def _incomplete(samples: Sequence[Sample], rows: int) -> str | None:
    """Tell whether every example has its one answer."""
    if [sample.index for sample in samples] == list(range(rows)):
        return None
    return f"{len({sample.index for sample in samples})} of {rows} examples are answered, by {len(samples)} answers"


def _said(part: Record) -> dict[str, object]:
    """Describe what one part did."""
    return {"examples": len(part.samples), "wall_s": part.wall_s, MACHINE: _of(part, MACHINE).get("name")}


def _admission(parts: Sequence[Record]) -> Mapping[str, object]:
    """Choose the admission that compared most answers."""
    return max((_of(part, "admission") for part in parts), key=lambda note: int(str(note.get("compared") or 0)))


def _machines(parts: Sequence[Record]) -> dict[str, object]:
    names = dict.fromkeys(str(_of(part, MACHINE).get("name")) for part in parts)
    return {**_of(parts[0], MACHINE), "name": ", ".join(names)}


def _largest(facts: Sequence[Fact]) -> Fact:
    """Choose the largest of what parts read of the same: each had to have that memory."""
    read = [fact for fact in facts if fact.value is not None]
    return max(read, key=lambda fact: fact.value or 0.0) if read else facts[0]


def _log(job: Job, parts: Sequence[Record]) -> str:
    """Put the parts' logs together, and name the file."""
    logs = [job.results / part.log_path for part in parts if part.log_path]
    texts = [(path.name, path.read_bytes()) for path in logs if path.is_file()]
    if texts:
        job.log_path.parent.mkdir(parents=True, exist_ok=True)
        job.log_path.write_bytes(b"".join(f"== {name}\n".encode() + text for name, text in texts if text))
    for path in logs:
        path.unlink(missing_ok=True)
    return job.log
