"""Paired tests of all pairs of candidates in one column of a board: right answers by McNemar's test, readings by the
rounds in which the candidates were measured side by side.

What neither covers (other metrics, groups of examples, prices, several tasks together) is judged by the replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.decision.board import Column, PairedTest
from bench.stats.paired import mid_p_worse
from bench.stats.processes import Ratios, ratios
from bench.summary import Entry

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RightAnswers:
    """Answers to the same examples, each right or wrong."""

    only_row: Floats
    """Examples that the row alone got right, shape `(M, M)`; NaN where the two did not answer the same."""

    def p_values(self, rows: Sequence[int], margins: Floats, smaller: Floats) -> tuple[Floats, Floats]:
        """Compute mid-p values of McNemar's test where there is no margin; two that are right on the same examples are
        neither better nor worse."""
        counts = self.only_row[np.ix_(rows, rows)]
        covered = ~np.isnan(counts) & (margins == 0)
        counts = np.where(covered, counts, 0.0)
        alike = counts + counts.T == 0
        p = mid_p_worse(counts, counts.T)
        better, no_worse = np.where(alike, 1.0, p), np.where(alike, 0.0, p)
        return np.where(covered, better, np.nan), np.where(covered, no_worse, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Readings of processes that ran in the same rounds."""

    ratios: Ratios
    higher_is_better: bool

    def p_values(self, rows: Sequence[int], margins: Floats, smaller: Floats) -> tuple[Floats, Floats]:
        """Compute Student's p-values of the logarithm of the ratio, a margin being a share of the smaller value."""
        among = self.ratios.among(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            margin = np.where(margins > 0, np.log1p(margins / smaller), 0.0)
        if self.higher_is_better:
            return among.p_above(margin).T, among.p_above(-margin).T
        return among.p_above(margin), among.p_above(-margin)


def paired_tests(entries: Sequence[Entry], columns: Sequence[Column]) -> dict[int, PairedTest]:
    """Find the columns in which candidates can be compared pair by pair, with their tests."""
    tests: dict[int, PairedTest] = {}
    for c, column in enumerate(columns):
        rows = [_outcomes(entry, column.name) for entry in entries]
        levels = [entry.levels.get(column.name) if entry.ended_well else None for entry in entries]
        if any(row is not None for row in rows):
            tests[c] = RightAnswers(_only_row(rows, [entry.example_ids for entry in entries]))
        elif any(own is not None for own in levels):
            tests[c] = SideBySide(ratios(levels), column.higher_is_better)
    return tests


def _outcomes(entry: Entry, name: str) -> Floats | None:
    """Give 1 for each example that was right, else 0; None when the metric is not such a proportion."""
    metric = entry.metrics.get(name)
    if metric is None or not metric.proportion or any(sample.group is not None for sample in entry.samples):
        return None
    return np.asarray(metric.value(entry.statistics[name]), dtype=np.float64)


def _only_row(rows: Sequence[Floats | None], examples: Sequence[tuple[str, ...]]) -> Floats:
    """Count the examples that only one of two got right, shape `(M, M)`; NaN where the two did not answer the same
    examples in the same order.

    Args:
        rows: what each candidate got right.
        examples: the ids of the examples that each answered.
    """
    counts = np.full((len(rows), len(rows)), np.nan)
    together: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        if row is not None:
            together.setdefault(examples[i], []).append(i)
    for places in together.values():
        right = np.array([rows[i] for i in places]) > 0
        counts[np.ix_(places, places)] = right.astype(np.float64) @ (~right).astype(np.float64).T
    return counts
