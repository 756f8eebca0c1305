"""Efficiency of candidate and baseline: at first sight from the nights, and for good from the rerun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from bench.decision.draws import reading_draws
from bench.gate.screen import Screened, screen
from bench.gate.settle import Judged, is_refuted
from bench.gate.verdict import Line
from bench.history.effects import MACHINE_SPEED, scale_of
from bench.history.series import Point, Series
from bench.stats.bootstrap import percentile_interval
from bench.stats.paired import POWER
from bench.stats.resample import seeded
from bench.summary import Entry
from bench.words import gate as words

REPLICATES = 2000
SEED = 42
USUAL_CANARY_ERROR = 0.05
"""Standard error of the logarithm of a canary whose scatter is not known, as of nights on a shared machine."""
BLIND_STEPS = 2.0
"""Smallest changes that count: a changed model whose first look could not see twice that is run beside the baseline."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One efficiency reading at first sight."""

    series: Series
    candidate: Point
    baseline: Point
    screened: Screened
    line: Line
    blind: bool = False
    """Whether it is asked for a rerun because another model's change could not be seen, not because one was seen."""

    @property
    def asked(self) -> bool:
        """Tell whether a rerun is needed to settle the reading."""
        return self.screened.suspected or self.blind

    @property
    def step(self) -> float:
        """Return the smallest shift of logarithms that counts."""
        return scale_of(self.series.reading, self.series.unit).step


def look(series: Series, candidate: Point, baseline: Point, entries: tuple[Entry, Entry]) -> Looked | None:
    """Take a first look at a reading; None where it cannot be judged.

    Args:
        series: with all nights.
        candidate: the candidate's point, with a value.
        baseline: the baseline's, with a value and of the same segment.
        entries: of baseline and candidate, for the interval of their ratio.
    """
    changed = is_other(*entries)
    screened = screen(series, candidate, baseline, changed=changed)
    if screened is None or candidate.value is None or baseline.value is None:
        return None
    machine = _machine_shift(series, candidate, baseline)
    machine_error = _machine_error(series, candidate, baseline)
    low, high, p, error = _interval(series.reading, entries, machine, machine_error)
    spread = max(screened.spread or 0.0, error or 0.0)
    visible = screened.threshold + float(ndtri(POWER)) * spread
    scale = scale_of(series.reading, series.unit)
    blind = changed and not screened.suspected and visible > BLIND_STEPS * scale.step
    line = Line(
        model=series.model,
        variant=series.variant,
        task=series.task,
        reading=series.reading,
        verdict="suspected" if screened.suspected or blind else "unchanged",
        baseline=baseline.value,
        candidate=candidate.value,
        unit=series.unit,
        larger_is_better=series.larger_is_better,
        change=math.expm1(screened.shift),
        low=low,
        high=high,
        p=p,
        p_adjusted=None,
        minimum_effect=scale.minimum,
        detectable=math.expm1(visible),
        rerun=False,
        text="",
    )
    return Looked(series, candidate, baseline, screened, replace(line, text=words.first_look(line, machine)), blind)


def is_other(baseline: Entry, candidate: Entry) -> bool:
    """Tell whether the model of a cell is another one, so that both can be run side by side."""
    return baseline.id != candidate.id


def _machine_shift(series: Series, candidate: Point, baseline: Point) -> float:
    """Compute how much of the logarithm's change is the machine's own; 0 where it is not known."""
    speed = MACHINE_SPEED.get(series.unit, 0.0)
    if not speed or not candidate.canary_s or not baseline.canary_s:
        return 0.0
    return speed * math.log(candidate.canary_s / baseline.canary_s)


def _machine_error(series: Series, candidate: Point, baseline: Point) -> float:
    """Compute the standard error of `_machine_shift`; 0 where nothing is taken out.

    A night has two measurings or few more, whose scatter is known only when all nights are pooled.
    """
    speed = MACHINE_SPEED.get(series.unit, 0.0)
    if not speed or not candidate.canary_s or not baseline.canary_s:
        return 0.0
    errors = [point.canary_error for point in series.points if point.canary_error is not None]
    each = math.sqrt(sum(error**2 for error in errors) / len(errors)) if errors else USUAL_CANARY_ERROR
    return abs(speed) * math.sqrt(2) * each


def _interval(
    reading: str, entries: tuple[Entry, Entry], machine: float, machine_error: float
) -> tuple[float | None, float | None, float | None, float | None]:
    """Compute low, high, p and standard error of the change between two nights, from the hierarchical bootstrap of
    both and the error of the canaries; not of what else differs between nights."""
    first, second = (
        reading_draws(entry, reading, REPLICATES, SEED + i, None, use_bounds=False) for i, entry in enumerate(entries)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = np.log(second) - np.log(first) - machine
    if not np.isfinite(gaps).all() or np.ptp(gaps) == 0:  # the scatter of the processes is not known
        return None, None, None, None
    if machine_error > 0:
        gaps = gaps + machine_error * seeded(SEED, "canary", reading).standard_normal(gaps.size)
    interval = percentile_interval(gaps)
    if interval is None or interval[0] == interval[1]:
        return None, None, None, None
    p = min(1.0, 2 * (1 + min(np.count_nonzero(gaps <= 0), np.count_nonzero(gaps >= 0))) / (gaps.size + 1))
    low, high = np.quantile(gaps, [0.25, 0.75])
    return math.expm1(interval[0]), math.expm1(interval[1]), float(p), float(high - low) / 1.349


def settled_line(looked: Looked, judged: Judged, baseline: Sequence[float], candidate: Sequence[float]) -> Line:
    """Put the rerun's verdict and numbers into the line."""
    settled = judged.settled
    if settled is None:
        return looked.line
    line = replace(
        looked.line,
        verdict=judged.verdict,
        rerun=True,
        p=settled.p,
        p_adjusted=judged.p_adjusted,
        baseline=float(np.median(baseline)),
        candidate=float(np.median(candidate)),
        change=math.expm1(settled.shift),
        low=math.expm1(settled.low),
        high=math.expm1(settled.high),
        detectable=math.expm1(settled.detectable),
    )
    line = replace(line, text=words.rerun(line, settled.pairs))
    first = looked.screened.shift if looked.screened.worse else 0.0
    if line.verdict == "unchanged" and not is_refuted(settled, looked.step, line.larger_is_better, first):
        return replace(line, verdict="suspected", text=words.too_noisy(line))
    return line
