"""Each variant against its parent: what a data type, quantisation or pruning gained and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.catalogue.readings import READINGS, in_sentence
from bench.compare.pairs import EfficiencyRow, efficiency_rows
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import VARIANTS, Chart, Plate, TaskChart
from bench.report.differences import Gap, differences, ends, left_out
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, plural, signed
from bench.suite.runtimes import DEFAULT_RUNTIME
from bench.summary import Entry

COSTS = ("latency_p50_s", "peak_rss_bytes", "energy_per_example_j")
WORDS = {name: in_sentence(READINGS[name].short) for name in COSTS}
"""Costs that are compared, and their words; the first that a pair has decides who gains most."""
NOTE = "Bars are 95 % intervals of the ratio, where there is one."
_RATIO = Measure("ratio", "Times the parent's value", "ratio", "count", higher_is_better=False, inner="ratio")


@dataclass(frozen=True, slots=True)
class Pair:
    """A variant beside its parent."""

    parent: Entry
    variant: Entry
    ratios: Mapping[str, EfficiencyRow]
    """By reading: the variant's value over the parent's, with its interval where there is one."""
    gap: Gap | None
    """The paired difference in quality; None where it cannot be told."""


class Variants(TaskChart):
    """The costs of each variant as ratios to its parent's."""

    name, title, section, order = "variants", "Variants against their parents", VARIANTS, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether the task has variants."""
        return any(not is_plain(entry) for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the ratios of each variant whose parent ran."""
        compared = [pair for pair in pairs(task, advice) if pair.ratios]
        if not compared:
            return
        rows = [DotRow(p.variant.candidate, p.variant.cell.family, _dots(p)) for p in compared[: task.rows]]
        counted, cut = plural(len(compared), "variant"), left_out(task, len(compared), "first")
        chart = Chart(
            name=f"variants-{task.number}",
            title=f"{short(task.name)}: variants against their parents",
            takeaway=_takeaway(compared, task),
            description=f"Dot chart of {counted}: each cost as a ratio to the parent's; left of 1 is cheaper.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(rows, _RATIO, marks, series=tuple(WORDS.values()), lines=[(1.0, "")]),
            note=" ".join(filter(None, (NOTE, cut, _executed(compared, advice)))),
        )
        yield Plate(chart, _table(task, compared, marks))


def is_plain(entry: Entry) -> bool:
    """Tell whether an entry is a model as it is, of which variants are made."""
    return entry.candidate == entry.cell.model


def _executed(compared: Sequence[Pair], advice: TaskAdvice) -> str:
    """Name the members of the front that another runtime than torch executes."""
    names = [
        pair.variant.candidate
        for pair in compared
        if pair.variant.candidate in advice.front
        and pair.variant.cell.job is not None
        and pair.variant.cell.job.variant.runtime != DEFAULT_RUNTIME
    ]
    return f"On the front under another runtime than torch: {', '.join(map(short, names))}." if names else ""


def _dots(pair: Pair) -> tuple[Dot, ...]:
    ratios = [(series, pair.ratios[name]) for series, name in enumerate(WORDS) if name in pair.ratios]
    return tuple(Dot(row.ratio, row.ci_low, row.ci_high, series) for series, row in ratios)


def _first(pair: Pair) -> EfficiencyRow:
    return next(pair.ratios[name] for name in WORDS if name in pair.ratios)


def _takeaway(compared: Sequence[Pair], task: TaskView) -> str:
    """Say which variant certainly gains most, and what its quality does meanwhile."""
    gains = [pair for pair in compared if (high := _first(pair).ci_high) is not None and high < 1]
    if not gains:
        best = min(compared, key=lambda pair: _first(pair).ratio)
        row = _first(best)
        return (
            f"No variant is shown to have a lower {WORDS[row.reading]} than its parent; "
            f"{short(best.variant.candidate)} comes nearest, {row.ratio:.2f} times{_meanwhile(best, task)}."
        )
    best = min(gains, key=lambda pair: _first(pair).ratio)
    row = _first(best)
    return (
        f"{short(best.variant.candidate)} gains most: {WORDS[row.reading]} {row.ratio:.2f} times its parent's"
        f"{_meanwhile(best, task)}."
    )


def _meanwhile(pair: Pair, task: TaskView) -> str:
    if pair.gap is None or task.quality is None:
        return ""
    title, gap = task.quality.inner, pair.gap
    if gap.value == 0:
        return f"; its {title} is the same"
    return f"; its {title} moves by {signed(gap.value)}" + ("" if gap.settled else ", which may be chance")


def pairs(task: TaskView, advice: TaskAdvice) -> list[Pair]:
    """Pair each variant with the plain run of the same model."""
    plain = {e.cell.model: e for e in task.entries if is_plain(e) and e.ended_well}
    varied = [e for e in task.entries if not is_plain(e) and e.ended_well]
    return [_pair(task, advice, plain[e.cell.model], e) for e in varied if e.cell.model in plain]


def _pair(task: TaskView, advice: TaskAdvice, parent: Entry, variant: Entry) -> Pair:
    rows = efficiency_rows(parent, variant, tuple(WORDS))
    scored = parent in task.scored and variant in task.scored
    gaps = differences(task, advice, parent, [variant]) if scored else []
    return Pair(parent, variant, {row.reading: row for row in rows}, gaps[0] if gaps else None)


def _table(task: TaskView, compared: Sequence[Pair], marks: Mapping[str, Mark]) -> tables.Table:
    columns = (
        tables.Column("variant", numeric=False),
        tables.Column("quality"),
        *(tables.Column(word) for word in WORDS.values()),
        tables.Column("equal answers"),
        tables.Column("largest difference of scores"),
    )
    rows = []
    for pair in compared:
        gap = pair.gap
        items = [
            tables.name_item(pair.variant, marks),
            tables.Item("–") if gap is None else tables.Item(signed(gap.value), gap.value, ends(gap)),
            *(_ratio(pair.ratios.get(name)) for name in WORDS),
            *_likeness(pair.variant),
        ]
        rows.append(tables.Row(tuple(items)))
    return tables.beside(f"Variants on {task.name}, against their parents", columns, rows, task.rows)


def _likeness(variant: Entry) -> tuple[tables.Item, tables.Item]:
    """Tell how many answers are the parent's, and by how much a score differs at most."""
    likeness = variant.likeness
    if likeness is None:
        return tables.Item("–"), tables.Item("–")
    share = tables.Item(f"{likeness.equal} of {likeness.compared}", likeness.share)
    if likeness.largest is None:
        return share, tables.Item("–")
    return share, tables.Item(f"{likeness.largest:.2g}", likeness.largest)


def _ratio(row: EfficiencyRow | None) -> tables.Item:
    if row is None:
        return tables.Item("–")
    has_interval = row.ci_low is not None and row.ci_high is not None
    return tables.Item(
        f"× {row.ratio:.2f}", row.ratio, f"{row.ci_low:.2f} to {row.ci_high:.2f}" if has_interval else ""
    )
