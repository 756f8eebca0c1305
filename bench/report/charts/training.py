"""What the fitted models cost to train: once per model of the run, however many tasks and variants use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.catalogue.readings import READINGS, in_sentence
from bench.report import tables
from bench.report.chart import TRAINING, Chart, Plate, RunChart
from bench.report.drawing.readings import MANY, shown
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import MOST_ROWS, RunView, TaskView, value_of
from bench.report.wording import measure_of, plural, times
from bench.suite.limits import QUALITY
from bench.summary import Entry, Quantity

COSTS = ("fit_s", "fit_energy_j", "fit_peak_memory_bytes", "fit_total_s")
"""Readings of the table; those that no model has are left out, time and energy never."""
ALWAYS = 2
MOST_TASKS = 4
"""Tasks whose quality stands beside the cost; the table of results has all."""


class Training(RunChart):
    """What each fitted model of the run cost to train."""

    name, title, section, order = "training", "Training time", TRAINING, 10

    def draw(self, view: RunView, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the training time of each model that a fit made, the cheapest first."""
        fitted = fitted_models(view)
        measure = measure_of("fit_s", fitted)
        if measure is None:
            return
        picked = _picked(view)
        rows = [
            DotRow(e.cell.model, e.cell.family, (Dot(value_of(e, "fit_s") or 0.0),), strong=e.cell.model in picked)
            for e in fitted[:MOST_ROWS]
        ]
        few = f" {MOST_ROWS} of {len(fitted)} are drawn, the cheapest first." if len(fitted) > MOST_ROWS else ""
        chart = Chart(
            name="training-0",
            title="Training time of the fitted models",
            takeaway=_takeaway(fitted),
            description=f"Dot chart of the training time of {plural(len(fitted), 'fitted model')}.",
            narrow=True,
            draw=lambda: draw_rows(rows, measure, marks),
            note=f"One fit makes all variants of a model and serves all its tasks. Picks are in bold.{few}",
        )
        yield Plate(chart, _table(view, fitted, marks))


def fitted_models(view: RunView) -> list[Entry]:
    """Choose one entry of each model that a fit made, the one with the shortest training first."""
    by_model: dict[str, Entry] = {}
    for entry in view.entries:
        if value_of(entry, "fit_s") is not None:
            by_model.setdefault(entry.cell.model, entry)
    return sorted(by_model.values(), key=lambda e: value_of(e, "fit_s") or 0.0)


def _picked(view: RunView) -> set[str]:
    picks = {part.recommendation.pick for part in view.decision.tasks.values()}
    return {entry.cell.model for entry in view.entries if entry.candidate in picks}


def _takeaway(fitted: Sequence[Entry]) -> str:
    first, last = fitted[0], fitted[-1]
    low, high = value_of(first, "fit_s") or 0.0, value_of(last, "fit_s") or 0.0
    sentence = f"{short(first.cell.model)} took least to train, {shown(first, 'fit_s')}"
    if last is first:
        return f"{short(first.cell.model)} was trained in {shown(first, 'fit_s')}."
    ratio = f", {times(high / low)} as long" if low > 0 and high / low > MANY else ""
    return f"{sentence}; {short(last.cell.model)} most, {shown(last, 'fit_s')}{ratio}."


def _table(view: RunView, fitted: Sequence[Entry], marks: Mapping[str, Mark]) -> tables.Table:
    names = [
        name
        for i, name in enumerate(COSTS)
        if i < ALWAYS or any(value_of(e, name) not in (None, value_of(e, "fit_s")) for e in fitted)
    ]
    tasks = view.tasks[:MOST_TASKS]
    columns = [
        tables.Column("model", numeric=False),
        *(tables.Column(in_sentence(READINGS[name].short)) for name in names),
    ]
    columns += [tables.Column(short(task.name, 20), "best quality of the model's variants") for task in tasks]
    rows = []
    for entry in fitted:
        costs = [tables.quantity_item(entry.quantity(name)) for name in names]
        mark = tables.name_item(entry, marks, name=entry.cell.model)
        rows.append(tables.Row((mark, *costs, *(tables.quantity_item(_best(task, entry)) for task in tasks))))
    return tables.beside("Training cost of the models, and their quality by task", columns, rows, MOST_ROWS)


def _best(task: TaskView, model: Entry) -> Quantity | None:
    """Find the best quality that a variant of the model reached on a task."""
    own = [e for e in task.scored if e.cell.model == model.cell.model]
    qualities = [q for e in own if (q := e.quantity(QUALITY)) is not None and q.value is not None]
    return max(qualities, key=lambda q: (q.value or 0.0) * (1 if q.higher_is_better else -1), default=None)
