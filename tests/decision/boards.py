"""Small boards for tests of rules: values by hand, replicates from normal noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS
from bench.catalogue.reasons import from_source
from bench.decision.board import Board, Column
from bench.summary import Quantity

Floats = NDArray[np.float64]


def make_board(
    values: Sequence[Sequence[float]],
    columns: Sequence[str] = ("accuracy", "latency_p95_s"),
    noise: float | Sequence[float] = 0.0,
    *,
    objectives: int | None = None,
    replicates: int = 500,
    margins: dict[str, float] | None = None,
    n: int = 100,
    task: str = "topic",
) -> Board:
    """Returns a board of candidates `a`, `b`, … with intervals of ±1.96 noise; NaN is a missing value."""
    table = np.array(values, dtype=np.float64).reshape(len(values), len(columns))
    spread = np.broadcast_to(np.asarray(noise, dtype=np.float64), len(columns))
    rng = np.random.default_rng(0)
    draws = table + rng.normal(size=(replicates, *table.shape)) * spread
    made = tuple(_column(name, (margins or {}).get(name, 0.0)) for name in columns)
    quantities = tuple(
        tuple(_quantity(column, value, s, n) for column, value, s in zip(made, row, spread, strict=True))
        for row in table
    )
    return Board(
        task=task,
        names=tuple("abcdefghijklmnopqrstuvwxyz"[i] for i in range(len(table))),
        columns=made,
        objectives=len(columns) if objectives is None else objectives,
        quantities=quantities,
        values=table,
        draws=draws,
        tests={},
        broken=(None,) * len(table),
        seconds=np.full(len(table), 0.01),
    )


def _column(name: str, margin: float) -> Column:
    if name in READINGS:
        return Column(name, name, READINGS[name].unit, READINGS[name].higher_is_better, margin)
    return Column("quality", name, "ratio", True, margin)


def _quantity(column: Column, value: float, spread: float, n: int) -> Quantity:
    if np.isnan(value):
        return Quantity(None, None, None, 0, column.unit, "clock", column.higher_is_better, from_source("no meter"))
    low, high = (None, None) if spread == 0 else (value - 1.96 * spread, value + 1.96 * spread)
    return Quantity(value, low, high, n, column.unit, "clock", column.higher_is_better)
