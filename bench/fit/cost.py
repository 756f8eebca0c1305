"""What a training costs: time, energy, peak memory; metered as the measuring passes are, and kept over interruptions.

The figures are of one process. Under `accelerate launch` that is the first one, which the reason says. Time and
energy between the last saved state and a kill are lost with the work itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter

from bench.meters.bundle import Meters
from bench.meters.energy import Energy
from bench.meters.memory import Peak, Poller
from bench.record import Fact

NS_PER_S = 1e9
PARTS = ("search", "folds", "teacher")
"""What may be spent beside the final training, each said separately."""
NO_FIGURE = "the checkpoint's provenance does not have it; run 'bench fit' again"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch of training took."""

    wall_s: float = 0.0
    examples: int = 0
    energy_j: float | None = None
    energy_low_j: float | None = None
    energy_high_j: float | None = None
    energy_source: str = "unavailable"
    energy_reason: str | None = "nothing was metered"
    """Why there is no energy, or what it covers."""
    peak_rss_bytes: int | None = None
    peak_gpu_bytes: int | None = None
    """Allocated by torch; None without CUDA."""
    memory_reason: str | None = None

    def as_dict(self) -> dict[str, object]:
        """List the fields as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: object) -> Cost:
        """Read what `as_dict` gave."""
        return TypeAdapter(cls).validate_python(fields)


def total(costs: Sequence[Cost]) -> Cost:
    """Add up times and energies, and take the highest peaks; the sum lacks an energy that one of them lacks."""
    if not costs:
        return Cost()
    lacking = next((cost for cost in costs if cost.energy_j is None), None)
    sources = "+".join(sorted({cost.energy_source for cost in costs if cost.energy_j is not None}))
    return Cost(
        wall_s=sum(cost.wall_s for cost in costs),
        examples=sum(cost.examples for cost in costs),
        energy_j=None if lacking else sum(cost.energy_j or 0.0 for cost in costs),
        energy_low_j=_sum([cost.energy_low_j for cost in costs]) if not lacking else None,
        energy_high_j=_sum([cost.energy_high_j for cost in costs]) if not lacking else None,
        energy_source=lacking.energy_source if lacking else sources,
        energy_reason=(lacking or costs[-1]).energy_reason,
        peak_rss_bytes=max((cost.peak_rss_bytes for cost in costs if cost.peak_rss_bytes is not None), default=None),
        peak_gpu_bytes=max((cost.peak_gpu_bytes for cost in costs if cost.peak_gpu_bytes is not None), default=None),
        memory_reason=next((cost.memory_reason for cost in costs if cost.memory_reason), None),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return sum(numbers) if len(numbers) == len(values) else None


class CostMeter:
    """Meters one training; `lap` closes a window and opens the next, so that a saved state knows its cost."""

    def __init__(self, meters: Meters, processes: int = 1) -> None:
        self._meters = meters
        self._processes = processes
        self._before = Cost()
        self._started_ns = 0
        self._poller: Poller | None = None

    def start(self, before: Cost | None = None) -> None:
        """Begin the first window; `before` is what an interrupted part of the same training took."""
        self._before = before or Cost()
        self._open()

    @property
    def elapsed_s(self) -> float:
        """Wall time so far, of all parts."""
        return self._before.wall_s + (self._meters.clock.now_ns() - self._started_ns) / NS_PER_S

    def lap(self, examples: int) -> Cost:
        """Take stock: the cost so far, for `examples` examples in all; the meters go on."""
        self._before = self.stop(examples)
        self._open()
        return self._before

    def stop(self, examples: int) -> Cost:
        """Stop, and add up the cost of all parts."""
        wall_s = self.elapsed_s
        if self._poller is not None:
            self._poller.stop()
            self._poller = None
        window = self._window(self._meters.energy.stop(), self._meters.memory.stop())
        both = total([self._before, window]) if self._before.wall_s else window
        return replace(both, wall_s=wall_s, examples=examples)

    def _open(self) -> None:
        energy = self._meters.energy
        self._meters.memory.start(poll=False)
        energy.start()
        if energy.poll_interval_s is not None:
            self._poller = Poller(energy.poll, energy.poll_interval_s)
        self._started_ns = self._meters.clock.now_ns()

    def _window(self, energy: Energy, peak: Peak) -> Cost:
        share = f"process 1 of {self._processes} alone; " if self._processes > 1 else ""
        reasons = [energy.reason] if energy.joules is not None else [*self._meters.rejected, energy.reason]
        explanation = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
        scope = f"{energy.scope}; " if energy.joules is not None else ""
        return Cost(
            energy_j=energy.joules,
            energy_low_j=energy.low,
            energy_high_j=energy.high,
            energy_source=energy.source,
            energy_reason=f"{share}{scope}{explanation}".removesuffix("; "),
            peak_rss_bytes=peak.rss_bytes,
            peak_gpu_bytes=peak.gpu_allocated_bytes,
            memory_reason=peak.reason,
        )


def facts_of(provenance: Mapping[str, object] | None, process: int) -> list[Fact]:
    """Derive the readings of a fitted checkpoint's training; none for a checkpoint that bench did not fit.

    `fit_s` and its kin are of the final training. Search, folds and teacher stand apart, and `fit_total_…` is all.
    """
    if not provenance:
        return []
    own = cost_of(provenance)
    parts = {name: cost_of(part_of(provenance, name)) for name in PARTS if has_cost(provenance, name)}
    facts = [Fact("fit_s", own.wall_s, "s", "clock", process=process), _energy("fit_energy_j", own, process)]
    gpu = own.peak_gpu_bytes is not None
    peak, source = (own.peak_gpu_bytes, "torch") if gpu else (own.peak_rss_bytes, "rss")
    why = own.memory_reason if peak is not None else own.memory_reason or NO_FIGURE
    facts.append(Fact("fit_peak_memory_bytes", peak, "bytes", source, why, process=process))
    rate = own.examples / own.wall_s if own.wall_s else None
    facts.append(
        Fact("fit_examples_per_s", rate, "1/s", "clock", None if rate is not None else NO_FIGURE, process=process)
    )
    for name in PARTS:
        if name in parts:
            facts.append(Fact(f"fit_{name}_s", parts[name].wall_s, "s", "clock", process=process))
            facts.append(_energy(f"fit_{name}_energy_j", parts[name], process))
        else:
            why = str(part_of(provenance, name).get("cost_unknown", f"this training had no {name}"))
            facts.append(Fact(f"fit_{name}_s", None, "s", "none", why, process=process))
            facts.append(Fact(f"fit_{name}_energy_j", None, "J", "none", why, process=process))
    whole = total([own, *parts.values()])
    facts.append(Fact("fit_total_s", whole.wall_s, "s", "clock", process=process))
    facts.append(_energy("fit_total_energy_j", whole, process))
    return facts


def has_cost(provenance: Mapping[str, object], part: str) -> bool:
    """Tell whether a provenance knows what its search, folds or teacher cost."""
    return "cost" in part_of(provenance, part)


def part_of(provenance: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Read what a provenance says of its search, folds or teacher; empty where it had none."""
    part = provenance.get(name)
    return part if isinstance(part, Mapping) else {}


def cost_of(part: Mapping[str, object]) -> Cost:
    """Read the cost inside a provenance or one of its parts; older ones may lack some of it."""
    if "cost" in part:
        return Cost.from_json(part["cost"])
    recorded = {name: part[name] for name in ("wall_s", "examples", "peak_rss_bytes") if name in part}
    return Cost.from_json(recorded | {"energy_reason": NO_FIGURE})


def _energy(name: str, cost: Cost, process: int) -> Fact:
    return Fact(
        name, cost.energy_j, "J", cost.energy_source, cost.energy_reason, cost.energy_low_j, cost.energy_high_j, process
    )
