"""The facts that bench stores: what a cell was, and what happened when it ran.

Raw facts only. Scores, percentiles, intervals, fronts and advice are computed from these by pure functions, so that a
new metric or rule works on old history.

Schema history:
    1  first version
    2  Sample.answers
       Timing.offered_per_s, lag_ns, ending, salted and answer may be missing, and are null then
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from bench.catalogue.phases import Phase as Phase
from bench.digest import content_hash
from bench.errors import InputError
from bench.suite.job import CellJob

T = TypeVar("T")

SCHEMA_VERSION = 2
"""Of everything in this module; a change adds a line to the schema history and a migration."""

Status = Literal["ok", "settled", "unsupported", "oom", "timeout", "failed", "skipped"]
"""How a cell ended. `settled`: well, after a part of its examples, since the decision needed no more (`bench.racing`).
`skipped`: not run, because something that it needs did not finish, or the user stopped the run."""

WELL: tuple[Status, ...] = ("ok", "settled")
"""Of cells that ended well: what they answered and measured counts."""


MEASURING = ("measure", "share_load", "load")
"""Parts of a cell's identity on which its answers do not depend."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One model variant on one task: its names, its identity and its job."""

    model: str
    """The model's name in the suite."""
    family: str
    """A key of `bench.candidates.FAMILIES`."""
    variant: str
    """Label of the variant, `float32` for the plain one; unique within the model."""
    task: str
    """The task's name in the suite."""
    kind: str
    """The task's kind, a key of `bench.tasks.KINDS`."""
    job: CellJob | None = None
    """What a worker needs to run it; None in history that has no job."""
    identity: Mapping[str, object] = field(default_factory=dict)
    """What the id hashes: only what differs from the defaults, and no path. See `bench.planning.identity`."""
    unsupported: str | None = None
    """The reason why this model cannot do this task, known when planning."""
    drawn_as: str | None = None
    """What seeds the draws of its intervals, where that is not the id: renewed cells keep their numbers."""

    @property
    def draw_key(self) -> str:
        """The key that seeds the random draws of the cell's intervals."""
        return self.drawn_as or self.id

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the identity."""
        return content_hash(dict(self.identity))

    @property
    def quality_id(self) -> str:
        """The id of the cell that scores the same without measuring: all on which answers depend."""
        return content_hash({key: value for key, value in self.identity.items() if key not in MEASURING})

    def to_run(self) -> CellJob:
        """Rebuild the job.

        Raises:
            InputError: the cell comes from a history that has none.
        """
        if self.job is None:
            raise InputError(f"{self.label}: what was stored of this cell does not say how to run it; run its suite")
        return self.job

    @property
    def label(self) -> str:
        """`model[variant] · task`, the variant left out when it is the plain one."""
        shown = "" if self.variant == "float32" else f"[{self.variant}]"
        return f"{self.model}{shown} · {self.task}"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one model answered on one example of the data; the raw material of every quality metric."""

    index: int
    """Position in the task's data, 0 first."""
    example_id: str
    """The data's own id, or the index as text."""
    reference: str
    """The expected label or text (for language modelling the text itself)."""
    prediction: str | None
    """The label or text that the model gave; None for language modelling."""
    scores: tuple[float, ...] | None = None
    """Classification: log-probability of each label, in the order of the task's labels."""
    nll: float | None = None
    """Language modelling: negative log-likelihood of the text in nats, summed over the scored tokens."""
    scored_tokens: int | None = None
    """Language modelling: number of tokens whose likelihood is in `nll`."""
    scored_bytes: int | None = None
    """Language modelling: UTF-8 bytes of the text that the scored tokens cover."""
    input_tokens: int = 0
    """Tokens the model read, padding not counted; 0 for a model without tokens."""
    output_tokens: int = 0
    """Tokens the model generated, the end-of-sequence token counted; 0 where nothing is generated."""
    truncated: bool = False
    """Whether the input was longer than the model reads and was cut."""
    group: str | None = None
    """Cluster of the example, for clustered intervals."""
    answers: tuple[str, ...] | None = None
    """Every right answer where there may be several, `reference` the first; empty for a question without one."""
    raw: str | None = None
    """The whole text that the model wrote, where `prediction` is a part of it; None where they are the same."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One timed request (a batch of one or more examples) of one pass."""

    phase: Phase
    """`cold`, `warmup`, `latency`, `throughput` or `energy`."""
    process: int
    """Which fresh process took it, 0 first."""
    iteration: int
    """Position within the pass, 0 first."""
    examples: tuple[int, ...]
    """Indices of the examples in the task's data."""
    duration_ns: int
    """Host clock, device synchronised at both ends."""
    start_ns: int = 0
    """Host clock at the start, of the process's own `perf_counter_ns`."""
    input_tokens: int = 0
    output_tokens: int = 0
    token_ns: tuple[int, ...] = ()
    """Generation at batch size 1: nanoseconds from the start to each output token; the first is the TTFT."""
    device_ns: int | None = field(default=None, metadata={"needs": "gpu"})
    """The same interval by CUDA events, where there are any."""
    offered_per_s: float | None = None
    """Of a request under load: the rate of its level; `start_ns` is then the moment for which it was intended."""
    lag_ns: int | None = None
    """How much later than intended it was sent."""
    ending: str | None = None
    """How it ended: `ok`, `throttled`, `timeout`, …"""
    salted: bool | None = None
    """Whether its prompt had a beginning of its own; a level without is the control."""
    answer: str | None = None
    """What it was answered under load, as it is scored; None where it failed or was a likelihood, and in all other
    passes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that was read rather than timed per request: memory, energy, parameters, load time."""

    name: str
    """A name of `bench.catalogue.readings.READINGS`, or a fact that one is derived from (`energy_window_j`, …)."""
    value: float | None
    """In `unit`; None when it could not be read, never 0 for that."""
    unit: str
    source: str
    """Where it came from: `torch`, `rss`, `nvml_counter`, `nvml_power_integral`, `rapl`, `estimate`, `clock`, …"""
    reason: str | None = None
    """Why `value` is None, or what qualifies it."""
    low: float | None = None
    """Lower bound of an estimate."""
    high: float | None = None
    """Upper bound of an estimate."""
    process: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason to trust a reading less, with what to do about it."""

    code: str
    """Stable name: `no_steady_state`, `high_variation`, `drift`, `load_of_others`, `output_mismatch`, …"""
    message: str
    """What was seen, with numbers."""
    remedy: str
    """What to do about it."""
    readings: tuple[str, ...] = ()
    """Prefixes of the readings that it touches; empty for all."""
    process: int = 0


OF_ANSWERS = "of_answers"
"""Note of a record: the codes of its doubts about answers, where later processes may answer further examples."""
ASKED = "asked"
"""Note of a record: what its process was asked for, where that was not the usual."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one process of a cell is asked for where a run goes round by round; see `bench.racing`."""

    examples: tuple[int, ...] = ()
    """Positions in the data of the examples to answer."""
    at_hand: tuple[int, ...] = ()
    """Further examples, which are answered too if that takes less time than the process took to start: another process
    for them would take longer."""
    measures: bool = True
    """Whether the model is measured."""
    total: int = 0
    """Examples of the task in all."""
    briefly: bool = False
    """Whether it is timed for the least window of the profile."""

    @property
    def key(self) -> str:
        """SHA-256 (hex) of what is asked: whoever did the same before has done this."""
        briefly = ["briefly"] if self.briefly else []
        return content_hash([list(self.examples), list(self.at_hand), self.measures, self.total, *briefly])

    def note(self, taken_over: int = 0) -> dict[str, object]:
        """Describe it for the record, with how many of the answers are those of an earlier run."""
        counts = {"examples": len(self.examples), "at_hand": len(self.at_hand), "total": self.total}
        counts |= {"taken_over": taken_over} if taken_over else {}
        return {"key": self.key, "measures": self.measures, "briefly": self.briefly, **counts}


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts in which a cell that is only scored is done in several places at once; see
    `bench.running.parts`."""

    number: int = 0
    """0 first."""
    of: int = 1
    """Parts of the cell."""

    def share(self, batches: Sequence[T]) -> Sequence[T]:
        """Choose this part's batches of those of the whole cell, the longest first: every `of`-th, so that all parts
        take about as long.

        >>> Part(1, 3).share("abcdefgh")
        'beh'
        """
        return batches[self.number :: self.of]


Notes: TypeAlias = Mapping[str, Any]
"""JSON-able values by name."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What admission noted of a model in an earlier process of this machine; see `bench.admission.earlier`."""

    run: str
    """The run in which it was proved."""
    at: str
    """When: ISO 8601, UTC."""
    note: Notes
    """The note `admission` of the record."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that happened when one process ran one cell. A cell of several processes has several records."""

    cell: Cell
    status: Status
    reason: str | None
    """One line that a person can act on, unless the status is ok."""
    process: int = 0
    """Which of the cell's fresh processes, 0 first; quality is scored in process 0 alone."""
    started_at: str = ""
    """ISO 8601, UTC."""
    wall_s: float = 0.0
    samples: tuple[Sample, ...] = ()
    timings: tuple[Timing, ...] = ()
    facts: tuple[Fact, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    environment: Notes = field(default_factory=dict)
    """`bench.host.fingerprint()` of the process plus device, dtype, threads, attention backend."""
    notes: Notes = field(default_factory=dict)
    """Facts of the task and the model: `labels`, `data` (hash, rows, duplicates), `weights_hash`, `provenance`, …"""
    log_path: str | None = None
    """The cell's log, relative to the results folder."""
    schema_version: int = SCHEMA_VERSION


MACHINE = "machine"
"""Note of a record: name and kind of the machine of a cluster that it ran on; not there for this machine."""
PARTS = "parts"
"""Note of a record: how many examples each part of its cell answered, in which time, and on which machine; not there
where one process answered all."""
ROUNDS_OF_A_MACHINE = 2**20
"""More processes than any cell has."""


def round_of(record: Record) -> int:
    """Number the round in which a record was measured: candidates are compared within it.

    It is the process; of a cluster the process on one machine. Where a machine was lost in the middle of a round, the
    candidates on both sides of that are not compared as if nothing had happened.
    """
    machine = machine_of(record)
    if machine is None:
        return record.process
    return record.process + ROUNDS_OF_A_MACHINE * (1 + int(content_hash(machine)[:8], 16))


def machine_of(record: Record) -> str | None:
    """Name the machine of a cluster that a record was made on; None for this machine."""
    note = record.notes.get(MACHINE)
    return str(note.get("name")) if isinstance(note, Mapping) else None


def machines_of(record: Record) -> dict[str, str]:
    """Name the machines of a cluster that a record is from, with their kind; more than one where it was scored in
    parts."""
    note = record.notes.get(MACHINE)
    if not isinstance(note, Mapping):
        return {}
    names = [part[MACHINE] for part in record.notes.get(PARTS, ())] or [note.get("name")]
    return dict.fromkeys(map(str, names), str(note.get("kind", "")))
