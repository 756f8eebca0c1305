"""The interactive explorer: its Vega-Lite specification (made with Altair) and its data.

The script repeats the decision's rule on the observed values: `charged_rule` gives every rule as stages
with a score per
candidate, and `check_all` the bound that must be inside a limit. Both are embedded at full precision, so
that with the
same limit the page names whom `bench recommend` names.
"""

from __future__ import annotations

import base64
import gzip
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import shown_in
from bench.decision import Question
from bench.decision.board import Board, Column
from bench.decision.charge import charged_rule
from bench.decision.constraints import check_all
from bench.decision.rule import Stage
from bench.digest import content_hash
from bench.host import caches
from bench.report.advice import TaskAdvice
from bench.report.explorer_json import AxisData, ExplorerData, LimitData, Look, Specification, StageData, TaskData
from bench.report.marks import Mark
from bench.report.tables import anchor_of
from bench.report.text import short
from bench.report.view import RunView, TaskView, value_of
from bench.report.wording import Measure, measure_of
from bench.suite.limits import QUALITY, Limit, Operator
from bench.summary import Quantity
from bench.units import display_unit, scales
from bench.words.standings import missing

if TYPE_CHECKING:
    import altair as alt

TIP_DIGITS = 5
"""Significant digits of what is only drawn."""
EXACT_DIGITS = 12
"""Of what the decision is made by: beyond them is rounding alone, such as the end of 0.0039819320000000005."""


SNIPPET = "window.vegaEmbed=vegaEmbed;"
"""What the bundle leaves for the page's own script."""


@lru_cache(maxsize=1)
def bundle() -> str:
    """Bundle the JavaScript of Vega, Vega-Lite and Vega-Embed, minified, for a classic script element.

    Bundling takes a second and gives the same each time, so it is kept for this version of the bundler.
    """
    made_by = content_hash([version("vl-convert-python"), SNIPPET])
    place = caches.folder() / f"vega-{made_by[:16]}.js"
    kept = caches.read(place)
    if kept is not None:
        return kept.decode()
    import vl_convert

    code = str(vl_convert.javascript_bundle(SNIPPET))
    caches.keep(place, code.encode())
    return code


def packed(code: str) -> str:
    """Pack text as base64 of gzip, the same bytes each time; the page unpacks it when the explorer is
    wanted."""
    return base64.b64encode(gzip.compress(code.encode(), 9, mtime=0)).decode()


def explorer_data(view: RunView, advice: Mapping[str, TaskAdvice], marks: Mapping[str, Mark]) -> ExplorerData | None:
    """Gather all that the explorer's script needs; None when no task has two measures of a candidate."""
    tasks = [t for task in view.tasks if (t := _task(task, advice[task.name], view.decision.question)) is not None]
    if not tasks:
        return None
    looks: list[Look] = [
        {"family": f, "label": m.label, "light": m.colour, "dark": m.dark, "shape": m.vega} for f, m in marks.items()
    ]
    return {"tasks": tasks, "marks": looks, "spec": specification(looks), "scales": scales()}


def _task(task: TaskView, advice: TaskAdvice, question: Question) -> TaskData | None:
    if advice.decision is None:
        return None
    measures = _measures(task)
    entries = [e for e in task.entries if e.ended_well]
    if len(measures) < 2 or not entries:
        return None
    board = advice.decision.board
    row_of = {name: row for row, name in enumerate(board.names)}
    rows = [row_of[e.candidate] for e in entries]
    rule = charged_rule(board, [standing.checks for standing in advice.decision.standings], question.rule)
    return {
        "name": short(task.name),
        "measures": [_measure(m, task) for m in measures],
        "x": next((i for i, m in enumerate(measures) if m in task.costs), 1),
        "candidates": [
            {
                "name": short(e.candidate),
                "family": e.cell.family,
                "row": anchor_of(task, e),
                "missing": None if (lack := board.missing(row)) is None else missing(lack),
                "values": [_triple(e.quantity(m.name)) for m in measures],
            }
            for e, row in zip(entries, rows, strict=True)
        ],
        "columns": [_floats(board.oriented[rows, c]) for c in range(len(board.columns))],
        "objectives": board.objectives,
        "stages": [_stage(board, s, rows) for s in rule],
        "limits": _limits(board, question, rows, measures),
    }


def _stage(board: Board, stage: Stage, rows: Sequence[int]) -> StageData:
    """Give a stage's scores only where they are not simply those of a column."""
    is_plain = stage.column is not None and np.array_equal(
        stage.scores, board.oriented[:, stage.column], equal_nan=True
    )
    scores = None if is_plain else _floats(stage.scores[rows])
    return {
        "column": stage.column,
        "scores": scores,
        "slack": stage.slack,
        "relative": stage.slack_is_relative,
    }


def _measures(task: TaskView) -> list[Measure]:
    """List what the axes offer: quality first, then the objectives, the metrics and the usual readings."""
    metrics = [name for e in task.scored[:1] for name in e.quality]
    measures: dict[str, Measure] = {}
    readings = shown_in("explorer")[:1] if task.crowded else shown_in("explorer")
    for name in [QUALITY, *(m.name for m in task.objectives), *metrics, *readings]:
        measure = measure_of(name, task.scored or task.entries)
        if measure is not None and task.measured(name) and measure.title not in measures:
            measures[measure.title] = measure
    return list(measures.values())


def _measure(measure: Measure, task: TaskView) -> AxisData:
    values = sorted(v for e in task.measured(measure.name) if (v := value_of(e, measure.name)) is not None)
    unit, factor = display_unit(values[len(values) // 2], measure.unit)
    log = measure.is_cost and values[0] > 0
    return {
        "title": measure.short,
        "base": measure.unit,
        "unit": unit,
        "factor": factor,
        "higher": measure.higher_is_better,
        "log": log,
        "canlog": values[0] > 0,
    }


def _triple(quantity: Quantity | None) -> list[float | None] | None:
    if quantity is None or quantity.value is None:
        return None
    ends = () if quantity.exact or not quantity.has_interval else (quantity.ci_low, quantity.ci_high)
    return [_round(v) for v in (quantity.value, *ends)]


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.{TIP_DIGITS}g}")


def _floats(values: NDArray[np.float64]) -> list[float | None]:
    return [None if not np.isfinite(v) else float(f"{v:.{EXACT_DIGITS}g}") for v in values]


def _limits(board: Board, question: Question, rows: Sequence[int], measures: Sequence[Measure]) -> list[LimitData]:
    """List the suite's limits and, switched off, one for each other objective."""
    limits = [limit for limit in question.limits if board.column(limit.name) is not None]
    bound = {board.column(limit.name) for limit in limits}
    free = [_free(column) for c, column in enumerate(board.columns[: board.objectives]) if c not in bound]
    shown: list[LimitData] = []
    for limit in [*limits, *free]:
        index = board.column(limit.name)
        assert index is not None
        column = board.columns[index]
        checks = [next(iter(row), None) for row in check_all(board, [limit], question.rule.risk)]
        bounds = [None if (c := checks[row]) is None else c.bound for row in rows]
        finite_bounds = [b for b in bounds if b is not None]
        if not finite_bounds:
            continue
        on = limit in limits
        unit, factor = (
            ("% of best", 0.01) if limit.of_best else display_unit(float(np.median(finite_bounds)), column.unit)
        )
        reach = [*finite_bounds, *([limit.value] if on else [])]
        shown.append(
            {
                "name": limit.name,
                "title": _title(column, measures),
                "operator": limit.operator,
                "on": on,
                "value": limit.value if on else (max(finite_bounds) if limit.is_upper else min(finite_bounds)),
                "low": min(reach),
                "high": max(reach),
                "base": "" if limit.of_best else column.unit,
                "unit": unit,
                "factor": factor,
                "bounds": bounds,
                "axis": None if limit.of_best else _axis(column, measures),
                "log": column.unit not in ("ratio", "score") and min(reach) > 0 and not limit.of_best,
            }
        )
    return shown


def _free(column: Column) -> Limit:
    operator: Operator = ">=" if column.higher_is_better else "<="
    return Limit(column.asked, operator, 0.0, of_best=False, text="")


def _axis(column: Column, measures: Sequence[Measure]) -> int | None:
    return next((i for i, m in enumerate(measures) if m.name in (column.asked, column.name)), None)


def _title(column: Column, measures: Sequence[Measure]) -> str:
    index = _axis(column, measures)
    return column.name if index is None else measures[index].short


def specification(looks: Sequence[Look]) -> Specification:
    """Make the Vega-Lite specification; its data and axes are set by the page's script."""
    import altair as alt

    x, y = alt.X("x:Q"), alt.Y("y:Q")
    region = alt.Chart(alt.NamedData("regions")).mark_rect(opacity=0.08, color="#b3261e", clip=True)
    region = region.encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    line = alt.Chart(alt.NamedData("steps"))
    line = line.mark_line(interpolate="step-after", strokeWidth=1.4, opacity=0.6, clip=True)
    line = line.encode(x=x, y=y, order="order:Q")
    chart = alt.layer(region, line, *_points(looks)).properties(width="container", height=430)
    chart = chart.configure(background="transparent").configure_view(stroke=None)
    spec: Specification = chart.to_dict()
    spec.pop("$schema", None)
    spec["datasets"] = {"points": [], "steps": [], "regions": []}
    return spec


def _points(looks: Sequence[Look]) -> list[alt.Chart]:
    """Make the layers of the candidates: crosses, the pick's ring, marks and names."""
    import altair as alt

    families, colours = [look["family"] for look in looks], [look["light"] for look in looks]
    x, y, points = alt.X("x:Q"), alt.Y("y:Q"), alt.Chart(alt.NamedData("points"))
    colour = alt.Color("family:N", legend=None, scale=alt.Scale(domain=families, range=colours))
    shape = alt.Shape("family:N", legend=None, scale=alt.Scale(domain=families, range=[k["shape"] for k in looks]))
    filled = alt.Scale(domain=["", *families], range=["transparent", *colours])
    faint, opacity = alt.Opacity("faint:Q", scale=None), alt.Opacity("opacity:Q", scale=None)
    spread = points.mark_rule(strokeWidth=1.2, clip=True)
    across = spread.encode(x=alt.X("xl:Q"), x2="xh:Q", y=y, color=colour, opacity=faint)
    along = spread.encode(x=x, y=alt.Y("yl:Q"), y2="yh:Q", color=colour, opacity=faint)
    ring = points.mark_point(size=420, strokeWidth=1.6, filled=False, shape="circle", clip=True)
    ring = ring.transform_filter("datum.pick").encode(x=x, y=y)
    dots = points.mark_point(size=95, strokeWidth=2, cursor="pointer", clip=True)
    fill = alt.Fill("filled:N", scale=filled, legend=None)
    dots = dots.encode(x=x, y=y, color=colour, shape=shape, opacity=opacity, fill=fill)
    words = points.mark_text(
        baseline="middle",
        fontSize=12,
        clip=True,
        align=alt.expr("datum.align"),
        dx=alt.expr("datum.ox"),
        dy=alt.expr("datum.oy"),
    )
    words = words.transform_filter("datum.named").encode(x=x, y=y, text="name:N")
    return [across, along, ring, dots, words]
