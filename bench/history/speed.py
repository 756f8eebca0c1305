"""Efficiency of candidate and baseline: at first sight from the nights, and for good from the rerun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from bench.decide.draws import reading_draws
from bench.history.effects import MACHINE_SPEED, scale_of
from bench.history.screen import Screened, screen
from bench.history.series import Point, Series
from bench.history.settle import Judged, Settled
from bench.history.verdict import Line
from bench.stats.bootstrap import percentile_interval
from bench.stats.paired import POWER
from bench.summary import Entry
from bench.units import format_quantity

REPLICATES = 2000
SEED = 42
MACHINE_TOLD = 0.02
"""Difference of the canaries from which the machine's own speed is told beside a line."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One efficiency reading at first sight."""

    series: Series
    candidate: Point
    baseline: Point
    screened: Screened
    line: Line

    @property
    def step(self) -> float:
        """Smallest shift of logarithms that counts."""
        return scale_of(self.series.reading, self.series.unit).step


def look(series: Series, candidate: Point, baseline: Point, entries: tuple[Entry, Entry]) -> Looked | None:
    """Returns the first look at a reading; None where it cannot be judged.

    Args:
        series: with all nights.
        candidate: the candidate's point, with a value.
        baseline: the baseline's, with a value and of the same segment.
        entries: of baseline and candidate, for the interval of their ratio.
    """
    screened = screen(series, candidate, baseline)
    if screened is None or candidate.value is None or baseline.value is None:
        return None
    machine = _machine_shift(series, candidate, baseline)
    low, high, p, error = _interval(series.reading, entries, machine)
    spread = max(screened.spread, error or 0.0)
    seen = math.expm1(screened.threshold + float(norm.ppf(POWER)) * spread)
    scale = scale_of(series.reading, series.unit)
    line = Line(
        model=series.model, variant=series.variant, task=series.task, reading=series.reading,
        verdict="suspected" if screened.suspected else "unchanged", baseline=baseline.value, candidate=candidate.value,
        unit=series.unit, larger_is_better=series.larger_is_better, change=math.expm1(screened.shift),
        low=low, high=high, p=p, p_adjusted=None, minimum_effect=scale.minimum, detectable=seen, rerun=False, text="",
    )  # fmt: skip
    return Looked(series, candidate, baseline, screened, replace(line, text=_first_words(line, machine)))


def _machine_shift(series: Series, candidate: Point, baseline: Point) -> float:
    """Returns how much of the logarithm's change is the machine's own; 0 where it is not known."""
    speed = MACHINE_SPEED.get(series.unit, 0.0)
    if not speed or not candidate.canary_s or not baseline.canary_s:
        return 0.0
    return speed * math.log(candidate.canary_s / baseline.canary_s)


def _interval(
    reading: str, entries: tuple[Entry, Entry], machine: float
) -> tuple[float | None, float | None, float | None, float | None]:
    """Returns low, high, p and standard error of the change between two nights, from the hierarchical bootstrap of
    both; of their processes alone, not of what differs between nights."""
    first, second = (reading_draws(entry, reading, REPLICATES, SEED + i, None, use_bounds=False)
                     for i, entry in enumerate(entries))  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = np.log(second) - np.log(first) - machine
    found = percentile_interval(gaps)
    if found is None or not np.isfinite(gaps).all() or found[0] == found[1]:
        return None, None, None, None
    p = min(1.0, 2 * (1 + min(np.count_nonzero(gaps <= 0), np.count_nonzero(gaps >= 0))) / (gaps.size + 1))
    low, high = np.quantile(gaps, [0.25, 0.75])
    return math.expm1(found[0]), math.expm1(found[1]), float(p), float(high - low) / 1.349


def settled_line(looked: Looked, judged: Judged, baseline: Sequence[float], candidate: Sequence[float]) -> Line:
    """Returns the line with the rerun's verdict and numbers."""
    found = judged.settled
    if found is None:
        return looked.line
    line = replace(
        looked.line, verdict=judged.verdict, rerun=True, p=found.p, p_adjusted=judged.p_adjusted,
        baseline=float(np.median(baseline)), candidate=float(np.median(candidate)), change=math.expm1(found.shift),
        low=math.expm1(found.low), high=math.expm1(found.high), detectable=math.expm1(found.detectable),
    )  # fmt: skip
    return replace(line, text=_rerun_words(line, found))


def _values(line: Line) -> str:
    return f"{format_quantity(line.baseline, line.unit)} → {format_quantity(line.candidate, line.unit)}"


def amount(value: float, unit: str) -> str:
    """Returns a value with its unit."""
    return format_quantity(value, unit)


def percent(change: float | None) -> str:
    """Returns a relative change as people say it.

    >>> percent(-0.0512)
    '−5.1 %'
    """
    return "unknown" if change is None else f"{100 * change:+.1f} %".replace("-", "−")


def _span(line: Line) -> str:
    if line.low is None or line.high is None:
        return ""
    return f", 95 % interval {percent(line.low)} to {percent(line.high)}"


def _first_words(line: Line, machine: float) -> str:
    text = f"{_values(line)} ({percent(line.change)}{_span(line)})"
    if abs(machine) >= MACHINE_TOLD:
        text += f"; the machine's own change of {percent(math.expm1(machine))} is taken out of it"
    if line.verdict == "unchanged":
        text += f"; a change of {percent(line.detectable).lstrip('+')} would be suspected 4 times in 5"
    return text


def _rerun_words(line: Line, found: Settled) -> str:
    return (
        f"{_values(line)} ({percent(line.change)}{_span(line)}, p = {line.p_adjusted:.2g}) in {found.pairs} "
        f"interleaved reruns of both; a change of {percent(line.detectable).lstrip('+')} would be found 4 times in 5"
    )
