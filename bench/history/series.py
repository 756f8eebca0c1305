"""Series of readings over nights: one per model, variant, task and reading, cut where the environment changed.

Read from the stored summaries by SQL, not from raw timings: a year of fifty cells takes about a second.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, stdev
from typing import NamedTuple

from bench.catalogue.readings import READINGS, shown_in
from bench.history.environment import harness_of
from bench.host.differences import differences
from bench.store import CanarySeconds, RunInfo, Store, SummaryRow

TRACKED = shown_in("history")
"""Efficiency readings that are followed from night to night; every quality metric is, too."""

NO_CELL = "this night has no such cell"


@dataclass(frozen=True, slots=True)
class Night:
    """One run of the suite."""

    run_id: str
    started_at: str
    """ISO 8601, UTC."""
    machine: str
    """`bench.host.machine_key`: hardware, limits and software."""
    harness: str
    """Version of bench."""
    commit: str | None
    """Git commit of the folder that the run was started in."""
    status: str
    """Of the run: `complete`, `interrupted` or `running`."""
    segment: int = 0
    """Number of the environment (machine and harness), 0 the first that was seen; the same environment later has
    the same number."""
    changed: tuple[str, ...] = ()
    """What changed in the environment since the night before; empty where nothing did."""
    canary_s: float | None = None
    """Median seconds of the fixed workload on this machine during the run; None where it was not measured."""
    canary_error: float | None = None
    """Standard error of its logarithm, from the scatter of the measurings; None where there are fewer than two."""
    tags: tuple[str, ...] = ()
    is_partial: bool = False
    """Whether options left out a part of the suite (`--limit`, `--only`): it is no baseline of a whole night, and no
    point of a series that has whole nights."""
    restricted_by: str = ""
    """Those options."""


class Point(NamedTuple):
    """One night of a series: a tuple, since a year of nights has hundreds of thousands of them."""

    run_id: str
    started_at: str
    value: float | None
    """In the series' unit; None when it is missing, never 0 for that."""
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    reason: str | None
    """Why the value is missing, or what qualifies it."""
    segment: int
    """Points compare within a segment alone: one machine, one version of bench, one set of data and measuring."""
    canary_s: float | None = None
    """Of the night."""
    canary_error: float | None = None
    """Of the night, as in `Night`."""


@dataclass(frozen=True, slots=True)
class Series:
    """One reading of one cell over the nights, oldest first."""

    model: str
    variant: str
    task: str
    reading: str
    larger_is_better: bool
    points: tuple[Point, ...]
    """One per night of the history, also where the value is missing."""
    unit: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return model, variant, task and reading."""
        return self.model, self.variant, self.task, self.reading

    @property
    def candidate(self) -> str:
        """Return `model` or `model[variant]`."""
        return self.model if self.variant == "float32" else f"{self.model}[{self.variant}]"

    @property
    def label(self) -> str:
        """Return `model[variant] · task · reading`."""
        return f"{self.candidate} · {self.task} · {self.reading}"

    @property
    def is_quality(self) -> bool:
        """Tell whether this is a quality metric rather than an efficiency reading."""
        return self.reading not in READINGS

    @property
    def latest(self) -> Point | None:
        """Return the newest point with a value."""
        return next((point for point in reversed(self.points) if point.value is not None), None)

    def current(self) -> tuple[Point, ...]:
        """Return the points with a value of the segment that the newest of them is in."""
        latest = self.latest
        if latest is None:
            return ()
        return tuple(p for p in self.points if p.value is not None and p.segment == latest.segment)


@dataclass(frozen=True, slots=True)
class History:
    """The nights of a suite and its series."""

    suite: str
    nights: tuple[Night, ...]
    """Oldest first."""
    series: tuple[Series, ...]
    left: int = 0
    """Runs that are left out, since there was no time to make their summaries."""

    def find(self, model: str, variant: str, task: str, reading: str) -> Series | None:
        """Return one series; None when there is none."""
        return next((series for series in self.series if series.key == (model, variant, task, reading)), None)


def read_history(
    store: Store,
    suite: str,
    nights: int | None = None,
    *,
    until: str | None = None,
    readings: Iterable[str] = TRACKED,
    on_missing: Callable[[int], None] | None = None,
    within_s: float | None = None,
) -> History:
    """Read the history of a suite; write the summaries of runs that have none yet.

    Args:
        store: where the runs are.
        suite: the suite's name.
        nights: the newest so many alone; None for all.
        until: id of the newest run to take, for a look back.
        readings: efficiency readings to take; every quality metric is taken, too.
        on_missing: told how many runs have no summaries yet, before they are made from raw timings, which takes long.
        within_s: make summaries for so long, those of the newest runs first; runs that are left without are left out,
            and counted in `History.left`. None makes all.

    Raises:
        StoreError: the database cannot be read, or raw timings are gone that no summary stands for.
    """
    infos = [info for info in reversed(store.runs(suite)) if info.status != "running"]
    if until is not None:
        ids = [info.id for info in infos]
        infos = infos[: ids.index(until) + 1] if until in ids else infos
    infos = infos[-nights:] if nights else infos
    ids = [info.id for info in infos]
    fresh, left = _remembered(store, ids, on_missing, within_s)
    infos = [info for info in infos if info.id not in left]
    ids = [info.id for info in infos]
    dropped = {name for name in READINGS if name not in set(readings)}
    described = _nights(infos, store.canaries(ids), store.tags(suite))
    with _no_collecting():
        rows = [*store.summaries(ids, sorted(dropped)), *(row for row in fresh if row.reading not in dropped)]
        return History(suite, described, _series(described, rows), len(left))


def _remembered(
    store: Store, ids: Sequence[str], on_missing: Callable[[int], None] | None, within_s: float | None
) -> tuple[list[SummaryRow], set[str]]:
    """Store the summaries of runs that had none.

    Returns:
        Those that could not be stored now, and the runs that there was no time for.
    """
    without = set(store.without_summaries(ids))
    missing = [run_id for run_id in ids if run_id in without]
    if not missing:
        return [], set()
    if on_missing is not None:
        on_missing(len(missing))
    from bench.history.remember import remember_missing  # statistics take a second to import, and are needed here alone

    return remember_missing(store, missing, within_s)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Hold the garbage collector back: it would walk hundreds of thousands of new points again and again, a third
    of the time of a year of nights, and they hold no cycles."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _nights(
    infos: Sequence[RunInfo], canaries: Mapping[str, Sequence[CanarySeconds]], tags: Mapping[str, str]
) -> tuple[Night, ...]:
    segments: dict[tuple[str, str], int] = {}
    nights: list[Night] = []
    for place, info in enumerate(infos):
        harness = harness_of(info.environment)
        segment = segments.setdefault((info.machine_key, harness), len(segments))
        has_changed = place > 0 and nights[-1].segment != segment
        nights.append(
            Night(
                run_id=info.id,
                started_at=info.started_at,
                machine=info.machine_key,
                harness=harness,
                commit=(info.environment.get("git") or {}).get("commit"),
                status=info.status,
                segment=segment,
                changed=tuple(differences(infos[place - 1].environment, info.environment)) if has_changed else (),
                canary_s=canary_seconds(canaries.get(info.id, ())),
                canary_error=canary_error(canaries.get(info.id, ())),
                tags=tuple(name for name, run_id in tags.items() if run_id == info.id),
                is_partial=info.is_partial,
                restricted_by=info.restricted_by,
            )
        )
    return tuple(nights)


def canary_seconds(canaries: Sequence[CanarySeconds]) -> float | None:
    """Return the median of the measurings of the newest version of the workload; None when there are none."""
    seconds = _newest_seconds(canaries)
    return median(seconds) if seconds else None


def canary_error(canaries: Sequence[CanarySeconds]) -> float | None:
    """Compute the standard error of the logarithm of the canary; None for fewer than two measurings.

    The scatter of the logarithms over √k: that before and after the cells differ is part of what is not known.
    """
    logs = [math.log(seconds) for seconds in _newest_seconds(canaries) if seconds > 0]
    return stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else None


def _newest_seconds(canaries: Sequence[CanarySeconds]) -> list[float]:
    """List the durations of the newest version of the workload: those of two versions do not compare."""
    newest = max((canary.version for canary in canaries), default=0)
    return [canary.seconds for canary in canaries if canary.version == newest]


def _series(nights: Sequence[Night], rows: Iterable[SummaryRow]) -> tuple[Series, ...]:
    """Sort summaries into series, in the order of their keys' first night."""
    by_key: dict[tuple[str, str, str, str], dict[str, SummaryRow]] = {}
    statuses: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        cell = (row.model, row.variant, row.task)
        by_key.setdefault((*cell, row.reading), {})[row.run_id] = row
        statuses.setdefault(cell, {})[row.run_id] = row.status
    whole = any(not night.is_partial for night in nights)
    left_out = {night.run_id: f"partial: {night.restricted_by}" for night in nights if whole and night.is_partial}
    return tuple(
        _one(key, nights, of_runs, statuses[key[:3]], left_out)
        for key, of_runs in by_key.items()
        if not _is_newer_than_all(key[3], of_runs.values())
    )


def _is_newer_than_all(name: str, rows: Iterable[SummaryRow]) -> bool:
    """Tell whether a reading is one that older nights lack, and there are no others."""
    reading = READINGS.get(name)
    return reading is not None and bool(reading.stand_in) and all(row.value is None for row in rows)


def _one(
    key: tuple[str, str, str, str],
    nights: Sequence[Night],
    rows: Mapping[str, SummaryRow],
    statuses: Mapping[str, str],
    left_out: Mapping[str, str],
) -> Series:
    segments: dict[tuple[int, str], int] = {}
    points: list[Point] = []
    segment = 0
    for night in nights:
        row = rows.get(night.run_id)
        value = low = high = reason = None
        if row is None:
            status = statuses.get(night.run_id)
            reason = NO_CELL if status is None else f"the cell is {status}"
        elif night.run_id in left_out:
            reason = left_out[night.run_id]
        else:
            segment = segments.setdefault((night.segment, row.terms), len(segments))
            if row.measured_in is None:
                value, low, high, reason = row.value, row.low, row.high, row.reason
            else:
                reason = f"not measured again this night: taken from {row.measured_in}"
        points.append(
            Point(night.run_id, night.started_at, value, low, high, reason, segment, night.canary_s, night.canary_error)
        )
    newest = rows[max(rows)]
    return Series(*key, bool(newest.higher_is_better), tuple(points), newest.unit)
