"""Parallel coordinates: every objective at once, the better end always at the top."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import TRADE_OFFS, Chart, Plate, TaskChart
from bench.report.drawing.axes import DASHES, is_log, main_range, span
from bench.report.drawing.svg import GRID, INK, MUTED, PAPER, SMALL, TEXT, WIDTH_IN, new_figure
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, listed, number, plural
from bench.summary import Entry

BEYOND = 0.05
"""How far above an axis stands what is far better than its scale, such as a baseline's latency."""
NAMES_IN = 1.35
"""Inches for the names at the right."""
STRONG = 8
"""Lines that are drawn strong and named at most; with no more candidates than that, all have their names."""


FEWEST = 3
"""Objectives from which on the chart says more than the front does."""


class Parallel(TaskChart):
    """One line per candidate over all objectives."""

    name, title, section, order = "parallel", "All objectives at once", TRADE_OFFS, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether the suite has enough objectives."""
        return len(task.objectives) >= FEWEST

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the chart where the candidates differ in enough objectives."""
        measures = [m for m in task.objectives if len({value_of(e, m.name) for e in task.measured(m.name)}) > 1]
        entries = task.measured(*(m.name for m in measures))
        if len(measures) < FEWEST or len(entries) < 2:
            return
        front = [e.candidate for e in entries if e.candidate in advice.front]
        candidates, objectives = plural(len(entries), "candidate"), plural(len(measures), "objective")
        chart = Chart(
            name=f"parallel-{task.number}",
            title=f"{short(task.name)}: all objectives at once",
            takeaway=_takeaway(entries, front, advice),
            description=f"Parallel coordinates of {candidates} over {objectives}.",
            draw=lambda: _draw(entries, measures, advice, marks),
            narrow=task.has_narrow,
            slim=task.crowded,
            note=f"Up is better on every axis. The front is drawn strong, the others faint.{_above(entries, measures)}",
        )
        yield Plate(chart, None if task.crowded else _table(task, entries, measures, advice, marks))


def _takeaway(entries: Sequence[Entry], front: Sequence[str], advice: TaskAdvice) -> str:
    """Say who is on the front, and what that says of the others."""
    if not front:
        return f"None of the {plural(len(entries), 'candidate')} with every objective is on the front."
    sentence = f"On the front: {listed([short(f) for f in front], 6)}"
    others = [e for e in entries if e.candidate not in advice.front]
    if not others:
        return f"{sentence}; each is better than every other somewhere."
    out = [e for e in others if (s := advice.standings.get(e.candidate)) and s.label in ("infeasible", "unresolved")]
    why = " or not shown to meet the limits" if out else ""
    who = "the other is" if len(others) == 1 else f"each of the other {len(others)} is"
    return f"{sentence}; {who} matched or beaten on every axis by one of these{why}."


def _above(entries: Sequence[Entry], measures: Sequence[Measure]) -> str:
    """Say which axes have candidates beyond their better end, in words; nothing where none has."""
    scales = [_Scale(m, [v for e in entries if (v := value_of(e, m.name)) is not None]) for m in measures]
    beyond = [scale.measure.short.lower() for scale in scales if scale.beyond]
    return f" Points above the end of {listed(beyond)} are far better than its scale reaches." if beyond else ""


def _table(
    task: TaskView,
    entries: Sequence[Entry],
    measures: Sequence[Measure],
    advice: TaskAdvice,
    marks: Mapping[str, Mark],
) -> tables.Table:
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(m.short) for m in measures))
    ordered = [entry for entry in tables.ranked(task, advice) if entry in entries]
    rows = [
        tables.Row(
            (
                tables.name_item(e, marks, "pick" if e.candidate == advice.pick else ""),
                *(tables.Item(number(value_of(e, m.name), m.unit), value_of(e, m.name)) for m in measures),
            ),
            css="front" if e.candidate in advice.front else "",
        )
        for e in ordered
    ]
    return tables.beside(f"Objectives on {task.name}", columns, rows, task.rows)


def _draw(
    entries: Sequence[Entry], measures: Sequence[Measure], advice: TaskAdvice, marks: Mapping[str, Mark]
) -> Figure:
    figure = new_figure(4.4)
    width = figure.get_figwidth()
    wide = width >= WIDTH_IN
    figure.subplots_adjust(left=0.88 / width if wide else 0.06, right=1 - NAMES_IN / width, top=0.82, bottom=0.08)
    axes = figure.add_subplot()
    axes.set_xlim(0, len(measures) - 1)
    axes.set_ylim(-0.04, 1.04 + BEYOND)
    axes.axis("off")
    scales = [_Scale(m, [v for e in entries if (v := value_of(e, m.name)) is not None]) for m in measures]
    for i, scale in enumerate(scales):
        _axis(axes, i, scale, last=i == len(scales) - 1, wide=wide)
    strong = [e for e in entries if e.candidate in advice.front]
    strong = sorted(strong, key=lambda e: e.candidate != advice.pick)[:STRONG]
    turns: dict[str, int] = {}
    for entry in [e for e in entries if e not in strong] + strong[::-1]:
        ys = [scale.place(value_of(entry, scale.measure.name) or 0.0) for scale in scales]
        mark, on = marks[entry.cell.family], entry in strong
        turn = turns[entry.cell.family] = turns.get(entry.cell.family, -1) + on
        axes.plot(
            range(len(ys)),
            ys,
            color=mark.colour,
            linewidth=2.6 if entry.candidate == advice.pick else 1.6 if on else 0.9,
            alpha=0.95 if on else 0.28,
            linestyle=DASHES[turn % len(DASHES)] if on else "-",
            marker=mark.shape if on else None,
            markersize=4.5,
            zorder=3 if on else 2,
            clip_on=False,
        )
    named = entries if len(entries) <= STRONG else strong
    _names(axes, named, scales[-1], len(measures) - 1, advice)
    return figure


class _Scale:
    """Where a value stands on one axis, 1 being best."""

    def __init__(self, measure: Measure, values: Sequence[float]) -> None:
        self.measure = measure
        low, high = main_range(measure, values)
        self.low, self.high = span([low, high])
        self.beyond = min(values) < low
        self.log = is_log(measure, [self.low, self.high])

    def place(self, value: float) -> float:
        """Compute the height of a value; those off the scale are placed at its end."""
        if self.beyond and value < self.low:
            return 1 + BEYOND
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return share if self.measure.higher_is_better else 1 - share


def _axis(axes: Axes, x: int, scale: _Scale, *, last: bool, wide: bool) -> None:
    measure = scale.measure
    best, worst = (scale.high, scale.low) if measure.higher_is_better else (scale.low, scale.high)
    axes.plot([x, x], [0, 1], color=GRID, linewidth=1.4, zorder=1, clip_on=False)
    align = "left" if x == 0 else "right" if last and wide else "center"
    title = measure.short.replace(" per ", "\nper ") if wide else measure.short.replace(" ", "\n", 1)
    size = TEXT if wide else SMALL
    axes.annotate(title, (x, 1), xytext=(0, 34), textcoords="offset points", fontsize=size, color=INK, ha=align)
    better_end = axes.annotate(
        number(best, measure.unit),
        (x, 1),
        xytext=(-5, 0) if scale.beyond else (0, 8),
        textcoords="offset points",
        fontsize=SMALL,
        color=MUTED,
        ha="right" if scale.beyond else align,
    )
    if scale.beyond:  # lines go on above the axis: beside it, over the lines
        better_end.set(va="center", zorder=4, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0})
    axes.annotate(
        number(worst, measure.unit),
        (x, 0),
        xytext=(0, -8),
        textcoords="offset points",
        va="top",
        fontsize=SMALL,
        color=MUTED,
        ha=align,
    )


def _names(axes: Axes, strong: Sequence[Entry], scale: _Scale, x: int, advice: TaskAdvice) -> None:
    """Write the names at the right end, pushed apart."""
    ordered = sorted(strong, key=lambda e: scale.place(value_of(e, scale.measure.name) or 0.0))
    gap, last = 0.052, -1.0
    for entry in ordered:
        y = scale.place(value_of(entry, scale.measure.name) or 0.0)
        at = last = max(y, last + gap)
        axes.annotate(
            short(entry.candidate, 20),
            (x, y),
            xytext=(x + 0.03 * x, at),
            textcoords="data",
            va="center",
            fontsize=SMALL,
            color=INK if entry.candidate in advice.front else MUTED,
            fontweight="bold" if entry.candidate == advice.pick else "normal",
            annotation_clip=False,
        )
