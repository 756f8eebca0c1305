"""What a kind of doubt declares, and the evidence that its own examination is given.

A class says its code, its title, which readings it touches and what to do; an instance holds the numbers of one case
and renders them into the sentence and the remedy that are stored. This module does not know who raises which doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from bench.record import Cell, Doubt, Fact, Record, Sample, Timing

Stage = Literal["data", "scored", "measured"]
"""When a doubt is examined: once the rows are loaded, once they are scored, once the model has been measured."""

LATENCY = ("latency", "ttft", "tpot", "itl")
TIMED = (*LATENCY, "throughput", "first_request")
ENERGY = ("energy",)
NET_ENERGY = ("energy_net",)
MEMORY = ("peak_", "added_rss", "model_")
"""Prefixes of the readings that a doubt can touch."""
QUIETER = (
    "run `bench doctor` and follow what it says for a quieter machine, and measure with the profile "
    "`standard` or `rigorous`"
)
"""Remedy of the doubts about the scatter of times."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a cell at one stage; whatever a stage does not have yet is empty."""

    cell: Cell | None = None
    """None where the plan looks at the data of a task, before any model is involved."""
    process: int = 0
    metrics: tuple[str, ...] = ()
    """Names of the task's metrics, for a doubt that touches quality."""
    samples: Sequence[Sample] = ()
    timings: Sequence[Timing] = ()
    facts: Sequence[Fact] = ()
    environment: Mapping[str, object] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)
    """As in `bench.record.Record.notes`; from the stage `data` on `data` (`rows`, `duplicates`, …), and there
    `train_overlap` too."""

    @classmethod
    def of(cls, record: Record, metrics: tuple[str, ...]) -> Self:
        """Take the evidence from a record that is otherwise complete."""
        return cls(
            cell=record.cell,
            process=record.process,
            metrics=metrics,
            samples=record.samples,
            timings=record.timings,
            facts=record.facts,
            environment=record.environment,
            notes=record.notes,
        )

    def data_count(self, name: str) -> int:
        """Look up a count in the notes of the data; 0 where it was not counted."""
        data = self.notes.get("data")
        count = data.get(name) if isinstance(data, Mapping) else None
        return count if isinstance(count, int) else 0


@dataclass(frozen=True, kw_only=True)
class DoubtKind:
    """One kind of doubt; an instance is one case of it, with its numbers.

    A subclass that declares a `code` is an entry of the catalogue. A subclass of such an entry is another way in which
    the same doubt comes about, with numbers and a sentence of its own.
    """

    code: ClassVar[str]
    """Stable name, under which it is stored."""
    title: ClassVar[str]
    """What is doubtful, in a few words."""
    advice: ClassVar[str]
    """What to do about it in general; the remedy of a case unless that says more."""
    stage: ClassVar[Stage | None] = None
    """When `examine` is called; None for a doubt that a part of bench raises itself."""
    slows_machine: ClassVar[bool] = False
    """Whether it says that the machine, not the model, was slower."""
    bars: ClassVar[bool] = False
    """Whether a candidate of which it is raised may not be picked: what was scored says nothing of the model."""

    told: ClassVar[bool] = False
    """Whether it is also told in the terminal, below the table: the number is of something else than what was asked."""

    readings: tuple[str, ...] = ()
    """Prefixes of the readings that it touches; empty for all."""

    @property
    def message(self) -> str:
        """Say what was seen, with numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no message")

    @property
    def remedy(self) -> str:
        """Say what to do about this case."""
        return self.advice

    def doubt(self, process: int = 0) -> Doubt:
        """Render the case into the fact that is stored."""
        return Doubt(self.code, self.message, self.remedy, self.readings, process)

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Look for cases in the evidence of `stage`; a doubt that is raised elsewhere finds none here."""
        return ()
