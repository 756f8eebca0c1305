"""Looks made by hand for tests: scores of 0 or 1, one cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.decision.board import Column
from bench.metrics.base import Metric
from bench.metrics.catalogue import METRICS
from bench.racing import Contestant, Guarantee, Look, Out, Race
from bench.racing.state import LimitState, RacedColumn
from bench.suite import DecisionSpec

COST = "latency_p50_s"


def contestant(
    name: str, scores: Sequence[float], cost: float = 1.0, *limits: LimitState, metric: str = "accuracy", **rest: object
) -> Contestant:
    """Make a candidate with these scores."""
    rows = np.column_stack([np.asarray(scores, dtype=np.float64), np.ones(len(scores))])
    kept = float(np.prod([limit.kept for limit in limits if limit.state != "inside"]))
    return Contestant(name, len(scores), {COST: cost}, {metric: rows}, limits, kept, **rest)  # type: ignore[arg-type]


def look(
    total: int,
    *contestants: Contestant,
    rule: Mapping[str, object] | None = None,
    guarantee: Guarantee = Guarantee.PREDICTIVE,
    tolerance: float = 0.005,
    out: tuple[Out, ...] = (),
    metric: str = "accuracy",
    ends: Sequence[int] | None = None,
) -> Look:
    """Make a look at candidates of a task with so many examples."""
    made: Metric = METRICS[metric]()
    columns = (
        RacedColumn(Column("quality", metric, made.unit, made.higher_is_better), tolerance, made),
        RacedColumn(Column(COST, COST, "s", higher_is_better=False)),
    )
    every = tuple(range(1, total + 1)) if ends is None else tuple(ends)
    spec = DecisionSpec.model_validate(rule or {})
    return Look("t", Race(guarantee), spec, columns, 2, every, contestants, out=out)


def right(share: float, n: int) -> list[float]:
    """Make n scores of which this share is right, evenly spread."""
    return [float(int((i + 1) * share + 1e-9) > int(i * share + 1e-9)) for i in range(n)]


def limit(state: str, kept: float, *, by_examples: bool = False) -> LimitState:
    """Make what is known of a limit."""
    return LimitState("latency_p50_s <= 1 s", COST, state, kept, by_examples)  # type: ignore[arg-type]
