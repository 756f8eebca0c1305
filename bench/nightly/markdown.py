"""A night as GitHub-flavoured Markdown: the summary of a workflow, a comment, a mail."""

from __future__ import annotations

from collections.abc import Iterable

from bench.gate.verdict import Line
from bench.nightly.outcome import Outcome
from bench.report.exports import plain
from bench.words.gate import label

MARKS = {
    "regressed": "🔴",
    "suspected": "🟠",
    "improved": "🟢",
    "unchanged": "⚪",
    "insufficient history": "⚪",
    "environment changed": "🔵",
    "unknown": "🟠",
}
"""Beside the word, never instead of it."""
SHOWN = 40
"""Rows of a table; GitHub cuts a summary at 1 MiB."""
MOVED = ("regressed", "suspected", "improved", "environment changed")


def as_markdown(outcome: Outcome) -> str:
    """Write the summary: the sentence, what moved, what failed, what is unchanged, where to read on."""
    lines = [f"## {MARKS[outcome.verdict]} bench nightly: {plain(outcome.suite)}, {outcome.verdict}", ""]
    lines += [plain(outcome.sentence), ""]
    gate = outcome.gate
    if gate is not None:
        moved = [line for line in gate.lines if line.verdict in MOVED]
        quiet = [line for line in gate.lines if line.verdict not in MOVED]
        lines += _table(moved, "What moved")
        lines += _bullets("Trend", (alarm.text for alarm in gate.alarms))
        lines += _bullets("Front", (front.text for front in gate.fronts if front.changed))
        lines += _folded(quiet)
    lines += _bullets("Cells that failed", (f"{c.label}: {c.status}, {c.reason or ''}" for c in outcome.failed))
    lines += _bullets("Trouble", outcome.problems)
    counts = ", ".join(f"{count} {status}" for status, count in outcome.counts.items())
    against = f", against {gate.baseline}" if gate is not None and gate.baseline else ""
    return "\n".join([*lines, f"Run {plain(outcome.run_id)}{against}; cells: {counts}."]) + "\n"


def _table(lines: list[Line], title: str) -> list[str]:
    if not lines:
        return []
    rows = [f"| {line.verdict} | {plain(label(line))} | {plain(line.text)} |" for line in lines[:SHOWN]]
    more = [f"| … | and {len(lines) - SHOWN} more | |"] if len(lines) > SHOWN else []
    return [f"### {title}", "", "| verdict | reading | evidence |", "|---|---|---|", *rows, *more, ""]


def _folded(lines: list[Line]) -> list[str]:
    if not lines:
        return []
    title = f"{len(lines)} readings as they were, or not comparable"
    return ["<details>", f"<summary>{title}</summary>", "", *_table(lines, title)[2:], "</details>", ""]


def _bullets(title: str, texts: Iterable[str]) -> list[str]:
    bullets = [f"- {plain(text)}" for text in texts]
    return [f"### {title}", "", *bullets, ""] if bullets else []
