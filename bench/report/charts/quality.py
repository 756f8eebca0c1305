"""Quality with its intervals, and each candidate's paired difference to the strongest baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.candidates import is_floor
from bench.compare.quality import interval_of
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.plate import Plate
from bench.report.charts.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, listed, number, plural, signed
from bench.summary import Entry
from bench.summary.quality import shared_resamples

Floats = NDArray[np.float64]

MOST_METRICS = 3
"""Metrics in the table beside the chart; the table of results has all."""
MOST_REFERENCES, FEW_REFERENCES = 20, 3
"""References that the page's script can switch to, in an ordinary run and in a crowded one (with 60 models all
pairs would take half a megabyte); `--reference` draws any."""
DIGITS = 4
"""Significant digits of a difference that is only drawn."""


def quality_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields quality per candidate, then the differences to a reference."""
    measure = task.quality
    if measure is None:
        return
    ordered = by_quality(task)
    rows = [_row(entry, advice) for entry in ordered[: task.rows]]
    yield Plate(
        Chart(
            name=f"quality-{task.number}",
            title=f"{short(task.name)}: {measure.title}",
            takeaway=_takeaway(ordered, measure),
            description=(f"Dot chart of {plural(len(rows), 'candidate')}, the best at the top, with 95 % intervals."),
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(rows, measure, marks),
            note=left_out(task, len(ordered)),
        ),
        _scores(task, ordered, marks),
    )
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


def left_out(task: TaskView, count: int, which: str = "best") -> str:
    """Returns that a chart shows only its first rows, where it does."""
    return f"The {which} {task.rows} of {count} are drawn; the table of results has all." if count > task.rows else ""


def by_quality(task: TaskView) -> list[Entry]:
    """Returns the scored entries, the best first."""
    sign = -1.0 if task.quality is None or task.quality.higher_is_better else 1.0
    return sorted(task.scored, key=lambda e: sign * (value_of(e, "quality") or 0.0))


def _row(entry: Entry, advice: TaskAdvice) -> DotRow:
    found = entry.quantity("quality")
    assert found is not None and found.value is not None
    dots = (Dot(found.value, found.ci_low, found.ci_high),)
    return DotRow(entry.candidate, entry.cell.family, dots, strong=entry.candidate == advice.pick)


def _takeaway(ordered: list[Entry], measure: Measure) -> str:
    best = ordered[0].quantity("quality")
    assert best is not None and best.value is not None
    said = f"{short(ordered[0].candidate)} is best with {number(best.value, measure.unit)}"
    if not best.has_interval:
        return f"{said}; it has no interval that would tell how sure that is."
    if len(ordered) == 1:
        return f"{short(ordered[0].candidate)} is the only candidate, with {number(best.value, measure.unit)}."
    close = [e.candidate for e in ordered[1:] if _touches(e, best.ci_low, best.ci_high)]
    if not close:
        return f"{said}, and no other interval reaches into its own."
    return (
        f"{said}; the intervals of {listed([short(c) for c in close])} overlap with its own, so "
        "compare the paired differences."
    )


def _touches(entry: Entry, low: float | None, high: float | None) -> bool:
    found = entry.quantity("quality")
    if found is None or found.ci_low is None or found.ci_high is None or low is None or high is None:
        return False
    return found.ci_low <= high and low <= found.ci_high


@dataclass(frozen=True, slots=True)
class Gap:
    """The paired difference of one candidate to the reference."""

    entry: Entry
    reference: str
    value: float
    low: float
    high: float

    @property
    def settled(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.low > 0 or self.high < 0


def reference_of(task: TaskView) -> Entry | None:
    """Returns the candidate that was asked for, else the strongest baseline, else the weakest candidate."""
    ordered = [entry for entry in by_quality(task) if entry.status == "ok"]  # the decision has no others
    asked = [entry for entry in ordered if entry.candidate == task.reference]
    if asked:
        return asked[0]
    floors = [entry for entry in ordered if is_floor(entry.cell.family)]
    return floors[0] if floors else ordered[-1] if len(ordered) > 1 else None


def differences(
    task: TaskView, advice: TaskAdvice, reference: Entry | None = None, among: Sequence[Entry] | None = None
) -> list[Gap]:
    """Returns each other candidate's (or that of those `among` which are asked for) difference in quality to the
    reference, on the same examples."""
    reference = reference or reference_of(task)
    board = None if advice.decision is None else advice.decision.board
    column = None if board is None else board.column("quality")
    if reference is None or board is None or column is None:
        return []
    place = {name: row for row, name in enumerate(board.names)}
    base = place[reference.candidate]
    found = []
    for entry in by_quality(task) if among is None else among:
        row = place[entry.candidate]
        drawn = board.draws[:, row, column] - board.draws[:, base, column]
        if row == base or np.isnan(drawn).any():
            continue
        low, high = _interval(board.columns[column].name, reference, entry, drawn)
        gap = float(board.values[row, column] - board.values[base, column])
        found.append(Gap(entry, reference.candidate, gap, low, high))
    return found


def _interval(metric: str, reference: Entry, entry: Entry, drawn: Floats) -> tuple[float, float]:
    """Returns the interval that `bench compare` gives; of answers that are gone, that of the draws."""
    pair = [e.statistics.get(metric) for e in (reference, entry)]
    found = None
    if reference.example_ids == entry.example_ids and pair[0] is not None and pair[1] is not None:
        found = interval_of(entry.metrics[metric], (pair[0], pair[1]), drawn, shared_resamples(entry.samples))
    low, high = found or np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _difference_plate(
    task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark], measure: Measure, gaps: list[Gap]
) -> Plate:
    reference = short(gaps[0].reference)
    axis = replace(measure, title=f"{measure.title}, difference to {reference}")
    rows = [
        DotRow(
            g.entry.candidate,
            g.entry.cell.family,
            (Dot(g.value, g.low, g.high),),
            strong=g.entry.candidate == advice.pick,
        )
        for g in gaps[: task.rows]
    ]
    better = [g for g in gaps if _beats(g, measure)]
    chart = Chart(
        name=f"quality-difference-{task.number}",
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
    """Returns the takeaway of differences; `differences.js` says the same."""
    who = f"{count:,} of {plural(of, 'candidate')}"
    return (
        f"On the same examples {who} {'is' if 1 in (count, of) else 'are'} better than {reference} by more than chance."
    )


def switch(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark], measure: Measure) -> dict[str, Any]:
    """Returns the differences to each reference that the page offers; the first is the one that is drawn."""
    ordered = by_quality(task)
    first = reference_of(task)
    liked = [first.candidate if first else "", advice.pick or advice.leader or "", advice.runner_up or ""]
    rank = {name: place for place, name in reversed(list(enumerate(liked)))}
    offered = sorted(ordered, key=lambda e: rank.get(e.candidate, len(liked)))
    offered = [e for e in offered if e.status == "ok"][: FEW_REFERENCES if task.crowded else MOST_REFERENCES]
    found = [(e, gaps) for e in offered if (gaps := differences(task, advice, e))]
    drawn = {entry.candidate for base, gaps in found for entry in (base, *(g.entry for g in gaps[: task.rows]))}
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
            for base, gaps in found
        ],
    }


def _beats(gap: Gap, measure: Measure) -> bool:
    return gap.settled and (gap.low > 0) == measure.higher_is_better


def verdict(gap: Gap, measure: Measure) -> str:
    """Returns which of the two is better, as far as the interval tells."""
    return "not settled" if not gap.settled else "better" if _beats(gap, measure) else "worse"


def _packed(gap: Gap, place: Mapping[str, int]) -> list[float]:
    return [place[gap.entry.candidate], *(float(f"{v:.{DIGITS}g}") for v in (gap.value, gap.low, gap.high))]


def difference_table(task: TaskView, gaps: list[Gap], measure: Measure, marks: Mapping[str, Mark]) -> tables.Table:
    """Returns the numbers of the differences."""
    rows = [
        tables.Row(
            (
                tables.name_item(gap.entry, marks),
                tables.Item(signed(gap.value), gap.value, f"{signed(gap.low)} to {signed(gap.high)}"),
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
