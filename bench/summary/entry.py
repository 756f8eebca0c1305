"""What is shown of one cell: `Quantity` for a number, `Entry` for the cell, and their JSON shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import canonical
from bench.catalogue.reasons import Reason
from bench.meters.cascade import rests_on_estimate
from bench.meters.clock import on_cuda
from bench.metrics.base import Metric
from bench.record import WELL, Cell, Doubt, Record, Sample
from bench.stats.processes import Levels, Spread
from bench.suite.limits import QUALITY
from bench.summary.levels import Offered
from bench.summary.raced import Ended, FrontPlace

Floats = NDArray[np.float64]

LEVEL = 0.95
"""How often an interval holds the true value."""
_EXAMPLE_ID = attrgetter("example_id")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with what is needed to trust it."""

    value: float | None
    """In `unit`; None when it is missing, never 0 for that."""
    ci_low: float | None
    """Lower end of the 95 % interval; None when there is none."""
    ci_high: float | None
    n: int
    """Observations behind it: examples, requests, batches, token gaps or processes."""
    unit: str
    """Base unit, a key of `bench.units.FACTORS`."""
    source: str
    """How it was found: a metric's signature, `clock`, `rss`, `nvml_counter`, `estimate`, …"""
    higher_is_better: bool
    reason: Reason | None = None
    """Why the value or its interval is missing, or what qualifies it."""
    exact: bool = False
    """Whether it has no noise at all: parameters, bytes of weights, counted arithmetic."""

    @property
    def has_interval(self) -> bool:
        """Tell whether both ends of the interval are known."""
        return self.ci_low is not None and self.ci_high is not None

    @property
    def is_at_level(self) -> bool:
        """Tell whether there is an interval that holds the true value at `LEVEL`.

        The bounds of an estimate are none, nor are the two equal ends of what was counted.
        """
        return self.has_interval and not self.exact and not rests_on_estimate(self.source)


@dataclass(frozen=True, slots=True)
class Raced:
    """What the race of a task came to for a candidate (`bench.racing`)."""

    left: bool = False
    """Whether it left the race: it is no rival of what is picked, whatever its few answers say."""
    is_pick: bool = False
    """Whether the race took it; after a tie that is a cheaper candidate than the best one as observed."""
    ties_within: float = 0.0
    """Where the race ended in a tie: the difference of quality that does not matter, in the metric's unit."""
    ending: Ended | None = None
    """Why the race of the task ended; None where it was stopped."""
    total: int = 0
    """Examples of the task."""
    place: FrontPlace | None = None
    """Where it stands with the front of all examples; None in a race for the pick alone, and for whoever was not
    compared."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A candidate's answers beside its parent's."""

    parent: str
    compared: int
    """Examples that both answered."""
    equal: int
    """Examples with the same answer: the same label or text, or the same likelihood up to rounding."""
    largest: float | None
    """Largest difference of a score or of nats; None where there are texts alone."""
    differing: tuple[str, ...]
    """Ids of the examples whose answers differ by more than rounding in float32."""

    @property
    def share(self) -> float:
        """The share of equal answers."""
        return self.equal / self.compared


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One cell, the records of all its processes merged."""

    cell: Cell
    status: str
    """`ok` only when every process ended so and all examples are answered; `settled` where a part of them is."""
    reason: str | None
    quality: Mapping[str, Quantity]
    """By metric name, in the task's order: the first is the task's `quality`."""
    efficiency: Mapping[str, Quantity]
    """By reading name; a missing reading is present, with its reason."""
    doubts: tuple[Doubt, ...]
    samples: tuple[Sample, ...]
    """Of process 0, in the data's order."""
    statistics: Mapping[str, Floats] = field(default_factory=dict)
    """By metric name: the sufficient statistics, shape `(n, k)`, rows as `samples`."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """By metric name: what turns sums of `statistics` into a value."""
    timed: Mapping[str, tuple[Floats, ...]] = field(default_factory=dict)
    """Per process: `latency`, `ttft`, `tpot` (seconds per request), `itl` (seconds per token gap) and
    `throughput`, shape `(batches, 4)`: seconds, examples, input tokens, output tokens. Processes without any
    are left out."""
    levels: Mapping[str, Levels] = field(default_factory=dict)
    """By reading: what each process read. Empty where no candidate of the task has two processes."""
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    """By reading: how much processes differ, pooled over the candidates of the task."""
    paired_spreads: Mapping[str, Spread] = field(default_factory=dict)
    """The same of what is left when a round's own speed is taken out."""
    records: tuple[Record, ...] = ()
    labels: tuple[str, ...] = ()
    """The task's labels, where it has any."""
    likeness: Likeness | None = None
    """How far its answers are those of its parent; None for a candidate that has none, or without answers."""
    load: tuple[Offered, ...] = ()
    """The levels at which it was loaded; empty for a candidate that is not served, and where raw timings are gone."""
    raced: Raced | None = None
    """What the race of its task came to for it; None where it was not raced."""

    @property
    def id(self) -> str:
        """Return the cell's id."""
        return self.cell.id

    @property
    def ended_well(self) -> bool:
        """Tell whether what the cell answered and measured counts."""
        return self.status in WELL

    @property
    def candidate(self) -> str:
        """Name what is chosen between: `model` or `model[variant]`."""
        return candidate_name(self.cell)

    @property
    def example_ids(self) -> tuple[str, ...]:
        """List the data's ids of the examples that were answered, in order."""
        return tuple(map(_EXAMPLE_ID, self.samples))

    @property
    def latencies(self) -> tuple[Floats, ...]:
        """Return the seconds per request at batch size 1, one array per process."""
        return self.timed.get("latency", ())

    @property
    def on_gpu(self) -> bool:
        """Tell whether the cell ran on a CUDA device."""
        return any(on_cuda(str(record.environment.get("device", ""))) for record in self.records)

    @property
    def quality_metric(self) -> str | None:
        """Name of the task's first metric; None when nothing was scored."""
        return next(iter(self.quality), None)

    def quantity(self, name: str) -> Quantity | None:
        """Find a quantity by the name a suite uses: `quality`, a metric, a reading or an alias."""
        name = canonical(name, on_gpu=self.on_gpu)
        if name == QUALITY:
            name = self.quality_metric or name
        return self.quality.get(name) or self.efficiency.get(name)


def candidate_name(cell: Cell) -> str:
    """Name what is chosen between: `model`, or `model[variant]` where the variant is not the plain one."""
    return cell.model if cell.variant == "float32" else f"{cell.model}[{cell.variant}]"


def finite(value: float | None) -> float | None:
    """Pass on a finite number; anything else becomes None, since JSON knows no NaN."""
    return value if value is not None and math.isfinite(value) else None


class SharedJson(TypedDict):
    """What a metric and a reading both show."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    reason: str | None


class MetricJson(SharedJson):
    """A metric of a cell."""

    higher_is_better: bool


class ReadingJson(SharedJson):
    """A reading of a cell."""

    unit: str
    source: str


class DoubtJson(TypedDict):
    """A doubt about a cell."""

    code: str
    message: str
    remedy: str
    readings: list[str]
    process: int


class LikenessJson(TypedDict):
    """How far a candidate's answers are those of its parent."""

    parent: str
    compared: int
    equal: int
    largest_difference: float | None


class EntryJson(TypedDict):
    """A cell as `bench show --json` prints it."""

    id: str
    candidate: str
    model: str
    family: str
    variant: str
    task: str
    status: str
    reason: str | None
    quality: dict[str, MetricJson]
    efficiency: dict[str, ReadingJson]
    doubts: list[DoubtJson]
    parent: LikenessJson | None


def entry_json(entry: Entry) -> EntryJson:
    """Show a cell as `bench show --json` prints it."""
    return {
        "id": entry.id,
        "candidate": entry.candidate,
        "model": entry.cell.model,
        "family": entry.cell.family,
        "variant": entry.cell.variant,
        "task": entry.cell.task,
        "status": entry.status,
        "reason": entry.reason,
        "quality": {name: {**_shared(q), "higher_is_better": q.higher_is_better} for name, q in entry.quality.items()},
        "efficiency": {
            name: {**_shared(q), "unit": q.unit, "source": q.source} for name, q in entry.efficiency.items()
        },
        "doubts": [
            {
                "code": d.code,
                "message": d.message,
                "remedy": d.remedy,
                "readings": list(d.readings),
                "process": d.process,
            }
            for d in entry.doubts
        ],
        "parent": None if entry.likeness is None else _likeness_json(entry.likeness),
    }


def _likeness_json(likeness: Likeness) -> LikenessJson:
    return {
        "parent": likeness.parent,
        "compared": likeness.compared,
        "equal": likeness.equal,
        "largest_difference": finite(likeness.largest),
    }


def _shared(q: Quantity) -> SharedJson:
    return {
        "value": finite(q.value),
        "ci_low": finite(q.ci_low),
        "ci_high": finite(q.ci_high),
        "n": q.n,
        "reason": None if q.reason is None else q.reason.sentence,
    }
