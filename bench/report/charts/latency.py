"""Latency as it is distributed: the share of requests answered within a time, with the limit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.report import tables
from bench.report.advice import Bound, TaskAdvice
from bench.report.chart import SPEED, Chart, Plate, TaskChart
from bench.report.drawing import labels
from bench.report.drawing.axes import DASHES, LineStyle, main_range, set_axis, tidy
from bench.report.drawing.svg import ALARM, INK, MUTED, SMALL, TEXT, WIDTH_IN, new_figure
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, among, listed, measure_of, models_of, number, plural
from bench.summary import Entry
from bench.words.wording import spoken

MOST_LINES = 12
"""Lines that a reader can still tell apart."""
QUANTILES = np.linspace(0.0, 1.0, 41)
"""Where a curve is read; 40 steps, seven pixels of the chart's height each."""
MIDDLE = 20
"""Place of the median among them."""
SHARES = {
    reading.name: reading.derivation.q
    for reading in READINGS.values()
    if reading.derivation is not None and reading.derivation.timed == "latency" and reading.derivation.q is not None
}
"""Percentiles of latency, and the share of the requests that a limit on each is about."""
LIMITED = (*SHARES, "latency_mean_s")
"""Readings whose limit is drawn: those of the distribution that the chart shows."""


class Latency(TaskChart):
    """The latency of single requests as it is distributed."""

    name, title, section, order = "latency", "Distribution of latency", SPEED, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether any request was timed."""
        return any(entry.latencies for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the curve of each candidate, with the first limit on latency."""
        measure = measure_of("latency_p50_s", task.entries)
        timed = [entry for entry in task.entries if entry.latencies]
        if measure is None or not timed:
            return
        ordered = sorted(timed, key=lambda e: value_of(e, "latency_p50_s") or float(np.median(pooled(e))))
        shown = _chosen(ordered, advice, min(MOST_LINES, task.rows))
        limit = next((bound for bound in advice.limits if bound.reading in LIMITED), None)
        chart = Chart(
            name=f"latency-{task.number}",
            title=f"{short(task.name)}: how long a request takes",
            takeaway=_takeaway(ordered, limit, advice),
            description=f"Cumulative distribution of the latency of {plural(len(shown), 'candidate')} at batch size 1.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: _draw(shown, measure, limit, marks),
            note=_note(len(shown), len(timed), limit),
        )
        yield Plate(chart, _table(task, ordered, marks))


def pooled(entry: Entry) -> NDArray[np.float64]:
    """Join all requests of all processes, in seconds."""
    return np.concatenate(entry.latencies)


def _chosen(ordered: Sequence[Entry], advice: TaskAdvice, most: int) -> list[Entry]:
    """Choose the entries to draw: the pick and the front first when there are too many."""
    if len(ordered) <= most:
        return list(ordered)
    first = sorted(ordered, key=lambda e: (e.candidate != advice.pick, e.candidate not in advice.front))
    drawn_ids = {id(entry) for entry in first[:most]}
    return [entry for entry in ordered if id(entry) in drawn_ids]


def _note(shown: int, all_of: int, limit: Bound | None) -> str:
    few = f" {shown} of {all_of} are drawn, the front first; the table has all." if shown < all_of else ""
    share = SHARES.get(limit.reading) if limit else None
    mark = f" The limit's mark stands at {share:.0%}: a curve must pass to its left." if share else ""
    return f"Higher and further left is better: more requests answered, sooner.{mark.replace('%', ' %')}{few}"


def _takeaway(ordered: Sequence[Entry], limit: Bound | None, advice: TaskAdvice) -> str:
    """Name the fastest, the slowest and those within the limit, in the numbers that the table shows."""
    models = models_of(ordered)
    fastest, slowest = models[0], models[-1]
    sentence = (
        f"{among(ordered, models)}{short(fastest.candidate)} answers half of its requests within {_median(fastest)}"
    )
    if slowest is not fastest:
        sentence += f", {short(slowest.candidate)} within {_median(slowest)}"
    within_limit = _kept(models, limit, advice) if limit is not None and limit.upper else None
    return f"{sentence}; {within_limit}." if within_limit else f"{sentence}."


def _kept(models: Sequence[Entry], limit: Bound, advice: TaskAdvice) -> str | None:
    """Say how many models keep the limit, as the decision has it: with the end of their interval; None where the
    limit was put to nobody."""
    states = {entry.candidate: state for entry in models if (state := _state(entry, limit, advice)) is not None}
    if not states:
        return None
    inside = sum(state == "inside" for state in states.values())
    sentence = (
        f"{inside} of {plural(len(states), 'model')} {'keeps' if inside == 1 else 'keep'} the {spoken(limit.reading)}"
    )
    sentence += f" within the limit of {number(limit.value, 's')}"
    over = [short(name) for name, state in states.items() if state == "outside"]
    unsettled = [short(name) for name, state in states.items() if state == "open"]
    if over and inside:
        sentence += f", not {listed(over, 3)}"
    if unsettled:
        sentence += f"; for {listed(unsettled, 3)} that is not settled"
    return sentence


def _state(entry: Entry, limit: Bound, advice: TaskAdvice) -> str | None:
    standing = advice.standings.get(entry.candidate)
    checks = standing.checks if standing is not None else ()
    matching = (c for c in checks if c.limit.name == limit.name and c.limit.text == limit.text and c.value is not None)
    return next((check.state for check in matching), None)


def _median(entry: Entry) -> str:
    return number(value_of(entry, "latency_p50_s"), "s")


def _table(task: TaskView, ordered: Sequence[Entry], marks: Mapping[str, Mark]) -> tables.Table:
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(h) for h in ("p50", "p95", "p99")))
    rows = [
        tables.Row((tables.name_item(e, marks), *(tables.quantity_item(e.quantity(name)) for name in SHARES)))
        for e in ordered
    ]
    return tables.beside(f"Latency on {task.name}", columns, rows, task.rows)


def _draw(shown: Sequence[Entry], measure: Measure, limit: Bound | None, marks: Mapping[str, Mark]) -> Figure:
    figure = new_figure(4.3)
    wide = figure.get_figwidth() >= WIDTH_IN
    figure.subplots_adjust(left=0.085 if wide else 0.135, right=0.985, top=0.91 if wide else 0.86, bottom=0.15)
    axes = figure.add_subplot()
    curves = [(e, np.quantile(pooled(e), QUANTILES, method="inverted_cdf")) for e in shown]
    low, _ = main_range(measure, [float(c[MIDDLE]) for _, c in curves])  # numpy's median may be above this one
    inside = [(e, c) for e, c in curves if float(c[MIDDLE]) >= low]
    values = [float(v) for _, c in inside for v in (c[1], c[-2])] + ([limit.value] if limit else [])
    set_axis(axes, "x", measure, values, title="Latency of one request")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.95], ["0 %", "25 %", "50 %", "75 %", "95 %"])
    axes.set_title("Share of requests answered within", loc="left", fontsize=TEXT, color=MUTED, pad=6 if wide else 22)
    tidy(axes)
    styles = _styles([e for e, _ in curves])
    for entry, curve in inside:
        axes.plot(
            curve,
            QUANTILES,
            color=marks[entry.cell.family].colour,
            linestyle=styles[entry.id],
            drawstyle="steps-post" if pooled(entry).size < QUANTILES.size else "default",  # no slopes between few
        )
    if limit is not None:
        _limit(axes, limit)
    _names(figure, axes, inside, marks)
    _beyond(axes, [e for e, c in curves if float(c[MIDDLE]) < low])
    return figure


def _limit(axes: Axes, limit: Bound) -> None:
    """Draw the limit, and at which share a curve must be to its left."""
    axes.axvline(limit.value, color=ALARM, linewidth=1.0, linestyle=(0, (4, 3)))
    if limit.reading in SHARES:
        axes.plot([limit.value], [SHARES[limit.reading]], "<", color=ALARM, markersize=7, zorder=4)
    right = axes.transAxes.inverted().transform(axes.transData.transform((limit.value, 0)))[0] < 0.8
    axes.annotate(
        f"limit {number(limit.value, 's')}",
        (limit.value, 0),
        xycoords=("data", "axes fraction"),
        xytext=(3 if right else -3, 4),
        textcoords="offset points",
        color=ALARM,
        fontsize=SMALL,
        ha="left" if right else "right",
    )


def _beyond(axes: Axes, off: Sequence[Entry]) -> None:
    """Name the candidates that are far to the left of the scale."""
    if off:
        medians = ", ".join(f"{short(e.candidate, 18)} {number(float(np.median(pooled(e))), 's')}" for e in off[:3])
        axes.annotate(
            f"‹ off the scale: {medians}",
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 8),
            textcoords="offset points",
            ha="right",
            color=MUTED,
            fontsize=SMALL,
        )


def _styles(entries: Sequence[Entry]) -> dict[str, LineStyle]:
    """Give each entry a line style, different within a family."""
    turns: dict[str, itertools.count[int]] = {}
    styles: dict[str, LineStyle] = {}
    for entry in entries:
        turn = next(turns.setdefault(entry.cell.family, itertools.count()))
        styles[entry.id] = DASHES[turn % len(DASHES)]
    return styles


def _names(
    figure: Figure, axes: Axes, curves: Sequence[tuple[Entry, NDArray[np.float64]]], marks: Mapping[str, Mark]
) -> None:
    """Write each name at its curve's middle, moved until it is free."""
    middles = []
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for i, (entry, curve) in enumerate(curves):
        at = (15, 25, 9, 31)[i % 4]
        x, y = axes.transData.transform((float(curve[at]), float(QUANTILES[at])))
        probe = axes.text(0, 0, short(entry.candidate, 22), fontsize=SMALL)
        box = probe.get_window_extent(renderer)
        probe.remove()
        middles.append(labels.Wanted(x, y, box.width + 4, box.height, needed=True))
    frame = axes.get_window_extent()
    spots = labels.place(middles, [], (frame.x0 + 2, frame.y0 + 16, frame.x1, frame.y1 - 16))
    for (entry, _), want, spot in zip(curves, middles, spots, strict=True):
        if spot is not None:
            arrow = {
                "arrowstyle": "-",
                "color": marks[entry.cell.family].colour,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            axes.annotate(
                short(entry.candidate, 22),
                xy=(want.x, want.y),
                xycoords="figure points",
                xytext=(spot.left + 2, spot.bottom),
                textcoords="figure points",
                fontsize=SMALL,
                color=INK,
                arrowprops=arrow if spot.leader else None,
            )
