"""Quality over load: each level against the lowest of its candidate, paired by example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.compare.levels import QualityAtLevel, not_of_a_level, quality_under_load
from bench.compare.quality import LEVEL
from bench.metrics.base import Field
from bench.report import tables
from bench.report.chart import LOAD, Chart, Plate, RunChart
from bench.report.drawing.load import Curve, Panel, Spot, draw_curves
from bench.report.drawing.rows import DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import RunView, TaskView
from bench.report.wording import Measure, measure_of, plural
from bench.suite.limits import QUALITY
from bench.summary.levels import counted

FIELDS: Mapping[Field, str] = {
    "scores": "scores",
    "nll": "likelihoods",
    "scored_tokens": "likelihoods",
    "scored_bytes": "likelihoods",
}
"""What a metric reads beside answers, in words."""
SALTED = " Prompts are salted, so that two answers may differ by their salt as well as by the load."


class QualityUnderLoad(RunChart):
    """Quality at every level, and whether it differs from that at the lowest."""

    name, title, section, order = "load-quality", "Quality over load", LOAD, 30

    def applies(self, view: RunView) -> bool:
        """Tell whether anything was loaded."""
        return any(entry.load for entry in view.entries)

    def draw(self, view: RunView, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give one chart for each task with two levels or more; all tests of the run are one family."""
        found = quality_under_load(view.entries)
        for task in view.tasks:
            own = [at for at in found if at.entry.cell.task == task.name]
            measure = measure_of(QUALITY, task.scored)
            if own and measure is not None:
                yield _plate(view, task, own, measure, len(found), marks)
            if (left_out := not_compared(task, marks)) is not None:
                yield left_out


def _plate(
    view: RunView,
    task: TaskView,
    found: Sequence[QualityAtLevel],
    measure: Measure,
    family: int,
    marks: Mapping[str, Mark],
) -> Plate:
    pick = view.decision.tasks[task.name].pick
    curves = [_curve(name, [at for at in found if at.entry.candidate == name], pick) for name in _names(found)]
    chart = Chart(
        name=f"load-quality-{task.number}",
        title=f"{short(task.name)}: quality over load",
        takeaway=takeaway(found),
        description=f"Lines of {plural(len(curves), 'candidate')}: quality over the offered rate.",
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_curves(curves, Panel(measure, measure.title), None, marks),
        note=(
            "Each level is compared with the lowest of its candidate, on the examples that both answered; p-values are "
            f"Holm's over {plural(family, 'test')}, those of all levels, candidates and tasks of the run."
            + (SALTED if any(at.level.salted for at in found) else "")
        ),
    )
    return Plate(chart, _table(task, found, marks))


def not_compared(task: TaskView, marks: Mapping[str, Mark]) -> Plate | None:
    """Say of whom no levels are compared, since the task's metric reads what no level has; None where all are."""
    entries = [entry for entry in task.scored if len(counted(entry)) > 1 and not_of_a_level(entry)]
    measure = measure_of(QUALITY, entries)
    if measure is None:
        return None
    fields = frozenset[Field]().union(*map(not_of_a_level, entries))
    read = " and ".join(sorted({FIELDS.get(field, field) for field in fields}))
    rows = [DotRow(e.candidate, e.cell.family, (), f"not compared: {read} are not kept") for e in entries[: task.rows]]
    chart = Chart(
        name=f"load-quality-none-{task.number}",
        title=f"{short(task.name)}: quality over load, not compared",
        takeaway=(
            f"Whether {measure.inner} changes with load is not known: it is computed from {read}, and of a level the "
            "answers alone are kept."
        ),
        description=f"Rows of {plural(len(rows), 'candidate')}, without values.",
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_rows(rows, measure, marks),
        note=(
            f"At every level {measure.inner} would be that of the unloaded model. It is left out, and counts for none "
            "of the tests of the other tasks."
        ),
        detail="not compared",
    )
    return Plate(chart, None, folded=True)


def _names(found: Sequence[QualityAtLevel]) -> list[str]:
    return list(dict.fromkeys(at.entry.candidate for at in found))


def takeaway(found: Sequence[QualityAtLevel]) -> str:
    """Say where quality changes with load for certain, or that it was not shown to."""
    changed = [at for at in found if at.row.p_holm <= LEVEL]
    if not changed:
        return f"No candidate's quality was shown to change with load ({plural(len(found), 'level')} compared)."
    first = changed[0]
    better = (first.row.difference > 0) == first.row.higher_is_better
    others = len(changed) - 1
    more = f", and {plural(others, 'other level')} {'differs' if others == 1 else 'differ'} too" if others else ""
    name, word = short(first.entry.candidate), "better" if better else "worse"
    return f"{name} is {word} at {first.level.rate:.3g} requests a second than at its lowest level{more}."


def _curve(name: str, found: Sequence[QualityAtLevel], pick: str | None) -> Curve:
    entry = found[0].entry
    lowest = min(level.rate for level in entry.load)
    spots = [Spot(lowest, found[0].row.a), *(Spot(at.level.rate, at.row.b) for at in found)]
    return Curve(name, entry.cell.family, tuple(spots), strong=name == pick)


def _table(task: TaskView, found: Sequence[QualityAtLevel], marks: Mapping[str, Mark]) -> tables.Table:
    columns = [
        tables.Column("candidate", numeric=False),
        tables.Column("offered", "requests per second"),
        tables.Column("quality"),
        tables.Column("at the lowest level"),
        tables.Column("difference", "with its 95 % interval"),
        tables.Column("p", "after Holm's correction over all levels of the run"),
        tables.Column("test", numeric=False),
        tables.Column("changed", "answers that differ"),
        tables.Column("n", "examples that both levels answered"),
    ]
    return tables.beside(f"Quality over load on {task.name}", columns, [_row(at, marks) for at in found], task.rows)


def _row(at: QualityAtLevel, marks: Mapping[str, Mark]) -> tables.Row:
    row = at.row
    spread = "" if row.ci_low is None or row.ci_high is None else f"{row.ci_low:+.3g} to {row.ci_high:+.3g}"
    return tables.Row(
        (
            tables.name_item(at.entry, marks),
            tables.Item(f"{at.level.rate:.3g}/s", at.level.rate),
            tables.Item(f"{row.b:.4g}", row.b),
            tables.Item(f"{row.a:.4g}", row.a),
            tables.Item(f"{row.difference:+.3g}", row.difference, spread),
            tables.Item(f"{row.p_holm:.3g}", row.p_holm),
            tables.Item(row.test.value),
            tables.Item(f"{row.flips.changed} of {row.n}", row.flips.changed),
            tables.Item(str(row.n), row.n),
        )
    )
