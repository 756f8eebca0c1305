"""The kit's findings for people: a Markdown table, and one HTML page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

from benchmarks.gpu.kit.rows import Row


class StepLike(Protocol):
    """What is shown of a step."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def budget_s(self) -> float: ...


class EndedLike(Protocol):
    """What is shown of how a step ended."""

    @property
    def step(self) -> StepLike: ...
    @property
    def ending(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def said(self) -> str: ...


STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;width:100%;margin:.6rem 0 1.6rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}
th{white-space:nowrap}.PASS{color:#116329}.FAIL{color:#a40e26;font-weight:700}.SKIP,.TOLD{color:#57606a}
@media (prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}th,td{border-color:#3a3d44}
.PASS{color:#4ac26b}.FAIL{color:#ff7b72}.SKIP,.TOLD{color:#9aa4af}}
"""


def bounds(row: Row) -> str:
    """Write the bounds of a row.

    >>> bounds(Row("fidelity", "ratio", "PASS", "1.00", 1.0, 0.98, 1.02))
    '0.98 to 1.02'
    """
    if row.at_least is not None and row.at_most is not None:
        return f"{row.at_least:g} to {row.at_most:g}"
    if row.at_least is not None:
        return f"at least {row.at_least:g}"
    return "" if row.at_most is None else f"at most {row.at_most:g}"


def headline(steps: Sequence[EndedLike], rows: Sequence[Row], passed: bool) -> str:
    """Say in one line how it went."""
    count = Counter(row.verdict for row in rows)
    under_way = [ended.step.name for ended in steps if ended.ending == "running"]
    if under_way:
        verdict = f"Under way ({under_way[0]})"
    else:
        verdict = "Everything holds" if passed else "Not everything holds"
    unfinished = [f"{ended.step.name}: {ended.ending}" for ended in steps if ended.ending not in ("done", "running")]
    more = f"; {', '.join(unfinished)}" if unfinished else ""
    return f"{verdict}: {count['PASS']} pass, {count['FAIL']} fail, {count['SKIP']} skipped{more}."


def markdown(facts: Mapping[str, str], steps: Sequence[EndedLike], rows: Sequence[Row], passed: bool) -> str:
    """Write the table as Markdown."""
    lines = ["# GPU kit", "", headline(steps, rows, passed), ""]
    lines += [f"* {name}: {value}" for name, value in facts.items()]
    lines += ["", "| step | ended | seconds | of | |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {_cell(ended.step.title)} | {ended.ending} | {ended.seconds:.0f} | {ended.step.budget_s:.0f} "
        f"| {_cell(ended.said)} |"
        for ended in steps
    ]
    lines += ["", "| step | what | verdict | found | bound |", "|---|---|---|---|---|"]
    lines += [
        f"| {_cell(row.step)} | {_cell(row.name)} | {row.verdict} | {_cell(row.shown)} | {bounds(row)} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def html_page(facts: Mapping[str, str], steps: Sequence[EndedLike], rows: Sequence[Row], passed: bool) -> str:
    """Write one page, without a script."""
    told = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>GPU kit</title>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<style>{STYLE}</style><h1>GPU kit</h1><p>{escape(headline(steps, rows, passed))}</p>",
        f"<table>{told}</table>",
    ]
    for ended in steps:
        parts.append(_section(ended, [row for row in rows if row.step == ended.step.name]))
    return "".join(parts) + "</html>\n"


def _section(ended: EndedLike, rows: Sequence[Row]) -> str:
    said = f" {escape(ended.said)}" if ended.said else ""
    head = (
        f"<h2>{escape(ended.step.title)}</h2><p>{escape(ended.ending)} after {ended.seconds:.0f} s "
        f"of {ended.step.budget_s:.0f} s.{said}</p>"
    )
    if not rows:
        return head
    body = "".join(
        f"<tr><td>{escape(row.name)}</td><td class='{row.verdict}'>{row.verdict}</td><td>{escape(row.shown)}</td>"
        f"<td>{escape(bounds(row))}</td></tr>"
        for row in rows
    )
    return f"{head}<table><tr><th>what</th><th>verdict</th><th>found</th><th>bound</th></tr>{body}</table>"
