"""The board of one task: candidates × columns, as values, intervals and replicates; what every rule reads.

The first columns are the objectives of the front; the rest are there because a limit or a rule names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.decide.draws import is_estimate, quality_draws, reading_draws
from bench.decide.question import Question, parse_margin
from bench.readings import READINGS
from bench.stats.paired import mcnemar_better
from bench.summary import Entry, Quantity, canonical

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One thing that candidates are compared by."""

    asked: str
    """As the suite calls it: `quality`, `peak_memory_bytes`, …"""
    name: str
    """What that is on this task: a metric or a reading."""
    unit: str
    higher_is_better: bool
    margin: float = 0.0
    """The difference that does not matter, in `unit`, or as a share of the value."""
    margin_is_relative: bool = False

    @property
    def sign(self) -> float:
        """1 when more is better, else −1: times a value, larger is better."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def is_quality(self) -> bool:
        """Whether it is a quality metric rather than an efficiency reading."""
        return self.name not in READINGS

    def margin_at(self, value: Floats | float) -> Floats | float:
        """Returns the margin in `unit` beside a value."""
        return self.margin * np.abs(value) if self.margin_is_relative else self.margin + 0.0 * np.abs(value)


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Everything known of the candidates of one task (or of all tasks together), M candidates × C columns."""

    task: str
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    objectives: int
    """The first so many columns are the objectives."""
    quantities: tuple[tuple[Quantity | None, ...], ...]
    """Shape `(M, C)`."""
    values: Floats
    """Shape `(M, C)`, NaN where missing."""
    draws: Floats
    """Replicates, shape `(B, M, C)`."""
    better: dict[int, Floats]
    """By column of a proportion: exact one-sided p-values that row is better than column, shape `(M, M)`."""
    broken: tuple[str | None, ...]
    """Why a candidate cannot be judged at all (its cell failed, …); None when it can."""
    remarks: tuple[str, ...] = ()
    seconds: Floats | None = None
    """Mean seconds per example at batch size 1, shape `(M,)`, NaN where unknown: what more examples would
    take."""

    baselines: tuple[bool, ...] = ()
    """Which candidates are baselines, the floor that a model should beat."""

    def is_baseline(self, name: str) -> bool:
        """Returns whether the candidate of this name is a baseline; False for one that is not on the board."""
        return any(flag and own == name for own, flag in zip(self.names, self.baselines, strict=False))

    def column(self, asked: str) -> int | None:
        """Returns the index of the column that was asked for by this name, or that has it; None when there is
        none."""
        for index, column in enumerate(self.columns):
            if asked in (column.asked, column.name):
                return index
        return None

    @property
    def oriented(self) -> Floats:
        """Values with larger better, shape `(M, C)`."""
        return np.asarray(self.values * np.array([column.sign for column in self.columns]), dtype=np.float64)

    @property
    def oriented_draws(self) -> Floats:
        """Replicates with larger better, shape `(B, M, C)`."""
        return np.asarray(self.draws * np.array([column.sign for column in self.columns]), dtype=np.float64)

    def missing(self, row: int) -> str | None:
        """Returns why a candidate cannot be placed on the front; None when it has every objective."""
        if self.broken[row] is not None:
            return self.broken[row]
        for index in range(self.objectives):
            if np.isnan(self.values[row, index]):
                found = self.quantities[row][index]
                why = found.reason if found is not None and found.reason else "not measured"
                return f"{self.columns[index].name} is missing: {why}"
        return None


def build(task: str, entries: Sequence[Entry], question: Question) -> Board:
    """Returns the board of one task from the entries of its cells."""
    good = [entry for entry in entries if entry.status == "ok"]
    columns, objectives, remarks = _columns(task, good, question)
    quantities = tuple(tuple(_found(entry, column) for column in columns) for entry in entries)
    values = np.array([[_number(q) for q in row] for row in quantities], dtype=np.float64)
    values = values.reshape(len(entries), len(columns))
    draws = _draws(entries, columns, quantities, question)
    return Board(
        task=task,
        names=tuple(entry.candidate for entry in entries),
        columns=columns,
        objectives=objectives,
        quantities=quantities,
        values=values,
        draws=np.where(np.isnan(values), np.nan, draws),
        better=_exact_tests(entries, columns),
        broken=tuple(None if e.status == "ok" else f"its cell is {e.status}: {e.reason}" for e in entries),
        remarks=(
            *remarks,
            *_remarks(task, good, columns, objectives),
            *_taken_as_read(task, [entry.candidate for entry in entries], columns, quantities, draws),
        ),
        baselines=tuple(entry.cell.family == "baseline" for entry in entries),
        seconds=np.array([_number(entry.efficiency.get("latency_mean_s")) for entry in entries]),
    )


def _number(quantity: Quantity | None) -> float:
    return float("nan") if quantity is None or quantity.value is None else quantity.value


def _found(entry: Entry, column: Column) -> Quantity | None:
    if entry.status != "ok":
        return None
    return entry.quality.get(column.name) or entry.efficiency.get(column.name)


def _columns(task: str, good: Sequence[Entry], question: Question) -> tuple[tuple[Column, ...], int, list[str]]:
    """Returns the columns, how many of them are objectives, and a sentence for each objective that is left
    out."""
    columns: list[Column] = []
    remarks: list[str] = []
    for asked in question.objectives:
        column = _column(asked, good, question)
        if column is None or not any(_has(entry, column.name) for entry in good):
            remarks.append(_dropped(task, asked, good))
        elif column.name not in [known.name for known in columns]:
            columns.append(column)
    objectives = len(columns)
    rule = question.rule
    others = [limit.name for limit in question.limits] + [rule.prefer or ""] + list(rule.order) + list(rule.rates)
    for asked in filter(None, others):
        column = _column(asked, good, question)
        if column is not None and column.name not in [known.name for known in columns]:
            columns.append(column)
    return tuple(columns), objectives, remarks


def _column(asked: str, good: Sequence[Entry], question: Question) -> Column | None:
    """Returns the column for a name; None when it is a metric that this task does not have."""
    on_gpu = any(entry.on_gpu for entry in good)
    name = canonical(asked, on_gpu=on_gpu)
    if name == "quality":
        name = next((entry.quality_metric for entry in good if entry.quality_metric), name)
    margin, relative = parse_margin(asked, question.rule.margins.get(asked, question.rule.margins.get(name, 0.0)))
    if name in READINGS:
        about = READINGS[name]
        return Column(asked, name, about.unit, about.higher_is_better, margin, relative)
    found = next((entry.quality[name] for entry in good if name in entry.quality), None)
    return None if found is None else Column(asked, name, found.unit, found.higher_is_better, margin, relative)


def _has(entry: Entry, name: str) -> bool:
    quantity = entry.quality.get(name) or entry.efficiency.get(name)
    return quantity is not None and quantity.value is not None


def _dropped(task: str, asked: str, good: Sequence[Entry]) -> str:
    if not good:
        return f"{asked} is not known: no model finished '{task}'."
    name = canonical(asked, on_gpu=any(entry.on_gpu for entry in good))
    if name in READINGS:
        reasons = {q.reason for entry in good if (q := entry.efficiency.get(name)) is not None and q.reason}
        why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        return f"{asked} was measured for no model on '{task}'{why}: it is left out of this front."
    return f"{asked} is not a metric of '{task}': it is left out of this front."


def _draws(
    entries: Sequence[Entry],
    columns: Sequence[Column],
    quantities: Sequence[Sequence[Quantity | None]],
    question: Question,
) -> Floats:
    replicates, seed = question.rule.replicates, question.rule.seed
    out = np.full((replicates, len(entries), len(columns)), np.nan)
    drawn = quality_draws(entries, [column.name for column in columns if column.is_quality], replicates, seed)
    for c, column in enumerate(columns):
        if column.is_quality:
            out[:, :, c] = drawn[column.name]
            continue
        mixed = len({is_estimate(q) for row in quantities if (q := row[c]) is not None and q.value is not None}) > 1
        for m, entry in enumerate(entries):
            if entry.status == "ok":
                out[:, m, c] = reading_draws(entry, column.name, replicates, seed, question.prices, use_bounds=mixed)
    return out


def _exact_tests(entries: Sequence[Entry], columns: Sequence[Column]) -> dict[int, Floats]:
    """Returns McNemar's one-sided p-values for the columns that are proportions of independent examples."""
    found: dict[int, Floats] = {}
    for c, column in enumerate(columns):
        rows = [_outcomes(entry, column.name) for entry in entries]
        if any(row is not None for row in rows):
            found[c] = np.array([[_mcnemar(a, b) for b in rows] for a in rows])
    return found


def _outcomes(entry: Entry, name: str) -> Floats | None:
    """Returns 1 for each example that was right, else 0; None when the metric is not such a proportion."""
    metric = entry.metrics.get(name)
    if metric is None or not metric.proportion or any(sample.group is not None for sample in entry.samples):
        return None
    return np.asarray(metric.value(entry.statistics[name]), dtype=np.float64)


def _mcnemar(a: Floats | None, b: Floats | None) -> float:
    if a is None or b is None or len(a) != len(b):
        return float("nan")
    return mcnemar_better(int(np.count_nonzero(a > b)), int(np.count_nonzero(b > a)))


def _taken_as_read(
    task: str,
    names: Sequence[str],
    columns: Sequence[Column],
    quantities: Sequence[Sequence[Quantity | None]],
    draws: Floats,
) -> list[str]:
    """Returns a sentence for each column that is compared as if it had no noise, though it is not exact."""
    remarks = []
    for c, column in enumerate(columns):
        known = [(m, q) for m, row in enumerate(quantities) if (q := row[c]) is not None and q.value is not None]
        fixed = [m for m, q in known if not _varies(column, q) and np.ptp(draws[:, m, c]) == 0]
        if fixed:
            whose = "any model" if len(fixed) == len(known) else ", ".join(names[m] for m in fixed)
            remarks.append(
                f"{column.name} on '{task}' has no interval for {whose}: it enters as it was read, as if it would read "
                "the same again, so a small difference in it may be chance."
            )
    return remarks


def _varies(column: Column, quantity: Quantity) -> bool:
    """Returns whether a quantity needs no remark: it has draws, has its own remark, or shows no noise."""
    return column.is_quality or is_estimate(quantity) or quantity.is_firm


def _remarks(task: str, good: Sequence[Entry], columns: Sequence[Column], objectives: int) -> list[str]:
    """Returns what a reader must know of how the columns were compared."""
    remarks = []
    for column in columns[:objectives]:
        sources: dict[bool, list[str]] = {}
        for entry in good:
            quantity = _found(entry, column)
            if quantity is not None and quantity.value is not None and not column.is_quality:
                sources.setdefault(is_estimate(quantity), []).append(entry.candidate)
        if len(sources) > 1:
            remarks.append(
                f"{column.name} on '{task}' is an estimate for {', '.join(sources[True])} and measured for "
                f"{', '.join(sources[False])}: the estimates enter with their whole range, and a rank "
                "between the two kinds means less than one within them."
            )
        elif True in sources:
            remarks.append(
                f"{column.name} on '{task}' is an estimate for every model: read it as a ranking, not as a measurement."
            )
    return remarks
