"""Series of readings over nights: one per model, variant, task and reading, cut where the environment changed.

Read from the stored summaries by SQL, not from raw timings: a year of fifty cells takes about a second.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.catalogue.readings import READINGS, shown_in
from bench.history.environment import differences, harness_of
from bench.store import SUMMARY_COLUMNS, CanarySeconds, RunInfo, Store

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
    tags: tuple[str, ...] = ()


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
        """Model, variant, task, reading."""
        return self.model, self.variant, self.task, self.reading

    @property
    def candidate(self) -> str:
        """`model` or `model[variant]`."""
        return self.model if self.variant == "float32" else f"{self.model}[{self.variant}]"

    @property
    def label(self) -> str:
        """`model[variant] · task · reading`."""
        return f"{self.candidate} · {self.task} · {self.reading}"

    @property
    def is_quality(self) -> bool:
        """Whether it is a quality metric rather than an efficiency reading."""
        return self.reading not in READINGS

    @property
    def latest(self) -> Point | None:
        """The newest point with a value."""
        return next((point for point in reversed(self.points) if point.value is not None), None)

    def current(self) -> tuple[Point, ...]:
        """Returns the points with a value of the segment that the newest of them is in."""
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

    def find(self, model: str, variant: str, task: str, reading: str) -> Series | None:
        """Returns one series; None when there is none."""
        return next((series for series in self.series if series.key == (model, variant, task, reading)), None)


def read_history(
    store: Store, suite: str, nights: int | None = None, *, until: str | None = None, readings: Iterable[str] = TRACKED
) -> History:
    """Returns the history of a suite; writes the summaries of runs that have none yet.

    Args:
        store: where the runs are.
        suite: the suite's name.
        nights: the newest so many alone; None for all.
        until: id of the newest run to take, for a look back.
        readings: efficiency readings to take; every quality metric is taken, too.

    Raises:
        StoreError: the database cannot be read, or raw timings are gone that no summary stands for.
    """
    infos = [info for info in reversed(store.runs(suite)) if info.status != "running"]
    if until is not None:
        known = [info.id for info in infos]
        infos = infos[: known.index(until) + 1] if until in known else infos
    infos = infos[-nights:] if nights else infos
    ids = [info.id for info in infos]
    fresh = _remembered(store, ids)
    dropped = [name for name in READINGS if name not in set(readings)]
    described = _nights(infos, store.canaries(ids), store.tags(suite))
    with _no_collecting():
        rows = [*store.summaries(ids, dropped), *(row for row in fresh if row[4] not in dropped)]
        return History(suite, described, _series(described, rows))


def _remembered(store: Store, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """Returns the rows of runs that had no summary, and whose summaries could not be stored now."""
    missing = store.without_summaries(ids)
    if not missing:
        return []
    from bench.history.remember import remember_missing  # statistics take a second to import, and are needed here alone

    return [tuple(getattr(one, name) for name in SUMMARY_COLUMNS) for one in remember_missing(store, missing)]


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Holds the garbage collector back: it would walk hundreds of thousands of new points again and again, a third
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
    numbers: dict[tuple[str, str], int] = {}
    found: list[Night] = []
    for place, info in enumerate(infos):
        harness = harness_of(info.environment)
        number = numbers.setdefault((info.machine_key, harness), len(numbers))
        changed = place > 0 and found[-1].segment != number
        found.append(
            Night(
                run_id=info.id,
                started_at=info.started_at,
                machine=info.machine_key,
                harness=harness,
                commit=(info.environment.get("git") or {}).get("commit"),
                status=info.status,
                segment=number,
                changed=tuple(differences(infos[place - 1].environment, info.environment)) if changed else (),
                canary_s=canary_seconds(canaries.get(info.id, ())),
                tags=tuple(name for name, run_id in tags.items() if run_id == info.id),
            )
        )
    return tuple(found)


def canary_seconds(found: Sequence[CanarySeconds]) -> float | None:
    """Returns the median of the measurings of the newest version of the workload; None when there are none."""
    if not found:
        return None
    newest = max(one.version for one in found)
    return median(one.seconds for one in found if one.version == newest)


def _series(nights: Sequence[Night], rows: Iterable[Sequence[Any]]) -> tuple[Series, ...]:
    """Returns the series of summary rows (`SUMMARY_COLUMNS`), in the order of their keys' first night."""
    by_key: dict[tuple[str, str, str, str], dict[str, Sequence[Any]]] = {}
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        run_id, model, variant, task, reading, status = row[:6]
        found = by_key.get((model, variant, task, reading))
        if found is None:
            found = by_key[model, variant, task, reading] = {}
            cells.setdefault((model, variant, task), {})
        found[run_id] = row
        cells[model, variant, task][run_id] = status
    return tuple(_one(key, nights, found, cells[key[:3]]) for key, found in by_key.items())


def _one(
    key: tuple[str, str, str, str],
    nights: Sequence[Night],
    found: Mapping[str, Sequence[Any]],
    statuses: Mapping[str, str],
) -> Series:
    segments: dict[tuple[int, str], int] = {}
    points: list[Point] = []
    segment = 0
    for night in nights:
        row = found.get(night.run_id)
        if row is None:
            status = statuses.get(night.run_id)
            why = NO_CELL if status is None else f"the cell is {status}"
            points.append(Point(night.run_id, night.started_at, None, None, None, why, segment, night.canary_s))
            continue
        *_, value, low, high, reason, terms, measured_in = row
        segment = segments.setdefault((night.segment, terms), len(segments))
        if measured_in is not None:
            value = low = high = None
            reason = f"not measured again this night: taken from {measured_in}"
        points.append(Point(night.run_id, night.started_at, value, low, high, reason, segment, night.canary_s))
    unit, larger_is_better = found[max(found)][6:8]
    return Series(*key, bool(larger_is_better), tuple(points), unit)
