"""Two models on the same tasks, or the same cells of two runs, compared pair by pair on the examples both
answered.

Every planned comparison, of quality and of efficiency, is one member of a family, and the verdicts are those of Holm's
p-values over that family. Beside each verdict of quality stand the smallest difference this n could have found, and how
many examples would settle it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bench.catalogue.readings import READINGS, shown_in
from bench.compare import quality as compare_quality
from bench.compare.quality import LEVEL, QualityRow
from bench.decision.board import Column
from bench.decision.draws import is_estimate, reading_draws
from bench.metrics.base import Metric
from bench.stats.bootstrap import FEW_PROCESSES_SAID, percentile_interval
from bench.stats.paired import holm, two_sided_p
from bench.summary import PRUNED, Entry
from bench.summary.ratios import Floats, ratio_draws
from bench.summary.timings import DERIVATIONS
from bench.words.wording import amount, capital, listed, spoken

READINGS_COMPARED = shown_in("comparison")
"""Compared unless the caller names others."""


DRAWS = 20_000
"""Draws of a ratio: the smallest p-value is then 1 in 10 000, which a family of 500 comparisons can still use."""
LEAST = 1e-3
"""Share of a reading below which no draw of it is taken in a ratio: Student's t over two processes reaches 0, by which
nothing can be divided."""


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
    """95 % interval of the ratio; None where nothing is known of its noise."""
    ci_high: float | None
    p: float | None
    """Two-sided, from the draws of the ratio; None where it is not tested."""
    p_holm: float | None
    remark: str
    """Whether estimates take part."""
    sentence: str = ""
    model: str = ""
    """Which candidate, where two whole runs are compared."""


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
    remarks: Sequence[str] = (),
) -> Comparison:
    """Returns B compared with A on every task that both have.

    Args:
        a: entries of the first side: of one model, or of a whole run, whose models are then matched by name.
        b: of the second.
        name_a: for the sentences.
        name_b: for the sentences.
        readings: efficiency readings to compare.
        replicates: bootstrap replicates of quality.
        seed: of everything random.
        remarks: what must be known of the two sides, said at the end.
    """
    by_model = len({entry.candidate for entry in a}) > 1 or len({entry.candidate for entry in b}) > 1
    others = {_key(entry, by_model): entry for entry in b}
    quality: list[QualityRow] = []
    efficiency: list[EfficiencyRow] = []
    missing: list[str] = []
    for first in a:
        second, model = others.get(_key(first, by_model)), first.candidate if by_model else ""
        why = _incomparable(first, second, name_a, name_b)
        if second is None or why is not None:
            missing.append(f"{_place(first.cell.task, model)}: {why}")
            continue
        rows, left_out = _quality(first, second, (name_a, name_b), replicates, seed)
        missing += [f"{_place(first.cell.task, model)}: {why}" for why in left_out]
        quality += [replace(row, model=model) for row in rows]
        efficiency += [replace(row, model=model) for row in efficiency_rows(first, second, readings, seed)]
    met = {_key(entry, by_model) for entry in a}
    missing += [f"{_place(*key)}: {name_a} has no such cell." for key in others if key not in met]
    return _judged(quality, efficiency, (name_a, name_b), [*missing, *remarks, *_over_processes([*a, *b])])


def _over_processes(entries: Sequence[Entry]) -> list[str]:
    """Returns how far to trust the intervals of ratios, where something was measured in several processes."""
    several = any(len(arrays) > 1 for entry in entries for arrays in entry.timed.values())
    return [f"{capital(FEW_PROCESSES_SAID)}."] if several else []


def _judged(
    quality: Sequence[QualityRow], efficiency: Sequence[EfficiencyRow], names: tuple[str, str], remarks: Sequence[str]
) -> Comparison:
    """Returns the comparison with each verdict from Holm's p-values over all that was tested."""
    tested = [row.p for row in efficiency if row.p is not None]
    adjusted = iter(holm([*(row.p for row in quality), *tested]))
    size = len(quality) + len(tested)
    family = [compare_quality.corrected(row, next(adjusted), size) for row in quality]
    rows = [replace(row, p_holm=None if row.p is None else next(adjusted)) for row in efficiency]
    said = [f"The {size} tests are one family: each verdict is that of its p-value after Holm's correction over all."]
    return Comparison(
        *names,
        tuple(compare_quality.judged(row, *names) for row in family),
        tuple(replace(row, sentence=_ratio_words(row, names)) for row in rows),
        (*remarks, *(said if size > 1 else [])),
    )


def _key(entry: Entry, by_model: bool) -> tuple[str, str]:
    return entry.cell.task, entry.candidate if by_model else ""


def _place(task: str, model: str) -> str:
    return f"'{task}', {model}" if model else f"'{task}'"


def _why_unpaired(a: Entry, b: Entry) -> str:
    gone = next((doubt.message for entry in (a, b) for doubt in entry.doubts if doubt.code == PRUNED), None)
    return gone or "they answered no example in common"


def _incomparable(a: Entry, b: Entry | None, name_a: str, name_b: str) -> str | None:
    if b is None:
        return f"{name_b} has no such cell."
    if a.status == b.status == "unsupported":
        return f"neither can do it: {a.reason}."
    for entry, name in ((a, name_a), (b, name_b)):
        if entry.status != "ok":
            return f"the cell of {name} is {entry.status}: {entry.reason}."
    return None


def _quality(
    a: Entry, b: Entry, names: tuple[str, str], replicates: int, seed: int
) -> tuple[list[QualityRow], list[str]]:
    """Returns the metrics that both have, not yet corrected, and why others are not compared."""
    pair = compare_quality.common_examples(a, b)
    if pair is None:
        return [], [f"{_why_unpaired(a, b)}, so quality is not compared."]
    rows, left_out = [], []
    for metric in _common(a, b):
        lacking = [name for name, e in zip(names, pair, strict=True) if not compare_quality.is_defined(e, metric)]
        if lacking:
            left_out.append(f"{spoken(metric.name)} is undefined for {listed(lacking)}, so it is not compared.")
        else:
            rows.append(compare_quality.row(pair, metric, replicates, seed))
    return rows, left_out


def _common(a: Entry, b: Entry) -> list[Metric]:
    return [metric for name, metric in a.metrics.items() if name in b.metrics]


def efficiency_rows(a: Entry, b: Entry, readings: Sequence[str], seed: int = 42) -> list[EfficiencyRow]:
    """Returns b ÷ a of each reading that both have, not yet corrected for the other comparisons and without verdicts.

    The 95 % interval is None where how much a reading varies is not known.
    """
    rows = []
    for name in readings:
        first, second = a.efficiency.get(name), b.efficiency.get(name)
        if first is None or second is None or not first.value or second.value is None:
            continue
        mixed = is_estimate(first) != is_estimate(second)
        drawn = _ratios(a, b, name, seed, use_bounds=mixed)
        interval, p = percentile_interval(drawn), two_sided_p(drawn, 1.0)
        low, high = (None, None) if interval is None or np.isnan(p) else interval
        remark = " One of the two is an estimate, the other measured: compare with care." if mixed else ""
        remark = " Both are estimates." if not mixed and is_estimate(first) else remark
        rows.append(
            EfficiencyRow(
                a.cell.task,
                name,
                first.value,
                second.value,
                second.value / first.value,
                low,
                high,
                None if low is None else p,
                None,
                remark,
            )
        )
    return rows


def _ratios(a: Entry, b: Entry, name: str, seed: int, *, use_bounds: bool) -> Floats:
    """Returns draws of b ÷ a; timed repeats go in pairs where there are as many on both sides."""
    how = DERIVATIONS.get(name)
    one, two = ((), ()) if how is None else (a.timed.get(how.timed, ()), b.timed.get(how.timed, ()))
    if how is not None and len(one) == len(two) > 1:
        return ratio_draws(how, one, two, DRAWS, np.random.default_rng(seed))
    first, second = (
        np.maximum(reading_draws(e, name, DRAWS, seed + side, None, use_bounds=use_bounds), LEAST * _value(e, name))
        for side, e in enumerate((a, b))
    )
    return np.asarray(second / first)


def _value(entry: Entry, name: str) -> float:
    return abs(entry.efficiency[name].value or 1.0)


def _ratio_words(row: EfficiencyRow, names: tuple[str, str]) -> str:
    about = READINGS[row.reading]
    column = Column(row.reading, row.reading, about.unit, about.higher_is_better)
    shown = f"{spoken(row.reading)} {amount(column, row.a)} → {amount(column, row.b)}, a ratio of {row.ratio:.3g}"
    lead = f"{_place(row.task, row.model)}: {shown}"
    if row.ci_low is None or row.ci_high is None or row.p is None or row.p_holm is None:
        return f"{lead}. How much it varies is not known, so it is not tested.{row.remark}"
    span = (
        f"(95 % interval {row.ci_low:.3g} to {row.ci_high:.3g}; p = {row.p:.3g}, {row.p_holm:.3g} over all comparisons)"
    )
    if row.p_holm > LEVEL:
        return f"{lead} {span}: no difference is shown.{row.remark}"
    better = names[1] if (row.ratio > 1) == about.higher_is_better else names[0]
    return f"{lead} {span}: {better} is better.{row.remark}"
