"""From the entries of one task to its board: columns, values, replicates, and what a reader must know of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.candidates import is_floor
from bench.catalogue.readings import READINGS, canonical
from bench.decision.board import Absence, Board, Column, Doubted, Missing
from bench.decision.draws import is_estimate, quality_draws, reading_draws
from bench.decision.paired import paired_tests
from bench.decision.question import Question
from bench.decision.remarks import (
    Dropped,
    Estimated,
    FrontRaced,
    ObjectiveDropped,
    OneProcess,
    PeakRead,
    Remark,
    StoppedEarly,
    TakenAsRead,
    TokensDiffer,
)
from bench.decision.unknown import PEAK_SHARE, PEAK_SLACK_BYTES, is_peak, is_timed, unknown_of
from bench.doubts import barring
from bench.suite import PriceSpec
from bench.suite.limits import QUALITY, parse_margin
from bench.summary import Entry, Quantity
from bench.summary.tokens import incomparable

Floats = NDArray[np.float64]


def build(task: str, entries: Sequence[Entry], question: Question) -> Board:
    """Build the board of one task from the entries of its cells."""
    good = [entry for entry in entries if entry.ended_well]
    columns, objectives, remarks = _columns(task, good, question)
    quantities = tuple(tuple(_quantity_of(entry, column) for column in columns) for entry in entries)
    values = np.array([[_number(q) for q in row] for row in quantities], dtype=np.float64)
    values = values.reshape(len(entries), len(columns))
    draws = _draws(entries, columns, quantities, question)
    unknown = _unknown(entries, columns, quantities, draws, question.prices)
    return Board(
        task=task,
        names=tuple(entry.candidate for entry in entries),
        columns=columns,
        objectives=objectives,
        quantities=quantities,
        values=values,
        draws=np.where(np.isnan(values), np.nan, draws),
        tests=paired_tests(entries, columns),
        broken=tuple(_broken(entry) for entry in entries),
        remarks=(
            *remarks,
            *_tokens_differ(task, good),
            *_estimates(task, good, columns, objectives),
            *_not_certain(task, entries, columns, quantities, unknown, as_raced=question.as_raced),
        ),
        baselines=tuple(is_floor(entry.cell.family) for entry in entries),
        raced=tuple(entry.raced if question.as_raced else None for entry in entries),
        seconds=np.array([_number(entry.efficiency.get("latency_mean_s")) for entry in entries]),
        unknown=unknown,
        available=_available(good),
        doubts=tuple(_doubts(entry, columns) for entry in entries),
    )


def _doubts(entry: Entry, columns: Sequence[Column]) -> tuple[Doubted, ...]:
    """List the doubts that touch a column, each code once."""
    names = [column.name for column in columns]
    touched: dict[str, set[str]] = {}
    for doubt in entry.doubts:
        own = {name for name in names if not doubt.readings or name.startswith(doubt.readings)}
        if own:
            touched.setdefault(doubt.code, set()).update(own)
    return tuple(Doubted(code, tuple(n for n in names if n in own)) for code, own in touched.items())


def _available(good: Sequence[Entry]) -> int | None:
    """Count the examples that the data set of the task has, as the records note it; None where none does."""
    noted = [record.notes.get("data") for entry in good for record in entry.records]
    counts = [data.get("rows_available") for data in noted if isinstance(data, Mapping)]
    return min((count for count in counts if isinstance(count, int)), default=None)


def _broken(entry: Entry) -> Missing | None:
    """Tell why a candidate cannot be judged at all; None when it can."""
    if entry.ended_well:
        doubt = barring(entry.doubts)
        return None if doubt is None else Missing(Absence.BARRED, reason=doubt.message, doubt=doubt.code)
    kind = Absence.UNSUPPORTED if entry.status == "unsupported" else Absence.ENDED
    return Missing(kind, status=entry.status, reason=entry.reason)


def _number(quantity: Quantity | None) -> float:
    return float("nan") if quantity is None or quantity.value is None else quantity.value


def _columns(
    task: str, good: Sequence[Entry], question: Question
) -> tuple[tuple[Column, ...], int, list[ObjectiveDropped]]:
    """Choose the columns; return them, how many of them are objectives, and the objectives that are left out."""
    columns: list[Column] = []
    remarks: list[ObjectiveDropped] = []
    for objective in question.objectives:
        column = _column(objective, good, question)
        if column is not None and column.name in incomparable(good):
            continue  # `_tokens_differ` says it
        if column is None or not any(_has(entry, column.name) for entry in good):
            remarks.append(_dropped(task, objective, good))
        else:
            _put(column, columns)
    objectives = len(columns)
    rule = question.rule
    others = [limit.name for limit in question.limits] + [rule.prefer or ""] + list(rule.order) + list(rule.rates)
    for objective in filter(None, others):
        column = _column(objective, good, question)
        if column is not None and column.name not in incomparable(good):
            _put(column, columns)
    return tuple(columns), objectives, remarks


def _put(column: Column, columns: list[Column]) -> None:
    """Add a column, or, where it is there under another name, that it was asked for by this one too."""
    place = next((i for i, other in enumerate(columns) if other.name == column.name), None)
    if place is None:
        columns.append(column)
    elif column.asked not in (columns[place].asked, *columns[place].also):
        columns[place] = replace(columns[place], also=(*columns[place].also, column.asked))


def _column(objective: str, good: Sequence[Entry], question: Question) -> Column | None:
    """Make the column for a name; None when it is a metric that this task does not have."""
    on_gpu = any(entry.on_gpu for entry in good)
    name = canonical(objective, on_gpu=on_gpu)
    if name == QUALITY:
        name = next((entry.quality_metric for entry in good if entry.quality_metric), name)
    margin, relative = parse_margin(
        objective, question.rule.margins.get(objective, question.rule.margins.get(name, 0.0))
    )
    if name in READINGS:
        about = READINGS[name]
        return Column(objective, name, about.unit, about.higher_is_better, margin, relative)
    quantity = next((entry.quality[name] for entry in good if name in entry.quality), None)
    return (
        None
        if quantity is None
        else Column(objective, name, quantity.unit, quantity.higher_is_better, margin, relative)
    )


def _has(entry: Entry, name: str) -> bool:
    quantity = entry.quality.get(name) or entry.efficiency.get(name)
    return quantity is not None and quantity.value is not None


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
            if entry.ended_well:
                out[:, m, c] = reading_draws(entry, column.name, replicates, seed, question.prices, use_bounds=mixed)
    return out


def _unknown(
    entries: Sequence[Entry],
    columns: Sequence[Column],
    quantities: Sequence[Sequence[Quantity | None]],
    draws: Floats,
    prices: PriceSpec | None,
) -> Floats:
    """Find how far another process may read each value off beyond what the draws show, shape `(M, C)`."""
    unknown = np.zeros((len(entries), len(columns)))
    for m, entry in enumerate(entries):
        for c, column in enumerate(columns):
            quantity = quantities[m][c]
            if column.is_quality:
                unknown[m, c] = math.inf if entry.status == "settled" else 0.0
            elif quantity is not None and quantity.value is not None:
                still = bool(np.ptp(draws[:, m, c]) == 0)
                unknown[m, c] = unknown_of(entry, column.name, quantity, prices, is_still=still)
    return unknown


def _quantity_of(entry: Entry, column: Column) -> Quantity | None:
    """Look up what a cell has in a column; None for a cell that did not end well."""
    if not entry.ended_well:
        return None
    return entry.quality.get(column.name) or entry.efficiency.get(column.name)


def _dropped(task: str, objective: str, good: Sequence[Entry]) -> ObjectiveDropped:
    """Tell why an objective is left out of a task's front.

    Args:
        task: its name.
        objective: the objective, as the suite calls it.
        good: the entries of the cells that ended well.
    """
    if not good:
        return ObjectiveDropped(task, objective, Dropped.NOTHING_FINISHED)
    name = canonical(objective, on_gpu=any(entry.on_gpu for entry in good))
    if name not in READINGS:
        return ObjectiveDropped(task, objective, Dropped.NOT_A_METRIC)
    reasons = {q.reason.sentence for entry in good if (q := entry.efficiency.get(name)) is not None and q.reason}
    return ObjectiveDropped(task, objective, Dropped.NOT_MEASURED, tuple(sorted(reasons)))


def _tokens_differ(task: str, good: Sequence[Entry]) -> list[TokensDiffer]:
    """Find the metrics by which models are not compared, and what their quality is instead."""
    metrics = incomparable(good)
    instead = next((name for entry in good for name in entry.quality if name not in metrics), None)
    return [TokensDiffer(task, metrics, instead)] if metrics else []


def _not_certain(
    task: str,
    entries: Sequence[Entry],
    columns: Sequence[Column],
    quantities: Sequence[Sequence[Quantity | None]],
    unknown: Floats,
    *,
    as_raced: bool,
) -> list[Remark]:
    """Find the columns whose differences prove nothing, or only large ones, those of the same candidates together."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for c, column in enumerate(columns):
        measured = [m for m, row in enumerate(quantities) if (q := row[c]) is not None and q.value is not None]
        open_rows = [m for m in measured if unknown[m, c] > 0]
        if open_rows:
            whose = () if len(open_rows) == len(measured) else tuple(entries[m].candidate for m in open_rows)
            timed = "timed" if is_timed(column.name) else "read"
            kind = "early" if column.is_quality else "peak" if is_peak(column.name) else timed
            together.setdefault((kind, whose), []).append(column.name)
    remarks: list[Remark] = []
    for (kind, whose), names in together.items():
        if kind == "peak":
            remarks.append(PeakRead(task, tuple(names), whose, PEAK_SHARE, PEAK_SLACK_BYTES))
        elif kind == "early":
            remarks.append((_front_raced(task, entries) if as_raced else None) or StoppedEarly(task, whose))
        elif kind == "timed":
            remarks.append(OneProcess(task, tuple(names), whose))
        else:
            remarks.append(TakenAsRead(task, tuple(names), whose))
    return remarks


def _front_raced(task: str, entries: Sequence[Entry]) -> FrontRaced | None:
    """Tell where the race of a task placed everybody; None where it was for the pick alone."""
    raced = {entry.candidate: entry.raced for entry in entries if entry.raced is not None}
    places = {name: own.place for name, own in raced.items() if own.place is not None}
    if not places:
        return None
    kinds = ("on", "off", "tie", "open")
    by_place = {kind: tuple(n for n, own in places.items() if own.membership == kind) for kind in kinds}
    total = max(own.total for own in raced.values())
    risk = min(1.0, sum(own.chance for own in places.values() if own.membership != "open"))
    return FrontRaced(task, total, by_place["on"], by_place["off"], by_place["tie"], by_place["open"], risk)


def _estimates(task: str, good: Sequence[Entry], columns: Sequence[Column], objectives: int) -> list[Estimated]:
    """Find the objectives that are estimates, and for whom."""
    remarks = []
    for column in columns[:objectives]:
        by_kind: dict[bool, list[str]] = {True: [], False: []}
        for entry in good:
            quantity = _quantity_of(entry, column)
            if quantity is not None and quantity.value is not None and not column.is_quality:
                by_kind[is_estimate(quantity)].append(entry.candidate)
        if by_kind[True]:
            remarks.append(Estimated(task, column.name, tuple(by_kind[True]), tuple(by_kind[False])))
    return remarks
