"""Synthetic series and stores of nights."""

from __future__ import annotations

from collections.abc import Sequence

from bench.history.series import Point, Series
from bench.host.facts import Facts
from bench.store import RunInfo, Store
from tests.factories import Sketch, make_run


def series(
    values: Sequence[float | None],
    *,
    reading: str = "latency_p50_s",
    unit: str = "s",
    larger: bool = False,
    canary: Sequence[float] | None = None,
    segments: Sequence[int] | None = None,
) -> Series:
    points = tuple(
        Point(f"n{i:03d}", f"{i:03d}", v, None, None, None, segment, seconds)
        for i, (v, segment, seconds) in enumerate(
            zip(values, segments or [0] * len(values), canary or [None] * len(values), strict=True)
        )
    )
    return Series("m", "float32", "t", reading, larger, points, unit)


def environment_of(machine: str) -> Facts:
    """Returns the fingerprint of a machine."""
    return {"machine": {"kernel": machine}, "software": {"packages": {"bench": "0.1"}}}


def night(store: Store, models: Sequence[Sketch], machine: str = "m", *, seed: int = 0, examples: int = 200) -> str:
    run_id = store.begin_run(RunInfo("s", "", "h", "bench", machine, "quick", environment=environment_of(machine)))
    for record in make_run(models, examples=examples, seed=seed):
        store.commit(run_id, record)
    store.finish_run(run_id, "complete")
    return run_id
