"""The sections of the page, each from the view alone: its title, its anchor, its template and its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from markupsafe import Markup

from bench.host.pool import forked
from bench.report import evidence, method, tables
from bench.report.advice import TaskAdvice
from bench.report.answer import answer_data
from bench.report.charts import Plate, makers
from bench.report.charts.base import inline_svg, narrow_svg
from bench.report.explorer import bundle, explorer_data, packed
from bench.report.marks import Mark
from bench.report.samples import sample_blocks
from bench.report.text import script_json
from bench.report.view import RunView
from bench.report.wording import plural

ANSWER = "One pick per task, under the suite's limits. A pick is named only where the data support it."


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page."""

    anchor: str
    nav: str
    title: str
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    lede: str = ""
    scripts: tuple[str, ...] = ()
    """Further code that the section's own script runs; the page's policy must allow it."""


def sections(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> list[Section]:
    """Returns the sections in the order in which they are read; those with nothing to say are left out."""
    explored, drawn = _drawn(view, advice, marks)
    found: list[Section | None] = [
        Section("answer", "Answer", "What to ship", "answer.html.j2", answer_data(view, advice), ANSWER),
        _charts(FRONT, drawn, marks),
        explored,
        *(_charts(group, drawn, marks) for group in GROUPS),
        samples(view, marks),
        results(view, advice, marks),
        troubles(view, marks),
        doubts(view),
        Section("method", "Method", "Method and environment", "pairs.html.j2", {"blocks": method.blocks(view)}),
        Section("again", "Reproduce", "How to reproduce this", "pairs.html.j2", {"blocks": method.again(view)}),
    ]
    return [section for section in found if section is not None]


@dataclass(frozen=True, slots=True)
class Group:
    """Charts that answer one question."""

    anchor: str
    nav: str
    title: str
    lede: str
    kinds: tuple[str, ...]
    """Keys of `charts.MAKERS`."""


FRONT = Group(
    "front",
    "Front",
    "Which are worth considering",
    "Each candidate of a task by what it gives and what it costs. The line holds the best quality at each cost.",
    ("front",),
)
GROUPS = (
    Group(
        "quality",
        "Quality",
        "How good the answers are",
        "Every candidate answered the same examples, so differences are compared pair by pair.",
        ("quality",),
    ),
    Group(
        "speed",
        "Speed",
        "How long an answer takes",
        "Batch size 1, device synchronised, warmed up. Generators also by time to the first token "
        "(TTFT) and per "
        "further token (TPOT).",
        ("latency", "tokens"),
    ),
    Group("memory", "Memory", "How much memory it needs", "The highest in each phase.", ("memory",)),
    Group(
        "energy",
        "Energy",
        "How much energy an answer takes",
        "Each figure with its source. What could not be measured says so and is never 0.",
        ("energy",),
    ),
    Group(
        "trade",
        "Trade-offs",
        "All objectives at once, and what would change the answer",
        "",
        ("parallel", "breaks"),
    ),
    Group(
        "training",
        "Training",
        "What the fitted models cost to train",
        "The fit that made each checkpoint; it counts once, not per answer.",
        ("training",),
    ),
    Group(
        "variants",
        "Variants",
        "What each variant gained",
        "The same weights, run another way.",
        ("variants",),
    ),
)


Figures = dict[str, list[dict[str, Any]]]
"""By a group's anchor, what its figures show."""


def _drawn(
    view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]
) -> tuple[Section | None, Figures]:
    """Returns the explorer and the figures of all groups: what takes the time, so on several cores in a large run."""
    made = [
        (group.anchor, make)
        for group in (FRONT, *GROUPS)
        for kind in group.kinds
        for make in makers(view, advice, marks, kind)
    ]
    calls: list[Callable[[], Any]] = [partial(explorer, view, advice, marks)]
    calls += [partial(_figures, make) for _, make in made]
    crowded = any(task.crowded for task in view.tasks)
    explored, *drawn = forked(calls, worth_it=crowded)
    figures: Figures = {}
    for (anchor, _), found in zip(made, drawn, strict=True):
        figures.setdefault(anchor, []).extend(found)
    return explored, figures


def _charts(group: Group, drawn: Figures, marks: Mapping[str, Mark]) -> Section | None:
    found = drawn.get(group.anchor, [])
    if not found and group is not FRONT:
        return None
    legend = [{"css": m.css.removeprefix("--"), "label": m.label} for m in marks.values()]
    empty = "No candidate has both a quality and a cost, so there is no front to draw."
    data = {"figures": found, "legend": legend if group is FRONT else [], "empty": empty}
    return Section(group.anchor, group.nav, group.title, "figures.html.j2", data, group.lede)


def explorer(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section | None:
    """Returns the explorer; None where there is nothing to explore."""
    found = explorer_data(view, advice, marks)
    if found is None:
        return None
    lede = "Choose the axes and move the limits: the front, the region that is out of bounds and the pick follow."
    code = bundle()
    data = {"json": script_json(found), "vega": Markup(packed(code))}
    return Section("explorer", "Explore", "Move the limits yourself", "explorer.html.j2", data, lede, (code,))


def _figures(make: Callable[[], list[Plate]]) -> list[dict[str, Any]]:
    return [_figure(plate) for plate in make()]


def _figure(plate: Plate) -> dict[str, Any]:
    chart = plate.chart
    return {
        "svg": narrow_svg(chart) if chart.slim else inline_svg(chart),
        "narrow": None if chart.slim else narrow_svg(chart),
        "slim": chart.slim,
        "title": chart.title,
        "takeaway": chart.takeaway,
        "note": chart.note,
        "table": plate.table,
        "switch": None if plate.switch is None else script_json(plate.switch),
    }


def results(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section:
    """Returns the table of every cell."""
    found = [tables.results(task, advice[task.name], marks) for task in view.tasks]
    lede = (
        "Every cell of the run. Small figures are 95 % intervals, of an estimate its low and high bound; a dash has "
        "its reason in its tooltip and under Trouble."
    )
    return Section("cells", "All results", "Everything that was measured", "tables.html.j2", {"tables": found}, lede)


def troubles(view: RunView, marks: Mapping[str, Mark]) -> Section:
    """Returns the cells without a result."""
    found = tables.troubles(view.tasks, marks)
    data = {"tables": [found] if found.rows else [], "empty": "Every cell of the run ended well."}
    lede = "A cell that is unsupported, failed or out of memory or time is left out of the choice, never counted as 0."
    return Section("trouble", "Trouble", "What did not run, and why", "tables.html.j2", data, lede)


def doubts(view: RunView) -> Section:
    """Returns the doubts, the same ones of several cells together."""
    groups = evidence.doubt_groups(view)
    data = {
        "groups": groups,
        "caption": f"{plural(sum(g['count'] for g in groups), 'doubt')}, grouped",
        "empty": "No measurement raised a doubt.",
    }
    return Section("doubts", "Doubts", "Reasons to trust a number less", "doubts.html.j2", data)


def samples(view: RunView, marks: Mapping[str, Mark]) -> Section:
    """Returns the answers side by side."""
    tasks: Sequence[Mapping[str, Any]] = sample_blocks(view, marks)
    lede = "The answers of all models to the same input. First those on which the models disagree most."
    return Section("samples", "Samples", "What the models said", "samples.html.j2", {"tasks": tasks}, lede)
