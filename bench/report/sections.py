"""The sections of the page, each from the view alone: its title, its anchor, its template and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from bench.report import evidence, method, tables
from bench.report.advice import TaskAdvice, overall_of
from bench.report.charts import Plate, plates
from bench.report.charts.base import inline_svg, narrow_svg
from bench.report.explorer import bundle, explorer_data, packed
from bench.report.marks import Mark
from bench.report.samples import sample_blocks
from bench.report.text import script_json, short
from bench.report.view import RunView
from bench.report.wording import interval, listed, number, plural


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page."""

    anchor: str
    nav: str
    title: str
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    lede: str = ""


def sections(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> list[Section]:
    """Returns the sections in the order in which they are read; those with nothing to say are left out."""
    found: list[Section | None] = [
        answer(view, advice),
        _charts(FRONT, view, advice, marks),
        explorer(view, advice, marks),
        *(_charts(group, view, advice, marks) for group in GROUPS),
        samples(view, marks),
        results(view, advice, marks),
        troubles(view, marks),
        doubts(view),
        Section("method", "Method", "Method and environment", "pairs.html.j2", {"blocks": method.blocks(view)}),
        Section("again", "Reproduce", "How to reproduce this", "pairs.html.j2", {"blocks": method.again(view)}),
    ]
    return [section for section in found if section is not None]


def answer(view: RunView, advice: Mapping[str, TaskAdvice]) -> Section:
    """Returns the recommendation."""
    cards = []
    for task in view.tasks:
        about = advice[task.name]
        shown = about.pick or about.leader
        entry = next((e for e in task.entries if e.candidate == shown), None)
        facts = []
        for measure in task.objectives if entry is not None else ():
            quantity = entry.quantity(measure.name) if entry else None
            if quantity is not None and quantity.value is not None:
                facts.append(
                    (
                        number(quantity.value, measure.unit),
                        f"{measure.short} {_range(interval(quantity))}".strip(),
                    )
                )
        if about.confidence is not None and about.pick:
            facts.append((f"{100 * about.confidence:.0f} %", "confidence"))
        cards.append(
            {
                "task": task.name,
                "kind": task.kind,
                "picked": about.pick is not None,
                "pick": about.pick or "",
                "facts": facts,
                "sentences": about.sentences[:3],
                "more": (*about.sentences[3:], *about.changes, *about.remarks),
            }
        )
    lede = "One pick per task, under the suite's limits. A pick is named only where the data support it."
    data = {"cards": cards, "overall": _overall(view), "sentences": view.decision.assumptions}
    return Section("answer", "Answer", "What to ship", "answer.html.j2", data, lede)


def _range(text: str) -> str:
    return f"({text})" if text else ""


def _overall(view: RunView) -> dict[str, Any] | None:
    """Returns the card of the decision across tasks; None where there is one task."""
    found = overall_of(view.decision)
    if found is None:
        return None
    more = (
        *found.sentences[2:],
        *found.changes,
        *(part.sentence for part in view.decision.without_task),
        *found.remarks,
    )
    return {"pick": found.pick or "No single pick", "sentences": found.sentences[:2], "more": more}


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


def _charts(group: Group, view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section | None:
    found = [plate for kind in group.kinds for plate in plates(view, advice, marks, kind)]
    if not found and group is not FRONT:
        return None
    legend = [{"css": m.css.removeprefix("--"), "label": m.label} for m in marks.values()]
    empty = "No candidate has both a quality and a cost, so there is no front to draw."
    data = {
        "figures": [_figure(plate) for plate in found],
        "legend": legend if group is FRONT else [],
        "empty": empty,
    }
    return Section(group.anchor, group.nav, group.title, "figures.html.j2", data, group.lede)


def explorer(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> Section | None:
    """Returns the explorer; None where there is nothing to explore."""
    found = explorer_data(view, advice, marks)
    if found is None:
        return None
    lede = "Choose the axes and move the limits: the front, the region that is out of bounds and the pick follow."
    data = {"json": script_json(found), "vega": Markup(packed(bundle()))}
    return Section("explorer", "Explore", "Move the limits yourself", "explorer.html.j2", data, lede)


def _figure(plate: Plate) -> dict[str, Any]:
    chart = plate.chart
    return {
        "svg": inline_svg(chart),
        "narrow": narrow_svg(chart),
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
        "Every cell of the run. Small figures are 95 % intervals; a dash has its reason in its "
        "tooltip and under Trouble."
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
        "caption": f"{sum(g['count'] for g in groups):,} doubts, grouped",
        "empty": "No measurement raised a doubt.",
    }
    return Section("doubts", "Doubts", "Reasons to trust a number less", "doubts.html.j2", data)


def samples(view: RunView, marks: Mapping[str, Mark]) -> Section:
    """Returns the answers side by side."""
    tasks: Sequence[Mapping[str, Any]] = sample_blocks(view, marks)
    lede = "The answers of all models to the same input. First those on which the models disagree most."
    return Section("samples", "Samples", "What the models said", "samples.html.j2", {"tasks": tasks}, lede)


def headline(view: RunView, advice: Mapping[str, TaskAdvice]) -> str:
    """Returns the page's title: the answer in one line."""
    picks = {name: about.pick for name, about in advice.items()}
    chosen = {pick for pick in picks.values() if pick}
    if not chosen:
        return f"{short(view.suite.name)}: no model can be recommended yet"
    if len(chosen) == 1 and all(picks.values()):
        everywhere = "" if len(picks) == 1 else " for every task"
        return f"{short(view.suite.name)}: ship {short(chosen.pop())}{everywhere}"
    said = [f"{short(pick, 24)} for {short(name, 24)}" for name, pick in picks.items() if pick]
    open_tasks = [short(name, 24) for name, pick in picks.items() if not pick]
    if len(said) > 3 or len(open_tasks) > 3:
        undecided = f", {len(open_tasks)} undecided" if open_tasks else ""
        return f"{short(view.suite.name)}: {plural(len(chosen), 'pick')} over {plural(len(picks), 'task')}{undecided}"
    rest = f"; no pick yet for {listed(open_tasks)}" if open_tasks else ""
    return f"{short(view.suite.name)}: ship {', '.join(said)}{rest}"
