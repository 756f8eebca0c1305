"""Two models on the same tasks, or the same cells of two runs, compared pair by pair on the examples both
answered.

Every planned comparison, of quality and of efficiency, is one member of a family, and the verdicts are those of Holm's
p-values over that family. Beside each verdict of quality stand the smallest difference this n could have found, and how
many examples would settle it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS, shown_in
from bench.compare import quality as compare_quality
from bench.compare.quality import LEVEL, QualityRow
from bench.compare.remarks import (
    Apart,
    FewProcesses,
    NoCell,
    NoRatio,
    NotCompared,
    OneFamily,
    OneGroup,
    OneProcess,
    Remark,
    StoppedEarly,
    TokensDiffer,
    UndefinedMetric,
    Unpaired,
)
from bench.decision.draws import LEAST, is_estimate, reading_draws
from bench.metrics.base import Metric
from bench.stats.bootstrap import percentile_interval
from bench.stats.paired import holm, two_sided_p
from bench.stats.processes import LogRatio, paired_ratio, unpaired_ratio
from bench.summary import PRUNED, Entry
from bench.summary.timings import DERIVATIONS
from bench.summary.tokens import differ, tokens_per_byte

Floats = NDArray[np.float64]

READINGS_COMPARED = shown_in("comparison")
"""Compared unless the caller names others."""
NO_NOISE = 1e-6
"""Standard error of a logarithm below which all processes read the same, so that nothing is known of chance."""
DRAWS = 20_000
"""Draws of a ratio: the smallest p-value is then 1 in 10 000, which a family of 500 comparisons can still use."""


class Estimates(Enum):
    """Which of the two values of a reading are estimates."""

    NONE = "none"
    ONE = "one"
    BOTH = "both"


class Untested(Enum):
    """Why a ratio is not tested."""

    ONE_PROCESS = "one process"
    """Neither these candidates nor others of their task have two processes."""
    NO_NOISE_KNOWN = "how much it varies is not known"


@dataclass(frozen=True, slots=True)
class EfficiencyRow:
    """One reading of one task."""

    task: str
    reading: str
    a: float
    b: float
    ratio: float
    """b ÷ a; where processes are paired, the geometric mean of the rounds' ratios, on which the interval is centred. It
    is not that of the values beside it where the processes have unequal numbers of requests."""
    ci_low: float | None
    """95 % interval of the ratio; None where nothing is known of its noise. Of a reading that is not tested for having
    one process, it is that of the two processes alone."""
    ci_high: float | None
    p: float | None
    """Two-sided; None where it is not tested."""
    p_holm: float | None
    estimates: Estimates
    untested: Untested | None = None
    """Why it is not tested; None where it is."""
    model: str = ""
    """Which candidate, where two whole runs are compared."""

    @property
    def differs(self) -> bool | None:
        """Tell whether the ratio stands over the whole family of comparisons; None where it was not tested."""
        return None if self.p_holm is None else self.p_holm <= LEVEL

    @property
    def b_is_better(self) -> bool:
        """Tell whether B has the better value."""
        return (self.ratio > 1) == READINGS[self.reading].higher_is_better


@dataclass(frozen=True, slots=True)
class Comparison:
    """A against B."""

    a: str
    b: str
    quality: tuple[QualityRow, ...]
    efficiency: tuple[EfficiencyRow, ...]
    remarks: tuple[Remark, ...]
    """What could not be compared, and why; what must be known of the two sides and of the tests."""


def compare(
    a: Sequence[Entry],
    b: Sequence[Entry],
    name_a: str,
    name_b: str,
    readings: Sequence[str] = READINGS_COMPARED,
    replicates: int = 2000,
    seed: int = 42,
    remarks: Sequence[Remark] = (),
) -> Comparison:
    """Compare B with A on every task that both have.

    Args:
        a: entries of the first side: of one model, or of a whole run, whose models are then matched by name.
        b: of the second.
        name_a: what A is called.
        name_b: what B is called.
        readings: efficiency readings to compare.
        replicates: bootstrap replicates of quality.
        seed: of everything random.
        remarks: what must be known of the two sides.
    """
    by_model = len({entry.candidate for entry in a}) > 1 or len({entry.candidate for entry in b}) > 1
    others = {_key(entry, by_model): entry for entry in b}
    quality: list[QualityRow] = []
    efficiency: list[EfficiencyRow] = []
    missing: list[Remark] = []
    together = not any(isinstance(remark, Apart) for remark in remarks)
    for first in a:
        task, model = _key(first, by_model)
        second = others.get((task, model))
        why = _incomparable(first, second, (name_a, name_b), model)
        if second is None or why is not None:
            missing += [] if why is None else [why]
            continue
        rows, left_out = _quality(first, second, (name_a, name_b), model, replicates, seed)
        missing += left_out
        quality += [replace(row, model=model) for row in rows]
        rows_of_speed = efficiency_rows(first, second, readings, seed, together=together)
        if zeros := _zeros(first, second, readings):
            missing.append(NoRatio(task, model, zeros))
        efficiency += [replace(row, model=model) for row in rows_of_speed]
    met = {_key(entry, by_model) for entry in a}
    missing += [NoCell(*key, side=name_a) for key in others if key not in met]
    return _judged(quality, efficiency, (name_a, name_b), [*missing, *remarks, *_over_processes(efficiency, [*a, *b])])


def _over_processes(rows: Sequence[EfficiencyRow], entries: Sequence[Entry]) -> list[Remark]:
    """Remark where something was measured in several processes, and where it was not, for the tests of ratios."""
    several = any(len(arrays) > 1 for entry in entries for arrays in entry.timed.values())
    alone = any(row.untested is Untested.ONE_PROCESS for row in rows)
    return [*([FewProcesses()] if several else []), *([OneProcess()] if alone else [])]


def _judged(
    quality: Sequence[QualityRow],
    efficiency: Sequence[EfficiencyRow],
    names: tuple[str, str],
    remarks: Sequence[Remark],
) -> Comparison:
    """Judge each row by Holm's p-value over all that was tested."""
    tested = [row.p for row in efficiency if row.p is not None]
    adjusted = iter(holm([*(row.p for row in quality), *tested]))
    size = len(quality) + len(tested)
    family = tuple(compare_quality.corrected(row, next(adjusted), size) for row in quality)
    rows = tuple(replace(row, p_holm=None if row.p is None else next(adjusted)) for row in efficiency)
    return Comparison(*names, family, rows, (*remarks, *([OneFamily(size)] if size > 1 else [])))


def _key(entry: Entry, by_model: bool) -> tuple[str, str]:
    return entry.cell.task, entry.candidate if by_model else ""


def _incomparable(a: Entry, b: Entry | None, names: tuple[str, str], model: str) -> Remark | None:
    """Tell why two cells cannot be compared at all; None when they can."""
    task = a.cell.task
    if b is None:
        return NoCell(task, model, names[1])
    if a.status == b.status == "unsupported":
        return NotCompared(task, model, None, a.status, a.reason)
    for entry, name in ((a, names[0]), (b, names[1])):
        if not entry.ended_well:
            return NotCompared(task, model, name, entry.status, entry.reason)
    return None


def _quality(
    a: Entry, b: Entry, names: tuple[str, str], model: str, replicates: int, seed: int
) -> tuple[list[QualityRow], list[Remark]]:
    """Compare the metrics that both have, not yet corrected; the remarks say why others are not compared."""
    task, pair = a.cell.task, compare_quality.common_examples(a, b)
    if pair is None:
        gone = next((doubt.message for entry in (a, b) for doubt in entry.doubts if doubt.code == PRUNED), None)
        return [], [Unpaired(task, model, gone)]
    rows: list[QualityRow] = []
    left_out: list[Remark] = []
    tokens = [rate for entry in pair if (rate := tokens_per_byte(entry)) is not None]
    for metric in _common(a, b):
        lacking = [name for name, e in zip(names, pair, strict=True) if not compare_quality.is_defined(e, metric)]
        if lacking:
            left_out.append(UndefinedMetric(task, model, metric.name, tuple(lacking)))
        elif metric.per_token and differ(tokens):
            left_out.append(TokensDiffer(task, model, metric.name))
        else:
            rows.append(compare_quality.row(pair, metric, replicates, seed))
    if any(row.groups == 1 for row in rows):
        left_out.append(OneGroup(task, model))
    early = tuple(name for name, entry in zip(names, (a, b), strict=True) if entry.status == "settled")
    if early and rows:
        left_out.append(StoppedEarly(task, model, early))
    return [row for row in rows if row.groups != 1], left_out


def _common(a: Entry, b: Entry) -> list[Metric]:
    return [metric for name, metric in a.metrics.items() if name in b.metrics]


def efficiency_rows(
    a: Entry, b: Entry, readings: Sequence[str], seed: int = 42, *, together: bool = True
) -> list[EfficiencyRow]:
    """Compute b ÷ a of each reading that both have, not yet corrected for the other comparisons.

    The 95 % interval is None where how much a reading varies is not known.

    Args:
        a: the one cell.
        b: the other.
        readings: what to compare.
        seed: of the draws.
        together: whether process k of both ran in the same round of one run.
    """
    pairs = ((name, a.efficiency.get(name), b.efficiency.get(name)) for name in readings)
    return [
        _efficiency_row(a, b, name, (first.value, second.value), seed, together=together)
        for name, first, second in pairs
        if first is not None and second is not None and first.value and second.value is not None
    ]


def _zeros(a: Entry, b: Entry, readings: Sequence[str]) -> tuple[str, ...]:
    """List the readings that both have and of which A's is 0."""
    pairs = ((name, a.efficiency.get(name), b.efficiency.get(name)) for name in readings)
    both = [(name, first.value) for name, first, other in pairs if first and other and other.value is not None]
    return tuple(name for name, value in both if value == 0)


def _efficiency_row(
    a: Entry, b: Entry, name: str, values: tuple[float, float], seed: int, *, together: bool
) -> EfficiencyRow:
    estimated = [is_estimate(entry.efficiency[name]) for entry in (a, b)]
    mixed = estimated[0] != estimated[1]
    over = None if any(estimated) else over_processes(a, b, name, together=together)
    interval: tuple[float, float] | None = None
    ratio = values[1] / values[0] if over is None else math.exp(over.value)
    if over is not None:
        interval, p = over.interval(), over.p if over.error > NO_NOISE else float("nan")
    else:
        drawn = _ratios(a, b, name, seed, use_bounds=mixed)
        interval, p = percentile_interval(drawn), two_sided_p(drawn, 1.0)
    untested = None
    if interval is None or np.isnan(p):
        untested = Untested.NO_NOISE_KNOWN
    elif over is None and name in DERIVATIONS:
        untested = Untested.ONE_PROCESS
    low, high = (None, None) if interval is None or np.isnan(p) else interval
    return EfficiencyRow(
        task=a.cell.task,
        reading=name,
        a=values[0],
        b=values[1],
        ratio=ratio,
        ci_low=low,
        ci_high=high,
        p=p if untested is None else None,
        p_holm=None,
        estimates=Estimates.ONE if mixed else Estimates.BOTH if all(estimated) else Estimates.NONE,
        untested=untested,
    )


def over_processes(a: Entry, b: Entry, name: str, *, together: bool) -> LogRatio | None:
    """Compute the ratio of a reading over processes; None where nothing is known of how much they differ.

    Processes of one run are paired by their rounds, and what is left of their spread is pooled over all candidates of
    the task. Of two runs each has a spread of its own.
    """
    first, second = a.levels.get(name), b.levels.get(name)
    if first is None or second is None:
        return None
    ratio = None
    if together and name in a.paired_spreads:
        ratio = paired_ratio(first, second, a.paired_spreads[name])
    spreads = a.spreads.get(name), b.spreads.get(name)
    if ratio is None and spreads[0] is not None and spreads[1] is not None:
        ratio = unpaired_ratio(first, second, (spreads[0], spreads[1]))
    return ratio


def _ratios(a: Entry, b: Entry, name: str, seed: int, *, use_bounds: bool) -> Floats:
    """Draw b ÷ a of two readings that are not paired."""
    first, second = (
        np.maximum(reading_draws(e, name, DRAWS, seed + side, None, use_bounds=use_bounds), LEAST * _value(e, name))
        for side, e in enumerate((a, b))
    )
    return np.asarray(second / first)


def _value(entry: Entry, name: str) -> float:
    return abs(entry.efficiency[name].value or 1.0)
