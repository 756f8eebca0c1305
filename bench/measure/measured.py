"""What measuring a model found, or what is known of one that is only scored."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.candidates.interface import Model, ModelFacts
from bench.catalogue.readings import OFF
from bench.record import Doubt, Fact, Timing


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measuring found."""

    timings: tuple[Timing, ...]
    facts: tuple[Fact, ...]
    doubts: tuple[Doubt, ...]
    notes: dict[str, object] = field(default_factory=dict)
    """`ended_by`, `requests` and `gc_collections` per pass, `audit`, `energy_rejected`."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the pass leaves in the record; all empty where there was no load."""

    timings: tuple[Timing, ...] = ()
    facts: tuple[Fact, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    notes: dict[str, object] = field(default_factory=dict)


def unmeasured(model: Model, process: int) -> Measured:
    """Give what is known of a model without measuring: what is counted. The notes say that nothing was measured."""
    return Measured((), tuple(model_facts(model.facts(), process)), (), {"profile": OFF})


def model_facts(known: ModelFacts, process: int) -> list[Fact]:
    """Give what is counted of a model: its parameters and their bytes."""
    counts = (("parameters", known.parameters, "count"), ("weights_bytes", known.weights_bytes, "bytes"))
    return [
        Fact(name, count, unit, "model", known.uncounted if count is None else None, process=process)
        for name, count, unit in counts
    ]
