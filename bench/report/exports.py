"""The report without the page: Markdown for a pull request, and the data as JSON or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from bench.report.advice import advice_of, overall_of
from bench.report.tables import STANDING_WORDS, columns_of, ranked
from bench.report.text import cut, short
from bench.report.view import RunView, TaskView
from bench.report.wording import STATUS_WORDS, number
from bench.suite.limits import QUALITY
from bench.summary import Entry, entry_json
from bench.text import spreadsheet_text
from bench.words.documents import decision_document
from bench.words.recommendation import sample

FORMATS = ("md", "json", "csv")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|~#@!])")
"""Characters that Markdown, HTML in it, or a mention would act on."""
CSV_COLUMNS = (
    "model",
    "variant",
    "family",
    "task",
    "status",
    "reason",
    "measure",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "unit",
    "source",
    "higher_is_better",
)


def as_json(view: RunView) -> dict[str, object]:
    """Gather run, cells, fronts and decision as JSON-able values, in the shape of `bench show --json`."""
    info = view.info
    run = {
        "id": info.id,
        "suite": info.suite,
        "suite_hash": info.suite_hash,
        "command": info.command,
        "profile": info.profile,
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        "status": info.status,
    }
    return {
        "run": run,
        "cells": [entry_json(entry) for entry in view.entries],
        "fronts": view.decision.fronts(),
        "decision": decision_document(view.decision),
    }


def as_csv(view: RunView) -> str:
    """Write one row per cell and measure as CSV; a missing value is empty, its reason is in the row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in _rows(view):
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _rows(view: RunView) -> Iterator[tuple[str | float | None, ...]]:
    for entry in view.entries:
        cell = entry.cell
        head = (cell.model, cell.variant, cell.family, cell.task, entry.status)
        quantities = {**entry.quality, **entry.efficiency}
        for name, q in quantities.items():
            reason, direction = str(q.reason or entry.reason or ""), str(q.higher_is_better).lower()
            yield (*head, reason, name, q.value, q.ci_low, q.ci_high, q.n, q.unit, q.source, direction)
        if not quantities:
            yield (*head, entry.reason or "", *[""] * (len(CSV_COLUMNS) - len(head) - 1))


def as_markdown(view: RunView) -> str:
    """Write a summary for a pull request: the answer, one table per task, what did not run."""
    advice, overall = advice_of(view.decision), overall_of(view.decision)
    lines = [f"## bench: {plain(view.suite.name)}", ""]
    for task in view.tasks:
        about = advice[task.name]
        size = "" if about.decision is None else sample(about.decision.board)
        lines += [f"### {plain(task.name)}: {plain(about.pick or 'no pick')}{f' ({size})' if size else ''}", ""]
        lines += [plain(str(line)) + "\n" for line in about.sentences[:2]]
        lines += [*_table(task, view), ""]
    if overall is not None:
        lines += [
            f"**One model for all tasks.** {plain(str(line))}" if i == 0 else plain(str(line))
            for i, line in enumerate(overall.sentences[:2])
        ]
        lines.append("")
    lines += _troubles(view)
    doubts = sum(len(entry.doubts) for entry in view.entries)
    if view.race:
        lines.append(f"Race: {plain(view.race)}\n")
    if view.partial:
        lines.append(f"partial: {plain(view.partial)}\n")
    if view.info.cut_short:
        lines.append(f"{plain(view.info.cut_short)}\n")
    if view.remark:
        lines.append(f"{plain(view.remark)}.\n")
    lines.append(f"{doubts} doubts; run `{_code(view.info.id)}`, profile {plain(view.info.profile)}.")
    return "\n".join(lines).rstrip() + "\n"


def _table(task: TaskView, view: RunView) -> list[str]:
    advice = advice_of(view.decision)[task.name]
    measures = columns_of(task)[:6]
    lines = [
        f"| candidate | standing | n | {' | '.join(m.short for m in measures)} |",
        f"|---|---|---:|{'---:|' * len(measures)}",
    ]
    for entry in ranked(task, advice):
        place = advice.standings.get(entry.candidate)
        standing = STANDING_WORDS[place.label] if place is not None and entry.ended_well else STATUS_WORDS[entry.status]
        values = [number(q.value, q.unit) if (q := entry.quantity(m.name)) is not None else "–" for m in measures]
        quality = entry.quantity(QUALITY)
        values.insert(0, "–" if quality is None else f"{quality.n:,}")
        name = plain(short(entry.candidate))
        shown = f"**{name}**" if entry.candidate == advice.pick else name
        lines.append(f"| {shown} | {standing} | {' | '.join(values)} |")
    return lines


def _troubles(view: RunView) -> list[str]:
    bad: list[Entry] = [entry for entry in view.entries if not entry.ended_well and entry.status != "unsupported"]
    if not bad:
        return []
    lines = [
        f"- {plain(short(e.cell.label))}: {STATUS_WORDS[e.status]}, {plain(cut(e.reason or '', 300))}" for e in bad
    ]
    return ["### Did not finish", "", *lines, ""]


def plain(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", cut(text, 600).replace("\n", " "))


def _code(text: str) -> str:
    return short(text).replace("`", "'")
