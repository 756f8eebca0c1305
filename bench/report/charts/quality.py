"""Quality with its intervals, and each candidate's paired difference to the strongest baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypedDict

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import QUALITY, Chart, Plate, TaskChart
from bench.report.differences import Gap, by_quality, differences, ends, left_out, reference_of
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, listed, number, plural, signed
from bench.suite import limits
from bench.summary import Entry

MOST_METRICS = 3
"""Metrics in the table beside the chart; the table of results has all."""
MOST_REFERENCES, FEW_REFERENCES = 20, 3
"""References that the page's script can switch to, in an ordinary run and in a crowded one (with 60 models all
pairs would take half a megabyte); `--reference` draws any."""
DIGITS = 4
"""Significant digits of a difference that is only drawn."""


class Quality(TaskChart):
    """Quality per candidate, and the differences to a reference."""

    name, title, section, order = "quality", "Quality and paired differences", QUALITY, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything was scored."""
        return task.quality is not None

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the quality of each candidate, then the paired differences where there is a reference."""
        measure = task.quality
        if measure is None:
            return
        ordered = by_quality(task)
        rows = [_row(entry, advice) for entry in ordered[: task.rows]]
        chart = Chart(
            name=f"quality-{task.number}",
            title=f"{short(task.name)}: {measure.title}",
            takeaway=_takeaway(ordered, measure),
            description=f"Dot chart of {plural(len(rows), 'candidate')}, the best at the top, with 95 % intervals.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(rows, measure, marks),
            note=left_out(task, len(ordered)),
        )
        yield Plate(chart, _scores(task, ordered, marks))
        gaps = differences(task, advice)
        if gaps:
            yield _difference_plate(task, advice, marks, measure, gaps)


def _scores(task: TaskView, ordered: list[Entry], marks: Mapping[str, Mark]) -> tables.Table:
    names = list(dict.fromkeys(name for entry in ordered for name in entry.quality))[:MOST_METRICS]
    columns = (
        tables.Column("candidate", numeric=False),
        *(tables.Column(tables.metric_title(n)) for n in names),
    )
    rows = [
        tables.Row((tables.name_item(e, marks), *(tables.quantity_item(e.quality.get(n)) for n in names)))
        for e in ordered
    ]
    return tables.beside(f"Quality on {task.name}", columns, rows, task.rows)


def _row(entry: Entry, advice: TaskAdvice) -> DotRow:
    quality = entry.quantity(limits.QUALITY)
    assert quality is not None and quality.value is not None
    dots = (Dot(quality.value, quality.ci_low, quality.ci_high),)
    return DotRow(entry.candidate, entry.cell.family, dots, strong=entry.candidate == advice.pick)


def _takeaway(ordered: list[Entry], measure: Measure) -> str:
    best = ordered[0].quantity(limits.QUALITY)
    assert best is not None and best.value is not None
    sentence = f"{short(ordered[0].candidate)} is best with {number(best.value, measure.unit)}"
    if not best.has_interval:
        return f"{sentence}; it has no interval that would tell how sure that is."
    if len(ordered) == 1:
        return f"{short(ordered[0].candidate)} is the only candidate, with {number(best.value, measure.unit)}."
    close = [e.candidate for e in ordered[1:] if _touches(e, best.ci_low, best.ci_high)]
    if not close:
        return f"{sentence}, and no other interval reaches into its own."
    return (
        f"{sentence}; the intervals of {listed([short(c) for c in close])} overlap with its own, so "
        "compare the paired differences."
    )


def _touches(entry: Entry, low: float | None, high: float | None) -> bool:
    quality = entry.quantity(limits.QUALITY)
    if quality is None or quality.ci_low is None or quality.ci_high is None or low is None or high is None:
        return False
    return quality.ci_low <= high and low <= quality.ci_high


def _difference_plate(
    task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark], measure: Measure, gaps: list[Gap]
) -> Plate:
    reference = short(gaps[0].reference)
    axis = replace(measure, title=f"{measure.title}, difference to {reference}")
    rows = [
        DotRow(
            g.entry.candidate,
            g.entry.cell.family,
            (Dot(g.value, *(g.interval or ())),),
            strong=g.entry.candidate == advice.pick,
        )
        for g in gaps[: task.rows]
    ]
    better = [g for g in gaps if _beats(g, measure)]
    chart = Chart(
        name=f"quality-difference-{task.number}",
        detail="difference",
        title=f"{short(task.name)}: paired difference to {reference}",
        takeaway=beaten(len(better), len(gaps), reference),
        description=(
            f"Dot chart of the difference in {measure.inner} to {reference}, with 95 % intervals from shared resamples."
        ),
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_rows(rows, axis, marks, title=axis.title, zero=True),
        note=f"{EACH} {left_out(task, len(gaps))}".strip(),
    )
    return Plate(chart, difference_table(task, gaps, measure, marks), switch(task, advice, marks, measure))


EACH = "Each interval is 95 % by itself: of twenty, one misses by chance. bench compare corrects for that, two by two."
"""How to read many intervals at once."""


def beaten(count: int, of: int, reference: str) -> str:
    """Write the takeaway of differences; `differences.js` says the same."""
    who = f"{count:,} of {plural(of, 'candidate')}"
    return (
        f"On the same examples {who} {'is' if 1 in (count, of) else 'are'} better than {reference} by more than chance."
    )


class Reference(TypedDict):
    """The differences to one reference, for the page's script."""

    base: int
    """Place of the reference among the names."""
    better: int
    of: int
    gaps: list[list[float]]
    """Place of the candidate, difference, and the ends of its interval where it has one."""


class Switch(TypedDict):
    """What the page's script needs to draw the differences against another reference."""

    names: list[str]
    marks: list[str]
    """Class of each name's mark."""
    pick: int
    """Place of the pick; −1 where there is none."""
    title: str
    higher: bool
    references: list[Reference]


def switch(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark], measure: Measure) -> Switch:
    """Work out the differences to each reference that the page offers; the first is the one that is drawn."""
    ordered = by_quality(task)
    first = reference_of(task)
    liked = [first.candidate if first else "", advice.pick or advice.leader or "", advice.runner_up or ""]
    rank = {name: place for place, name in reversed(list(enumerate(liked)))}
    offered = sorted(ordered, key=lambda e: rank.get(e.candidate, len(liked)))
    offered = [e for e in offered if e.ended_well][: FEW_REFERENCES if task.crowded else MOST_REFERENCES]
    by_reference = [(e, gaps) for e in offered if (gaps := differences(task, advice, e))]
    drawn = {entry.candidate for base, gaps in by_reference for entry in (base, *(g.entry for g in gaps[: task.rows]))}
    shown = [entry for entry in ordered if entry.candidate in drawn]
    place = {entry.candidate: i for i, entry in enumerate(shown)}
    return {
        "names": [short(entry.candidate) for entry in shown],
        "marks": [marks[entry.cell.family].css.removeprefix("--") for entry in shown],
        "pick": place.get(advice.pick or "", -1),
        "title": measure.title,
        "higher": measure.higher_is_better,
        "references": [
            {
                "base": place[base.candidate],
                "better": sum(_beats(gap, measure) for gap in gaps),
                "of": len(gaps),
                "gaps": [_packed(gap, place) for gap in gaps[: task.rows]],
            }
            for base, gaps in by_reference
        ],
    }


def _beats(gap: Gap, measure: Measure) -> bool:
    return gap.interval is not None and gap.settled and (gap.interval[0] > 0) == measure.higher_is_better


def verdict(gap: Gap, measure: Measure) -> str:
    """Say which of the two is better, as far as the interval tells."""
    return "not settled" if not gap.settled else "better" if _beats(gap, measure) else "worse"


def _packed(gap: Gap, place: Mapping[str, int]) -> list[float]:
    return [place[gap.entry.candidate], *(float(f"{v:.{DIGITS}g}") for v in (gap.value, *(gap.interval or ())))]


def difference_table(task: TaskView, gaps: list[Gap], measure: Measure, marks: Mapping[str, Mark]) -> tables.Table:
    """Tabulate the differences."""
    rows = [
        tables.Row(
            (
                tables.name_item(gap.entry, marks),
                tables.Item(signed(gap.value), gap.value, ends(gap)),
                tables.Item(verdict(gap, measure)),
            )
        )
        for gap in gaps
    ]
    head = f"difference to {short(gaps[0].reference, 20)}"
    columns = (
        tables.Column("candidate", numeric=False),
        tables.Column(head),
        tables.Column("verdict", numeric=False),
    )
    return tables.beside(f"{measure.title}: {head}", columns, rows, task.rows)
