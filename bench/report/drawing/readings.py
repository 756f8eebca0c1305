"""Rows, tables and sentences of charts that draw readings, one candidate a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.drawing.rows import Dot, DotRow
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import among, listed, models_of, number, times
from bench.summary import Entry

MANY = 1.05
"""From this ratio on a takeaway says how many times as much."""


def least(ordered: Sequence[Entry], name: str, where: str = "", opening: str = "") -> str:
    """Say which model needs least of a cost and which most.

    Args:
        ordered: the entries that have it, the lowest first.
        name: of the reading.
        where: said after the first figure.
        opening: said before the sentence.
    """
    models = models_of(ordered)
    lead = among(ordered, models)
    lead = opening + (lead[:1].lower() + lead[1:] if opening else lead)
    cheapest, dearest = models[0], models[-1]
    low, high = value_of(cheapest, name), value_of(dearest, name)
    tied = [short(e.candidate) for e in models if value_of(e, name) == low]
    if len(models) == 1:
        return f"{lead}{tied[0]} alone has a figure, {shown(models[0], name)}{where}."
    need = "needs" if len(tied) == 1 else "need"
    sentence = f"{lead}{listed(tied, 3)} {need} least, {shown(cheapest, name)}{where}"
    if low == high or low is None or high is None:
        return f"{sentence}, and none needs more."
    ratio = f", {times(high / low)} as much" if low > 0 and high / low > MANY else ""
    return f"{sentence}; {short(dearest.candidate)} most, {shown(dearest, name)}{ratio}."


def reading_row(entry: Entry, names: Sequence[str], advice: TaskAdvice) -> DotRow:
    """Make a candidate's row: a dot for each reading, or why there is none."""
    dots, remark = [], ""
    for series, name in enumerate(names):
        quantity = entry.quantity(name)
        if quantity is not None and quantity.value is not None:
            dots.append(Dot(quantity.value, quantity.ci_low, quantity.ci_high, series))
        elif quantity is not None and quantity.reason:
            remark = f"not measured: {quantity.reason}"
    return DotRow(entry.candidate, entry.cell.family, tuple(dots), remark, strong=entry.candidate == advice.pick)


def sorted_by(task: TaskView, name: str) -> list[Entry]:
    """List the entries that have a reading, the lowest first."""
    return sorted(task.measured(name), key=lambda entry: value_of(entry, name) or 0.0)


def shown(entry: Entry, name: str) -> str:
    """Write a reading as a person reads it."""
    quantity = entry.quantity(name)
    return "–" if quantity is None else number(quantity.value, quantity.unit)


def left_out(task: TaskView, ordered: Sequence[Entry]) -> str:
    """Say that a chart shows only its first rows, where it does."""
    count = len(ordered)
    few = f"{task.rows} of {count} are drawn, the lowest first; the table of results has all."
    return few if count > task.rows else ""


def reading_table(
    task: TaskView,
    caption: str,
    ordered: Sequence[Entry],
    names: Sequence[str],
    heads: Sequence[str],
    marks: Mapping[str, Mark],
) -> tables.Table:
    """Tabulate the readings that a chart draws, one row per candidate."""
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(head) for head in heads))
    rows = [
        tables.Row((tables.name_item(e, marks), *(tables.quantity_item(e.quantity(name)) for name in names)))
        for e in ordered
    ]
    return tables.beside(caption, columns, rows, task.rows)
