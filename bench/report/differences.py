"""Paired differences in quality of the candidates of one task to a reference, as `bench compare` has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.compare.quality import interval_of
from bench.report.advice import TaskAdvice
from bench.report.view import TaskView, value_of
from bench.report.wording import is_baseline, signed
from bench.suite.limits import QUALITY
from bench.summary import Entry
from bench.summary.quality import shared_resamples

Floats = NDArray[np.float64]


def left_out(task: TaskView, count: int, which: str = "best") -> str:
    """Say that a chart shows only its first rows, where it does."""
    return f"The {which} {task.rows} of {count} are drawn; the table of results has all." if count > task.rows else ""


def by_quality(task: TaskView) -> list[Entry]:
    """List the scored entries, the best first."""
    sign = -1.0 if task.quality is None or task.quality.higher_is_better else 1.0
    return sorted(task.scored, key=lambda e: sign * (value_of(e, QUALITY) or 0.0))


@dataclass(frozen=True, slots=True)
class Gap:
    """The paired difference of one candidate to the reference."""

    entry: Entry
    reference: str
    value: float
    interval: tuple[float, float] | None
    """None where nothing is known of what unseen examples may show: all differ alike, and the metric has no bounds."""

    @property
    def settled(self) -> bool:
        """Tell whether the interval excludes a difference of 0."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


def ends(gap: Gap) -> str:
    """Write the ends of the interval; nothing where there is none."""
    return "" if gap.interval is None else f"{signed(gap.interval[0])} to {signed(gap.interval[1])}"


def reference_of(task: TaskView) -> Entry | None:
    """Choose the candidate that was asked for, else the strongest baseline, else the weakest candidate."""
    ordered = [entry for entry in by_quality(task) if entry.ended_well]  # the decision has no others
    named = [entry for entry in ordered if entry.candidate == task.reference]
    if named:
        return named[0]
    floors = [entry for entry in ordered if is_baseline(entry)]
    return floors[0] if floors else ordered[-1] if len(ordered) > 1 else None


def differences(
    task: TaskView, advice: TaskAdvice, reference: Entry | None = None, among: Sequence[Entry] | None = None
) -> list[Gap]:
    """Work out each other candidate's (or only those of `among`) difference in quality to the
    reference, on the same examples."""
    reference = reference or reference_of(task)
    board = None if advice.decision is None else advice.decision.board
    column = None if board is None else board.column(QUALITY)
    if reference is None or board is None or column is None:
        return []
    place = {name: row for row, name in enumerate(board.names)}
    base = place[reference.candidate]
    rows = []
    for entry in by_quality(task) if among is None else among:
        row = place[entry.candidate]
        drawn = board.draws[:, row, column] - board.draws[:, base, column]
        if row == base or np.isnan(drawn).any():
            continue
        gap = float(board.values[row, column] - board.values[base, column])
        interval = _interval(board.columns[column].name, reference, entry, drawn)
        rows.append(Gap(entry, reference.candidate, gap, interval))
    return rows


def _interval(metric: str, reference: Entry, entry: Entry, drawn: Floats) -> tuple[float, float] | None:
    """Work out the interval that `bench compare` gives; of answers that are gone, that of the draws, if they vary."""
    pair = [e.statistics.get(metric) for e in (reference, entry)]
    if reference.example_ids == entry.example_ids and pair[0] is not None and pair[1] is not None:
        return interval_of(entry.metrics[metric], (pair[0], pair[1]), drawn, shared_resamples(entry.samples))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return (float(low), float(high)) if low < high else None
