"""Each variant against its parent: what a data type, quantisation or pruning gained and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.plate import Plate
from bench.report.charts.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, plural, signed
from bench.summary import Entry

COMPARED = ("latency_p50_s", "peak_rss_bytes", "energy_per_example_j")
WORDS = ("latency p50", "peak memory", "energy")
_RATIO = Measure("ratio", "Times the parent's value", "ratio", "count", higher_is_better=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A variant beside its parent."""

    parent: Entry
    variant: Entry


def variant_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields the ratios of each variant to its parent, where there are variants."""
    found = [pair for pair in pairs(task) if _ratios(pair)]
    if not found:
        return
    rows = [
        DotRow(p.variant.candidate, p.variant.cell.family, tuple(Dot(r, series=i) for i, r in _ratios(p)))
        for p in found[: task.rows]
    ]
    first = min(found, key=lambda p: _ratios(p)[0][1])
    chart = Chart(
        name=f"variants-{task.number}",
        title=f"{short(task.name)}: variants against their parents",
        takeaway=_takeaway(first, task),
        description=(
            f"Dot chart of {plural(len(found), 'variant')}: each cost as a ratio to the parent's; left of 1 is cheaper."
        ),
        narrow=not task.crowded,
        draw=lambda: draw_rows(rows, _RATIO, marks, series=WORDS, lines=[(1.0, "")]),
    )
    yield Plate(chart, _table(task, found, marks))


def _takeaway(best: Pair, task: TaskView) -> str:
    """Returns what the variant with the lowest first ratio gains, and what its quality does meanwhile."""
    index, ratio = _ratios(best)[0]
    change = _change(best)
    title = "quality" if task.quality is None else task.quality.inner
    quality = (
        "" if change is None else f"; its {title} " + ("is the same" if change == 0 else f"moves by {signed(change)}")
    )
    name = short(best.variant.candidate)
    if ratio >= 1:
        return f"No variant has a lower {WORDS[index]} than its parent; {name} is at {ratio:.2f} times it{quality}."
    return f"{name} gains most: {WORDS[index]} {ratio:.2f} times its parent's{quality}."


def _change(pair: Pair) -> float | None:
    before, after = value_of(pair.parent, "quality"), value_of(pair.variant, "quality")
    return None if before is None or after is None else after - before


def pairs(task: TaskView) -> list[Pair]:
    """Returns each variant with the plain run of the same model."""
    plain = {e.cell.model: e for e in task.entries if e.cell.variant == "float32" and e.status == "ok"}
    varied = [e for e in task.entries if e.cell.variant != "float32" and e.status == "ok"]
    return [Pair(plain[e.cell.model], e) for e in varied if e.cell.model in plain]


def _ratios(pair: Pair) -> list[tuple[int, float]]:
    found = []
    for i, name in enumerate(COMPARED):
        before, after = value_of(pair.parent, name), value_of(pair.variant, name)
        if before and after:
            found.append((i, after / before))
    return found


def _table(task: TaskView, found: Sequence[Pair], marks: Mapping[str, Mark]) -> tables.Table:
    columns = (
        tables.Column("variant", numeric=False),
        tables.Column("quality"),
        *(tables.Column(w) for w in WORDS),
    )
    rows = []
    for pair in found:
        change = _change(pair)
        ratios = dict(_ratios(pair))
        items = [
            tables.name_item(pair.variant, marks),
            tables.Item("–" if change is None else signed(change), change),
        ]
        items += [
            tables.Item(f"× {ratios[i]:.2f}", ratios[i]) if i in ratios else tables.Item("–") for i in range(len(WORDS))
        ]
        rows.append(tables.Row(tuple(items)))
    return tables.beside(f"Variants on {task.name}, against their parents", columns, rows, task.rows)
