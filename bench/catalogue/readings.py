"""The efficiency readings of bench, each declared once: what it is called, what it means and how it is treated.

Everything that ranks, charts, limits, lists or follows a reading looks here; no other file holds a table of
readings. Quality metrics declare the same of themselves in `bench/metrics/`. A reading is derived from stored raw facts
by `bench.summary`, or is itself a fact that a worker wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bench.errors import closest
from bench.units import FACTORS

TimedValues = Literal["latency", "ttft", "tpot", "itl", "throughput"]
"""Kinds of timed values: seconds per request, to the first token, per further token, between tokens; windows."""
Observation = Literal["requests", "token gaps", "batches", "processes"]
"""What one more observation of a reading is."""
Merging = Literal["median", "highest"]
"""How the values of several processes become one."""
Place = Literal["terminal", "results", "explorer", "history", "comparison"]
"""Where a reading is shown without being asked for: `bench show`, the table of results, the explorer's axes, the
history of nights, `bench compare`."""
Need = Literal["gpu"]
"""Hardware without which a reading cannot be produced."""


ROUNDING = 1e-9
"""By how much the sum of many terms may be off, relative to a bound and to 1: 10⁶ terms at 2⁻⁵³ each, with margin."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values that are possible; one outside is a mistake of the instrument."""

    low: float = -math.inf
    high: float = math.inf
    low_is_possible: bool = True

    def admits(self, value: float) -> bool:
        """Tell whether a value is possible; NaN is not.

        >>> POSITIVE.admits(0.0), AT_LEAST_ZERO.admits(0.0), COUNT.admits(2.0**63)
        (False, True, False)
        """
        return (self.low <= value if self.low_is_possible else self.low < value) and value <= self.high

    def nearly_admits(self, value: float) -> bool:
        """Tell whether a value is possible up to the rounding of a sum.

        >>> RATIO.nearly_admits(1.0000000000000002), RATIO.nearly_admits(1.01), RATIO.nearly_admits(math.nan)
        (True, False, False)
        """
        return self.low - ROUNDING * max(1.0, abs(self.low)) <= value <= self.high + ROUNDING * max(1.0, abs(self.high))


POSITIVE = Range(0.0, low_is_possible=False)
AT_LEAST_ZERO = Range(0.0)
COUNT = Range(0.0, 2.0**63 - 1024)
"""Counts and bytes are below 2⁶³, the end of a database's integers; 2⁶³ − 1024 is the float before it."""
RATIO = Range(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a reading follows from one kind of timed values."""

    timed: TimedValues
    """Key of `Entry.timed`."""
    q: float | None = None
    """Which quantile; None for a mean or a ratio."""
    column: int | None = None
    """Throughput: the column that is divided by the seconds."""
    clustered: bool = False
    """Whether the values of one request are alike, so that the interval must treat them as a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One efficiency reading."""

    name: str
    """Quantity, statistic, unit: `latency_p95_s`."""
    title: str
    """For headings, without the unit."""
    short: str = ""
    """For the heads of tables; the title where it is short enough."""
    phrase: str = ""
    """As it reads inside a sentence: `p95 latency`."""
    narrow: str = ""
    """For the narrow columns of a terminal."""
    unit: str
    """Base unit, a key of `bench.units.FACTORS`."""
    higher_is_better: bool = False
    range: Range
    definition: str
    """One sentence, with the formula where there is one."""
    scope: str
    """What it is taken over: a request, a window, a process, a device, a model, a conversion, a training."""

    derivation: Derivation | None = None
    """How it follows from raw timings; None for a fact that a worker read."""
    observation: Observation = "processes"
    """What more observations would be."""
    merging: Merging = "median"
    exact: bool = False
    """Whether it is counted and carries no noise."""
    priced: bool = False
    """Whether it needs the suite's prices; `bench.decision.cost` adds it."""
    of_load: bool = False
    """Whether it is there only where a server was loaded."""
    of_training: bool = False
    """Whether it is of one training or conversion, which every process repeats: no spread between processes is to be
    seen."""
    smallest_effect: float = 0.03
    """Smallest relative change that counts. 3 %: fewer false alarms than 2 %, and steps of 5 % are still found."""
    blurred_by_sharing: bool = False
    """Whether it means less in a process that ran another task before: the allocator keeps what that one left, and
    nothing is cold."""
    highest_of: str = ""
    """The raw facts, one of each phase, of which it is the highest."""
    aliases: tuple[str, ...] = ()
    """Other names that a suite may use; of several readings with one alias, the one that the device has is meant."""
    stand_in: str = ""
    """The reading or alias by which candidates are compared where a run, of an older bench, lacks this one. Never for a
    limit: what another reading kept says nothing of this one."""
    shown: frozenset[Place] = frozenset()
    needs: Need | None = None

    def __post_init__(self) -> None:
        """Fill in the shorter names that are not declared."""
        object.__setattr__(self, "short", self.short or self.title)
        object.__setattr__(self, "phrase", self.phrase or in_sentence(self.title))


def in_sentence(title: str) -> str:
    """Write a title as it stands within a sentence: small, unless it begins with an abbreviation.

    >>> in_sentence("Training time"), in_sentence("ROUGE-L")
    ('training time', 'ROUGE-L')
    """
    return title[0].lower() + title[1:] if title[1:2].islower() else title


TAIL_EFFECT = 0.05
"""Tails rest on fewer observations than medians."""
FAR_TAIL_EFFECT = 0.10
DISK_EFFECT = 0.20
"""Loading reads a disk whose cache is not bench's."""
EVERYWHERE: frozenset[Place] = frozenset(("terminal", "results", "explorer", "history", "comparison"))

_TIMES = (
    Reading(
        name="latency_p50_s",
        title="Latency, median",
        short="Latency p50",
        phrase="median latency",
        narrow="p50",
        unit="s",
        range=POSITIVE,
        scope="request",
        definition="Median time of one request at batch size 1, from text in to answer out, device synchronised.",
        derivation=Derivation("latency", q=0.5),
        observation="requests",
        shown=frozenset(("terminal", "explorer", "history", "comparison")),
    ),
    Reading(
        name="latency_p95_s",
        title="Latency, 95th percentile",
        short="Latency p95",
        phrase="p95 latency",
        narrow="p95",
        unit="s",
        range=POSITIVE,
        scope="request",
        definition="95th percentile (nearest rank) of the time of one request at batch size 1.",
        derivation=Derivation("latency", q=0.95),
        observation="requests",
        smallest_effect=TAIL_EFFECT,
        shown=frozenset(("terminal", "explorer", "history", "comparison")),
    ),
    Reading(
        name="latency_p99_s",
        title="Latency, 99th percentile",
        short="Latency p99",
        phrase="p99 latency",
        unit="s",
        range=POSITIVE,
        scope="request",
        definition="99th percentile (nearest rank) of the time of one request at batch size 1.",
        derivation=Derivation("latency", q=0.99),
        observation="requests",
        smallest_effect=FAR_TAIL_EFFECT,
    ),
    Reading(
        name="latency_mean_s",
        title="Latency, mean",
        short="Latency mean",
        phrase="mean latency",
        unit="s",
        range=POSITIVE,
        scope="request",
        definition="Mean time of one request at batch size 1.",
        derivation=Derivation("latency"),
        observation="requests",
    ),
    Reading(
        name="ttft_p50_s",
        title="Time to first token, median",
        short="TTFT p50",
        phrase="median time to first token",
        unit="s",
        range=POSITIVE,
        scope="request of a generator",
        definition="Median time from submission to the first generated token (TTFT), batch size 1.",
        derivation=Derivation("ttft", q=0.5),
        observation="requests",
        shown=frozenset(("explorer", "history")),
    ),
    Reading(
        name="ttft_p95_s",
        title="Time to first token, 95th percentile",
        short="TTFT p95",
        phrase="p95 time to first token",
        unit="s",
        range=POSITIVE,
        scope="request of a generator",
        definition="95th percentile of the time from submission to the first generated token, batch size 1.",
        derivation=Derivation("ttft", q=0.95),
        observation="requests",
        smallest_effect=TAIL_EFFECT,
    ),
    Reading(
        name="tpot_p50_s",
        title="Time per output token, median",
        short="TPOT p50",
        phrase="median time per output token",
        unit="s",
        range=POSITIVE,
        scope="request of a generator",
        definition="Median over requests of (latency − TTFT) / (output tokens − 1); undefined below 2 tokens.",
        derivation=Derivation("tpot", q=0.5),
        observation="requests",
        shown=frozenset(("explorer", "history")),
    ),
    Reading(
        name="itl_p95_s",
        title="Inter-token latency, 95th percentile",
        short="ITL p95",
        phrase="p95 inter-token latency",
        unit="s",
        range=POSITIVE,
        scope="request of a generator",
        definition="95th percentile of the single gaps between consecutive output tokens.",
        derivation=Derivation("itl", q=0.95, clustered=True),
        observation="token gaps",
        smallest_effect=TAIL_EFFECT,
    ),
    Reading(
        name="throughput_examples_per_s",
        title="Throughput, examples",
        short="Throughput",
        phrase="throughput (examples)",
        narrow="throughput",
        unit="1/s",
        range=POSITIVE,
        higher_is_better=True,
        scope="window",
        definition="Examples answered per second of the batched window.",
        derivation=Derivation("throughput", column=1),
        observation="batches",
        shown=EVERYWHERE,
    ),
    Reading(
        name="throughput_input_tokens_per_s",
        title="Throughput, input tokens",
        phrase="throughput (input tokens)",
        unit="1/s",
        range=POSITIVE,
        higher_is_better=True,
        scope="window",
        definition="Input tokens (padding not counted) read per second of the batched window.",
        derivation=Derivation("throughput", column=2),
        observation="batches",
    ),
    Reading(
        name="throughput_output_tokens_per_s",
        title="Throughput, output tokens",
        phrase="throughput (output tokens)",
        unit="1/s",
        range=POSITIVE,
        higher_is_better=True,
        scope="window",
        definition="Output tokens generated per second of the batched window.",
        derivation=Derivation("throughput", column=3),
        observation="batches",
        shown=frozenset(("history",)),
    ),
)

_LOAD = (
    Reading(
        name="capacity_per_s",
        title="Capacity",
        unit="1/s",
        range=POSITIVE,
        higher_is_better=True,
        scope="server",
        definition=(
            "Answers per second of the fastest closed loop: more requests under way make a server that is saturated "
            "slower, and answer no more."
        ),
        of_load=True,
    ),
    Reading(
        name="slo_rate_per_s",
        title="Rate within the SLO",
        unit="1/s",
        range=AT_LEAST_ZERO,
        higher_is_better=True,
        scope="server",
        definition=(
            "Highest rate of requests at which, as at all lower levels, every time limit of `load.slo` was kept; 0 "
            "where the lowest level breaks one."
        ),
        of_load=True,
    ),
    Reading(
        name="replicas",
        title="Replicas",
        unit="count",
        range=COUNT,
        scope="server",
        definition=(
            "Servers that `load.target_per_s` needs: that rate over the rate within the SLO, rounded up. It is assumed "
            "that they share nothing, and that requests are spread evenly among them."
        ),
        of_load=True,
    ),
)

_MEMORY = (
    Reading(
        name="model_memory_bytes",
        title="Model memory",
        narrow="model mem",
        unit="bytes",
        range=COUNT,
        scope="process, or device",
        definition=(
            "Highest memory while the model serves (scores, answers requests and batches), less that of the worker "
            "before it loaded the model: on a CPU the resident set without the pages of program files, on a GPU what "
            "torch allocated there."
        ),
        merging="highest",
        blurred_by_sharing=True,
        aliases=("memory",),
        stand_in="peak_memory_bytes",
        shown=EVERYWHERE,
    ),
    Reading(
        name="model_load_memory_bytes",
        title="Model memory while loading",
        unit="bytes",
        range=COUNT,
        scope="process, or device",
        definition="The same while the model is loaded, where a checkpoint may be in memory twice.",
        merging="highest",
    ),
    Reading(
        name="peak_rss_bytes",
        title="Peak memory (RSS)",
        short="Peak memory",
        narrow="peak RSS",
        unit="bytes",
        range=COUNT,
        scope="process",
        definition="Highest resident set of the cell's process and its children over all phases.",
        merging="highest",
        highest_of="peak_rss_{phase}_bytes",
        blurred_by_sharing=True,
        aliases=("peak_memory_bytes",),
        shown=EVERYWHERE,
    ),
    Reading(
        name="load_rss_bytes",
        title="Peak memory while loading (RSS)",
        unit="bytes",
        range=COUNT,
        scope="process",
        definition="Highest resident set of the process and its children while the model was loaded.",
        merging="highest",
    ),
    Reading(
        name="added_rss_bytes",
        title="Memory added by the model (RSS)",
        unit="bytes",
        range=COUNT,
        scope="process",
        definition="Peak resident set less the resident set of the worker before it loaded the model.",
        merging="highest",
        blurred_by_sharing=True,
    ),
    Reading(
        name="peak_gpu_memory_bytes",
        title="Peak GPU memory (allocated)",
        short="Peak GPU memory",
        unit="bytes",
        range=COUNT,
        scope="device",
        definition="Highest memory allocated by torch on the GPU over all phases.",
        merging="highest",
        highest_of="peak_gpu_memory_{phase}_bytes",
        aliases=("peak_memory_bytes",),
        needs="gpu",
        shown=frozenset(("explorer", "history", "comparison")),
    ),
    Reading(
        name="peak_gpu_reserved_bytes",
        title="Peak GPU memory (reserved)",
        unit="bytes",
        range=COUNT,
        scope="device",
        definition="Highest memory reserved by torch's caching allocator on the GPU.",
        merging="highest",
        highest_of="peak_gpu_reserved_{phase}_bytes",
        needs="gpu",
    ),
)

_ENERGY = (
    Reading(
        name="energy_per_example_j",
        title="Energy per example",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="window",
        definition="Energy of the energy pass divided by its examples; the source says how it was found.",
        shown=frozenset(("explorer", "history", "comparison")),
    ),
    Reading(
        name="energy_net_per_example_j",
        title="Net energy per example",
        unit="J",
        range=Range(),
        scope="window",
        definition="Energy per example less the idle power over the same time.",
    ),
    Reading(
        name="energy_per_output_token_j",
        title="Energy per output token",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="window",
        definition="Energy of the energy pass divided by its generated tokens.",
    ),
)

_MODEL = (
    Reading(
        name="flops_per_example",
        title="Arithmetic per example",
        unit="FLOP",
        range=AT_LEAST_ZERO,
        scope="model",
        definition="Floating-point operations per example counted by torch.utils.flop_counter; exact, without noise.",
        exact=True,
    ),
    Reading(
        name="parameters",
        title="Parameters",
        unit="count",
        range=COUNT,
        scope="model",
        definition="Number of parameters, shared ones counted once.",
        exact=True,
        shown=frozenset(("results", "explorer")),
    ),
    Reading(
        name="weights_bytes",
        title="Weights",
        unit="bytes",
        range=COUNT,
        scope="model",
        definition="Bytes of the parameters and buffers as loaded.",
        exact=True,
        shown=frozenset(("explorer",)),
    ),
    Reading(
        name="load_s",
        title="Load time",
        unit="s",
        range=POSITIVE,
        scope="process",
        definition="Time from the start of loading to a model ready on its device.",
        smallest_effect=DISK_EFFECT,
        shown=frozenset(("explorer", "history")),
    ),
    Reading(
        name="first_request_s",
        title="First request",
        unit="s",
        range=POSITIVE,
        scope="process",
        definition="Time of the first request after loading, before any warm-up (cold start).",
        blurred_by_sharing=True,
    ),
)

_CONVERSION = (
    Reading(
        name="convert_s",
        title="Conversion time",
        unit="s",
        range=POSITIVE,
        scope="conversion",
        of_training=True,
        definition="Wall time of writing the network as another runtime than torch reads it, loading it counted.",
    ),
    Reading(
        name="artifact_bytes",
        title="Converted network",
        unit="bytes",
        range=COUNT,
        scope="conversion",
        of_training=True,
        exact=True,
        definition="Bytes of the files that another runtime than torch reads.",
    ),
)

_TRAINING = (
    Reading(
        name="fit_s",
        title="Training time",
        unit="s",
        range=AT_LEAST_ZERO,
        scope="training",
        of_training=True,
        definition="Wall time of the training that made the checkpoint; search, folds and teacher are not in it.",
    ),
    Reading(
        name="fit_energy_j",
        title="Training energy",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Energy of the training that made the checkpoint; search, folds and teacher are not in it.",
        of_training=True,
    ),
    Reading(
        name="fit_peak_memory_bytes",
        title="Peak memory of the training",
        short="Training memory",
        unit="bytes",
        range=COUNT,
        scope="training",
        of_training=True,
        definition="Highest memory while training: allocated by torch on a GPU, else the resident set (RSS).",
    ),
    Reading(
        name="fit_examples_per_s",
        title="Training speed",
        unit="1/s",
        range=POSITIVE,
        higher_is_better=True,
        scope="training",
        definition="Examples trained on per second of the training.",
        of_training=True,
    ),
    Reading(
        name="fit_search_s",
        title="Search time",
        unit="s",
        range=AT_LEAST_ZERO,
        scope="training",
        of_training=True,
        definition="Wall time of all trials of the hyper-parameter search.",
    ),
    Reading(
        name="fit_search_energy_j",
        title="Search energy",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Energy of all trials of the search.",
        of_training=True,
    ),
    Reading(
        name="fit_folds_s",
        title="Cross-validation time",
        unit="s",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Wall time of the trainings on the folds.",
        of_training=True,
    ),
    Reading(
        name="fit_folds_energy_j",
        title="Cross-validation energy",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Energy of the trainings on the folds.",
        of_training=True,
    ),
    Reading(
        name="fit_teacher_s",
        title="Teacher's training time",
        unit="s",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Wall time of all that made the checkpoint of the teacher.",
        of_training=True,
    ),
    Reading(
        name="fit_teacher_energy_j",
        title="Teacher's training energy",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="training",
        definition="Energy of all that made the checkpoint of the teacher.",
        of_training=True,
    ),
    Reading(
        name="fit_total_s",
        title="Training time, all",
        short="Training time, all",
        phrase="training time (all)",
        unit="s",
        range=AT_LEAST_ZERO,
        scope="training",
        of_training=True,
        definition="Wall time of the training with its search, its folds and its teacher.",
    ),
    Reading(
        name="fit_total_energy_j",
        title="Training energy, all",
        phrase="training energy (all)",
        unit="J",
        range=AT_LEAST_ZERO,
        scope="training",
        of_training=True,
        definition="Energy of the training with its search, its folds and its teacher.",
    ),
)

_PRICES = (
    Reading(
        name="cost_per_1000",
        title="Cost per 1000 examples",
        unit="currency",
        range=AT_LEAST_ZERO,
        scope="window",
        definition=(
            "Machine time and energy at the suite's prices for a thousand examples; of a model that is served at a "
            "price, their tokens at that price."
        ),
        priced=True,
        shown=frozenset(("explorer",)),
    ),
    Reading(
        name="carbon_per_1000_g",
        title="Carbon per 1000 examples",
        unit="gCO2",
        range=AT_LEAST_ZERO,
        scope="window",
        definition="Energy at the suite's carbon intensity for a thousand examples.",
        priced=True,
    ),
)

AT = "@"
"""Between a reading and the level of load at which it is read: `ttft_p95_s@20`, at 20 requests a second."""
SHOWN_RATE = 20.0
"""Of the levels in messages."""
UNIT_WORDS = frozenset({"per", *(spelling.lower() for spellings in FACTORS.values() for spelling in spellings)})
"""Words that say nothing of which reading is meant."""


def _offered(name: str, title: str, unit: str, bounds: Range, definition: str, *, higher: bool = False) -> Reading:
    return Reading(
        name=name,
        title=title,
        unit=unit,
        range=bounds,
        higher_is_better=higher,
        scope="level of load",
        definition=definition,
        observation="batches",
        of_load=True,
    )


def _time_offered(name: str) -> Reading:
    stem, quantile = name.removesuffix("_s").rsplit("_p", 1)
    title = {"latency": "Latency", "ttft": "Time to first token", "tpot": "Time per output token"}[stem]
    title += ", median" if quantile == "50" else f", {quantile}th percentile"
    return _offered(
        name, title, "s", POSITIVE, f"{title}, from the intended moment; requests that failed are infinitely late."
    )


AT_LEVEL: Mapping[str, Reading] = {
    reading.name: reading
    for reading in (
        _offered(
            "goodput_per_s",
            "Goodput",
            "1/s",
            AT_LEAST_ZERO,
            "Requests per second that were answered and kept every limit of `load.slo`.",
            higher=True,
        ),
        _offered(
            "good_share",
            "Good requests",
            "ratio",
            RATIO,
            "Share of the requests that were answered and kept every limit of `load.slo`.",
            higher=True,
        ),
        *(_time_offered(f"{time}_p{q}_s") for time in ("latency", "ttft", "tpot") for q in (50, 95, 99)),
    )
}
"""Readings of one level of load; their names end in `@` and its rate."""


def at_level(name: str, rate: float) -> str:
    """Name a reading at a level.

    >>> at_level("goodput_per_s", 20.0)
    'goodput_per_s@20'
    """
    return f"{name}{AT}{rate:.10g}"


def level_of(name: str) -> tuple[str, float] | None:
    """Take the name of a reading at a level apart; None for any other name.

    >>> level_of("ttft_p95_s@2.50"), level_of("ttft_p95_s"), level_of("ttft_p95_s@soon")
    (('ttft_p95_s', 2.5), None, None)
    """
    base, _, rate = name.partition(AT)
    if base not in AT_LEVEL:
        return None
    try:
        value = float(rate)
    except ValueError:
        return None
    return (base, value) if 0 < value < math.inf else None


class Readings(Mapping[str, Reading]):
    """Readings by name: those that are declared one by one, which are listed, and those at any level of load."""

    def __init__(self, declared: Iterable[Reading]) -> None:
        self._declared = {reading.name: reading for reading in declared}

    def __getitem__(self, name: str) -> Reading:
        """Find a reading, or make that of a level."""
        found = self._declared.get(name)
        if found is not None:
            return found
        parts = level_of(name)
        if parts is None:
            raise KeyError(name)
        base, rate = AT_LEVEL[parts[0]], parts[1]
        title = f"{base.title}, at {rate:.4g}/s"
        return replace(base, name=at_level(*parts), title=title, short=title, phrase=in_sentence(title))

    def __iter__(self) -> Iterator[str]:
        """List the declared names."""
        return iter(self._declared)

    def __len__(self) -> int:
        """Count the declared names."""
        return len(self._declared)


READINGS: Mapping[str, Reading] = Readings(
    (*_TIMES, *_LOAD, *_MEMORY, *_ENERGY, *_MODEL, *_CONVERSION, *_TRAINING, *_PRICES)
)
"""Every efficiency reading by its name, in the order in which they are shown."""


def shown_in(place: Place) -> tuple[str, ...]:
    """List the readings that a place shows without being asked, in the order of `READINGS`.

    >>> shown_in("results")
    ('throughput_examples_per_s', 'model_memory_bytes', 'peak_rss_bytes', 'parameters')
    """
    return tuple(reading.name for reading in READINGS.values() if place in reading.shown)


def _aliases(readings: Iterable[Reading]) -> dict[str, str]:
    return {alias: reading.name for reading in readings for alias in reading.aliases}


ALIASES: Mapping[str, str] = _aliases(reading for reading in READINGS.values() if reading.needs is None)
"""Names that a suite may use for a reading."""
GPU_ALIASES: Mapping[str, str] = _aliases(reading for reading in READINGS.values() if reading.needs == "gpu")
"""What they stand for where the cell ran on a GPU."""


def canonical(name: str, on_gpu: bool = False) -> str:
    """Find the reading that a name stands for; a name that is no alias stands for itself.

    >>> canonical("peak_memory_bytes"), canonical("peak_memory_bytes", on_gpu=True)
    ('peak_rss_bytes', 'peak_gpu_memory_bytes')
    >>> canonical("goodput_per_s@20.0")
    'goodput_per_s@20'
    """
    level = level_of(name)
    if level is not None:
        return at_level(*level)
    return (GPU_ALIASES.get(name) if on_gpu else None) or ALIASES.get(name, name)


def meant_by(name: str, others: Iterable[str] = ()) -> str | None:
    """Find the reading, or the other name, that a wrong name most likely means: by its words, else by its letters.

    >>> meant_by("latency"), meant_by("latncy_p95_s"), meant_by("acuracy", ["accuracy"]), meant_by("s")
    ('latency_p50_s', 'latency_p95_s', 'accuracy', None)
    >>> meant_by("latency_p95@20"), meant_by("goodput@2.5"), meant_by("accuracy@20", ["accuracy"])
    ('latency_p95_s@20', 'goodput_per_s@2.5', 'accuracy')
    """
    levels = levels_of(name)
    return _of_words(name, levels or READINGS) or closest(name, {*levels, *READINGS, *others})


def levels_of(name: str) -> tuple[str, ...]:
    """List the readings at the level that a name ends in, or at one to show where that is no rate; empty without one.

    >>> levels_of("latency@20")[:2], levels_of("latency@soon")[:1], levels_of("latency")
    (('goodput_per_s@20', 'good_share@20'), ('goodput_per_s@20',), ())
    """
    _, at, rate = name.partition(AT)
    if not at:
        return ()
    _, value = level_of(next(iter(AT_LEVEL)) + AT + rate) or ("", SHOWN_RATE)
    return tuple(at_level(base, value) for base in AT_LEVEL)


def _of_words(name: str, readings: Iterable[str]) -> str | None:
    """Find the first reading whose name has all words of another name that are no unit's, best one that begins so."""
    begin = name.partition(AT)[0]
    wanted = set(begin.split("_")) - UNIT_WORDS
    able = [reading for reading in readings if wanted and wanted <= set(reading.partition(AT)[0].split("_"))]
    return min(able, key=lambda reading: not reading.startswith(begin), default=None)


OFF = "off"
"""The measuring profile under which quality is scored alone; a record's notes name its profile."""
