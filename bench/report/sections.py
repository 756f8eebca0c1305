"""The sections of the page, each from the view alone: its title, its anchor, its template and its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from bench.host.pool import forked
from bench.report import evidence, method, tables
from bench.report.advice import TaskAdvice
from bench.report.answer import answer_data
from bench.report.chart import ChartSection, Plate
from bench.report.charts import chart_kinds, drawings
from bench.report.drawing.svg import inline_svg, narrow_svg
from bench.report.explorer import bundle, explorer_data, packed
from bench.report.marks import Mark
from bench.report.samples import TaskSamples, sample_blocks
from bench.report.text import script_json
from bench.report.view import RunView
from bench.report.wording import plural

FEW_DRAWINGS = 4
"""Drawings that are made one after another: a drawing takes about 0.1 s, and so does it to fork processes for them."""
ANSWER = "One pick per task, under the suite's limits, with what it risks and what to do next."


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page."""

    order: int
    """Position in the page."""
    anchor: str
    nav: str
    title: str
    template: str
    data: object
    """What the template reads, as `s.data`."""
    lede: str = ""
    scripts: tuple[str, ...] = ()
    """Further code that the section's own script runs; the page's policy must allow it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart of the page as its template reads it."""

    svg: Markup | None
    narrow: Markup | None
    """The same as wide as a phone; None where the other serves there too."""
    slim: bool
    title: str
    takeaway: str
    note: str
    table: tables.Table | None
    switch: Markup | None
    """JSON of the differences to other references."""
    folded: bool


@dataclass(frozen=True, slots=True)
class LegendItem:
    """A family's mark with its name."""

    css: str
    label: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The charts of a section."""

    figures: Sequence[Figure]
    legend: Sequence[LegendItem]
    empty: str
    """Shown where there is no chart."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """Data and library of the explorer."""

    json: Markup
    vega: Markup


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables one below the other."""

    tables: Sequence[tables.Table]
    empty: str = ""
    """Shown where there is none."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """The table of doubts."""

    groups: Sequence[evidence.DoubtGroup]
    caption: str
    empty: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Answers side by side, task by task."""

    tasks: Sequence[TaskSamples]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Blocks of keys and values."""

    blocks: Sequence[method.Block]


def sections(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> list[Section]:
    """List the sections in the order in which they are read; those with nothing to say are left out."""
    method_data, again_data = Pairs(method.blocks(view)), Pairs(method.again(view))
    whole = [
        Section(0, "answer", "Answer", "What to ship", "answer.html.j2", answer_data(view, advice), ANSWER),
        *_drawn(view, advice, marks),
        samples(view, marks),
        results(view, advice, marks),
        troubles(view, marks),
        doubts(view),
        Section(140, "method", "Method", "Method and environment", "pairs.html.j2", method_data),
        Section(150, "again", "Reproduce", "How to reproduce this", "pairs.html.j2", again_data),
    ]
    return sorted(whole, key=lambda section: section.order)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one process has worked out: the explorer, or the figures of one kind of chart on one task."""

    explorer: Section | None = None
    figures: tuple[Figure, ...] = ()


def _drawn(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> list[Section]:
    """Draw the explorer and every chart: what takes the time, so on several cores."""
    todo = drawings(view, advice, marks)
    calls: list[Callable[[], _Drawn]] = [lambda: _Drawn(explorer=explorer(view, advice, marks))]
    calls += [partial(_figures_of, drawing.plates) for drawing in todo]
    explored, *drawn = forked(calls, worth_it=len(calls) > FEW_DRAWINGS)
    by_section: dict[ChartSection, list[Figure]] = {kind.section: [] for kind in chart_kinds()}
    for drawing, part in zip(todo, drawn, strict=True):
        by_section[drawing.kind.section].extend(part.figures)
    charts = [_charts(section, figures, marks) for section, figures in by_section.items() if figures or section.empty]
    return charts if explored.explorer is None else [*charts, explored.explorer]


def _figures_of(plates: Callable[[], list[Plate]]) -> _Drawn:
    return _Drawn(figures=tuple(_figure(plate) for plate in plates()))


def _charts(section: ChartSection, figures: Sequence[Figure], marks: Mapping[str, Mark]) -> Section:
    legend = [LegendItem(mark.css.removeprefix("--"), mark.label) for mark in marks.values()]
    data = Figures(figures, legend if section.has_legend else [], section.empty)
    return Section(section.order, section.anchor, section.nav, section.title, "figures.html.j2", data, section.lede)


def explorer(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section | None:
    """Make the explorer; None where there is nothing to explore."""
    explored = explorer_data(view, advice, marks)
    if explored is None:
        return None
    lede = "Choose the axes and move the limits: the front, the region that is out of bounds and the pick follow."
    code = bundle()
    data = Explorer(script_json(explored), Markup(packed(code)))
    return Section(20, "explorer", "Explore", "Move the limits yourself", "explorer.html.j2", data, lede, (code,))


def _figure(plate: Plate) -> Figure:
    chart = plate.chart
    return Figure(
        svg=narrow_svg(chart) if chart.slim else inline_svg(chart),
        narrow=None if chart.slim else narrow_svg(chart),
        slim=chart.slim,
        title=chart.title,
        takeaway=chart.takeaway,
        note=chart.note,
        table=plate.table,
        switch=None if plate.switch is None else script_json(plate.switch),
        folded=plate.folded,
    )


def results(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section:
    """Make the table of every cell."""
    every = [tables.results(task, advice[task.name], marks) for task in view.tasks]
    data = Tables(every, "No cell of this run has ended yet.")
    lede = (
        "Every cell of the run. Small figures are 95 % intervals, of an estimate its low and high bound; a dash has "
        "its reason in its tooltip and under Trouble."
    )
    return Section(110, "cells", "All results", "Everything that was measured", "tables.html.j2", data, lede)


def troubles(view: RunView, marks: Mapping[str, Mark]) -> Section:
    """Make the table of the cells without a result."""
    table = tables.troubles(view.tasks, marks)
    data = Tables([table] if table.rows else [], "Every cell of the run ended well.")
    lede = "A cell that is unsupported, failed or out of memory or time is left out of the choice, never counted as 0."
    return Section(120, "trouble", "Trouble", "What did not run, and why", "tables.html.j2", data, lede)


def doubts(view: RunView) -> Section:
    """Make the table of doubts, the same ones of several cells together."""
    groups = evidence.doubt_groups(view)
    counted = plural(sum(group.count for group in groups), "doubt")
    data = Doubts(groups, f"{counted}, grouped", "No measurement raised a doubt.")
    return Section(130, "doubts", "Doubts", "Reasons to trust a number less", "doubts.html.j2", data)


def samples(view: RunView, marks: Mapping[str, Mark]) -> Section:
    """Put the answers of all models side by side."""
    lede = "The answers of all models to the same input. First those on which the models disagree most."
    data = Samples(sample_blocks(view, marks))
    return Section(100, "samples", "Samples", "What the models said", "samples.html.j2", data, lede)
