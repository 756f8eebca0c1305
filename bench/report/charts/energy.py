"""Energy per example by its source: measured, estimated, or not measured and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.decision.draws import is_estimate
from bench.meters.cascade import title_of
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import ENERGY, Chart, Plate, TaskChart
from bench.report.drawing.readings import least, reading_row, sorted_by
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import listed, measure_of, plural
from bench.summary import Entry

NAME = "energy_per_example_j"
REASON_CHARACTERS = 60
"""Of a reason in the table; its tooltip has all of it."""


class Energy(TaskChart):
    """Energy per example of every candidate that ran."""

    name, title, section, order = "energy", "Energy per example", ENERGY, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether any candidate ran."""
        return any(entry.ended_well for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give energy per example; a candidate without a figure keeps its row, with the reason."""
        measure = measure_of(NAME, task.entries)
        if measure is None:
            return
        with_value = sorted_by(task, NAME)
        measured, guessed = [e for e in with_value if not _guessed(e)], [e for e in with_value if _guessed(e)]
        without = [e for e in task.entries if e.ended_well and value_of(e, NAME) is None]
        ordered = [*measured, *guessed, *without]
        rows = [_drawn(e, advice, apart=bool(measured)) for e in ordered[: task.rows]]
        series = ("measured", "estimate") if measured and guessed else ()
        counted = plural(len(rows), "candidate")
        chart = Chart(
            name=f"energy-{task.number}",
            title=f"{short(task.name)}: energy per example",
            takeaway=_takeaway(measured, guessed),
            description=f"Dot chart of energy per example of {counted}, not measured where it says so.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(rows, measure, marks, series=series),
            note=_note(task, guessed, without, len(ordered)),
        )
        columns = (
            tables.Column("candidate", numeric=False),
            tables.Column("energy"),
            tables.Column("source", numeric=False),
        )
        body = [_row(e, marks) for e in ordered]
        yield Plate(chart, tables.beside(f"Energy per example on {task.name}", columns, body, task.rows))


def _guessed(entry: Entry) -> bool:
    quantity = entry.quantity(NAME)
    return quantity is not None and is_estimate(quantity)


def _takeaway(measured: Sequence[Entry], guessed: Sequence[Entry]) -> str:
    """Say who needs least: of the measured figures where there are any, never of both kinds together."""
    if not measured and not guessed:
        return "No energy was measured: each row says why."
    if not measured:
        return least(guessed, NAME, " per example", opening="By estimate, ")
    sources = sorted({q.source for e in measured if (q := e.quantity(NAME)) is not None})
    words = f"By {listed([title_of(source) for source in sources])}: "
    words += least(measured, NAME, " per example")
    return f"{words} {plural(len(guessed), 'estimate')} cannot be ranked with these." if guessed else words


def _note(task: TaskView, guessed: Sequence[Entry], without: Sequence[Entry], of: int) -> str:
    """Say how to read the bars, and what is left out."""
    parts = []
    if guessed:
        parts.append("Bars of estimates are the low and the high bound: read the order, not the figure.")
    if without:
        parts.append(f"{plural(len(without), 'candidate')} not measured.")
    if of > task.rows:
        parts.append(f"{task.rows} of {of} are drawn, the lowest first; the table of results has all.")
    return " ".join(parts)


def _drawn(entry: Entry, advice: TaskAdvice, *, apart: bool) -> DotRow:
    """Make the row; where some were measured the estimates are hollow."""
    row = reading_row(entry, (NAME,), advice)
    if not (apart and _guessed(entry)):
        return row
    dots = tuple(Dot(dot.value, dot.low, dot.high, series=1) for dot in row.dots)
    return DotRow(row.name, row.family, dots, row.remark, strong=row.strong)


def _row(entry: Entry, marks: Mapping[str, Mark]) -> tables.Row:
    quantity = entry.quantity(NAME)
    has_value = quantity is not None and quantity.value is not None
    reason = str(quantity.reason or "") if quantity is not None else ""
    source = title_of(quantity.source) if quantity is not None and has_value else "not measured"
    item = tables.Item(source, title=reason, small="" if has_value else short(reason, REASON_CHARACTERS))
    return tables.Row((tables.name_item(entry, marks), tables.quantity_item(quantity), item))
