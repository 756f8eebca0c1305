"""Two models on the same tasks, or the same cell of two runs, compared pair by pair on the examples both
answered.

Every planned comparison of quality is one member of a family, and the p-values shown beside the verdicts are
Holm's over that family. Beside each verdict stand the smallest difference this n could have found, and how
many examples would settle it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.decide import compare_quality
from bench.decide.board import Column
from bench.decide.compare_quality import QualityRow
from bench.decide.draws import is_estimate, reading_draws
from bench.decide.wording import amount, spoken
from bench.metrics.base import Metric
from bench.readings import READINGS
from bench.stats.bootstrap import percentile_interval
from bench.stats.paired import holm
from bench.summary import PRUNED, Entry
from bench.summary.ratios import Floats, ratio_draws
from bench.summary.timings import DERIVATIONS

READINGS_COMPARED = (
    "latency_p50_s",
    "latency_p95_s",
    "throughput_examples_per_s",
    "peak_rss_bytes",
    "peak_gpu_memory_bytes",
    "energy_per_example_j",
)
"""Compared unless the caller names others."""


@dataclass(frozen=True, slots=True)
class EfficiencyRow:
    """One reading of one task."""

    task: str
    reading: str
    a: float
    b: float
    ratio: float
    """b ÷ a."""
    ci_low: float | None
    ci_high: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A against B."""

    a: str
    b: str
    quality: tuple[QualityRow, ...]
    efficiency: tuple[EfficiencyRow, ...]
    remarks: tuple[str, ...]
    """What could not be compared, and why."""

    def sentences(self) -> list[str]:
        """Returns every verdict in words."""
        return [
            *(row.sentence for row in self.quality),
            *(row.sentence for row in self.efficiency),
            *self.remarks,
        ]

    def to_json(self) -> dict[str, Any]:
        """Returns the comparison as JSON-able values."""
        return asdict(self) | {"sentences": self.sentences()}


def compare(
    a: Sequence[Entry],
    b: Sequence[Entry],
    name_a: str,
    name_b: str,
    readings: Sequence[str] = READINGS_COMPARED,
    replicates: int = 2000,
    seed: int = 42,
) -> Comparison:
    """Returns B compared with A on every task that both have; one entry per task on each side.

    Args:
        a: entries of the first model or run.
        b: of the second.
        name_a: for the sentences.
        name_b: for the sentences.
        readings: efficiency readings to compare.
        replicates: bootstrap replicates.
        seed: of everything random.
    """
    others = {entry.cell.task: entry for entry in b}
    quality: list[QualityRow] = []
    efficiency: list[EfficiencyRow] = []
    remarks: list[str] = []
    for first in a:
        second = others.get(first.cell.task)
        why = _incomparable(first, second, name_a, name_b)
        if second is None or why is not None:
            remarks.append(why or "")
            continue
        pair = compare_quality.common_examples(first, second)
        if pair is None:
            remarks.append(f"'{first.cell.task}': {_why_unpaired(first, second)}, so quality is not compared.")
        else:
            quality += [compare_quality.row(pair, metric, replicates, seed) for metric in _common(first, second)]
        efficiency += efficiency_rows(first, second, (name_a, name_b), readings, replicates, seed)
    adjusted = holm([row.p for row in quality])
    family = [compare_quality.corrected(row, p, len(quality)) for row, p in zip(quality, adjusted, strict=True)]
    judged = tuple(compare_quality.judged(row, name_a, name_b) for row in family)
    return Comparison(name_a, name_b, judged, tuple(efficiency), tuple(remarks))


def _why_unpaired(a: Entry, b: Entry) -> str:
    gone = next((doubt.message for entry in (a, b) for doubt in entry.doubts if doubt.code == PRUNED), None)
    return gone or "they answered no example in common"


def _incomparable(a: Entry, b: Entry | None, name_a: str, name_b: str) -> str | None:
    if b is None:
        return f"'{a.cell.task}': {name_b} has no such cell."
    for entry, name in ((a, name_a), (b, name_b)):
        if entry.status != "ok":
            return f"'{a.cell.task}': the cell of {name} is {entry.status}: {entry.reason}."
    return None


def _common(a: Entry, b: Entry) -> list[Metric]:
    return [metric for name, metric in a.metrics.items() if name in b.metrics]


def efficiency_rows(
    a: Entry, b: Entry, names: tuple[str, str], readings: Sequence[str], replicates: int = 2000, seed: int = 42
) -> list[EfficiencyRow]:
    """Returns b ÷ a of each reading that both have, with its 95 % interval where there is one."""
    rows = []
    for name in readings:
        first, second = a.efficiency.get(name), b.efficiency.get(name)
        if first is None or second is None or not first.value or second.value is None:
            continue
        mixed = is_estimate(first) != is_estimate(second)
        interval = percentile_interval(_ratios(a, b, name, replicates, seed, use_bounds=mixed))
        low, high = interval if interval and interval[0] < interval[1] else (None, None)
        ratio = second.value / first.value
        column = Column(name, name, READINGS[name].unit, READINGS[name].higher_is_better)
        text = _ratio_words(a.cell.task, column, names, (first.value, second.value), ratio, low, high)
        extra = " One of the two is an estimate, the other measured: compare with care." if mixed else ""
        extra = " Both are estimates." if not mixed and is_estimate(first) else extra
        rows.append(EfficiencyRow(a.cell.task, name, first.value, second.value, ratio, low, high, text + extra))
    return rows


def _ratios(a: Entry, b: Entry, name: str, replicates: int, seed: int, *, use_bounds: bool) -> Floats:
    """Returns draws of b ÷ a; timed repeats go in pairs where there are as many on both sides."""
    how = DERIVATIONS.get(name)
    one, two = ((), ()) if how is None else (a.timed.get(how.timed, ()), b.timed.get(how.timed, ()))
    if how is not None and len(one) == len(two) > 1:
        return ratio_draws(how, one, two, replicates, np.random.default_rng(seed))
    first, second = (
        reading_draws(e, name, replicates, seed + side, None, use_bounds=use_bounds) for side, e in enumerate((a, b))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(second / first)


def _ratio_words(
    task: str,
    column: Column,
    names: tuple[str, str],
    values: tuple[float, float],
    ratio: float,
    low: float | None,
    high: float | None,
) -> str:
    shown = f"{spoken(column.name)} {amount(column, values[0])} → {amount(column, values[1])}"
    if low is None or high is None:
        return f"'{task}': {shown}, a ratio of {ratio:.3g} (without an interval)."
    span = f"a ratio of {ratio:.3g} (95 % interval {low:.3g} to {high:.3g})"
    if low <= 1 <= high:
        return f"'{task}': {shown}, {span}: no difference is shown."
    better = names[1] if (ratio > 1) == column.higher_is_better else names[0]
    return f"'{task}': {shown}, {span}: {better} is better."
