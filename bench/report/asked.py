"""How each candidate was made, asked and let write, as far as that is not the usual way: for the page's method."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bench.record import Record
from bench.report.view import RunView


def asked(view: RunView) -> list[tuple[str, str]]:
    """List the candidates that were made, asked or let write in a way of their own, each with what that was."""
    rows: dict[str, str] = {}
    for entry in view.entries:
        parts = _parts(entry.records)
        if parts:
            rows[entry.cell.label] = "; ".join(parts)
    return list(rows.items())


def _parts(records: Sequence[Record]) -> list[str]:
    record = next((record for record in records if record.process == 0), None)
    job = None if record is None else record.cell.job
    if record is None or job is None:
        return []
    parts = _made(record)
    if job.model.system is not None:
        parts.append(f"system: {job.model.system}")
    if job.shots and job.model.shots is not None:
        drawn = job.model.shots
        parts.append(f"shots of {drawn.split}, seed {drawn.seed}: {', '.join(shot.id for shot in job.shots)}")
    if job.task.answer is not None:
        parts.append(f"answer: {_flow(job.task.answer.model_dump(exclude_defaults=True))}")
    return [*parts, *_settings(record.notes.get("generation"))]


def _made(record: Record) -> list[str]:
    """Write what was put on a checkpoint, taken out of it, and by which library it was quantised."""
    job, notes = record.cell.to_run(), record.notes
    parts: list[str] = []
    if job.model.adapter is not None:
        how = "merged with" if job.model.adapter.merge else "beside"
        parts.append(f"adapter {how} {job.model.adapter.base or 'the base that it names'}")
    shrunk = notes.get("variant_shrunk")
    if isinstance(shrunk, Mapping):
        parts += [f"{name} {before:,} → {after:,}" for name, (before, after) in shrunk.items()]
    if notes.get("variant_made_by"):
        parts.append(f"quantised by {notes['variant_made_by']}")
    return parts


def _settings(note: object) -> list[str]:
    """Write what a checkpoint's file asks for, what was followed, and with what tokens were drawn."""
    if not isinstance(note, Mapping):
        return []
    words = {"asked": "generation_config.json asks for", "followed": "followed", "sampling": "tokens drawn with"}
    found = {name: note.get(name) for name in words}
    parts = [f"{words[name]} {_flow(value)}" for name, value in found.items() if value]
    if found["asked"] and not found["followed"]:
        parts.append("none of it followed")
    return parts if found["sampling"] != {} else [*parts, "tokens drawn"]


def _flow(values: object) -> str:
    return json.dumps(values, ensure_ascii=False, default=str)
