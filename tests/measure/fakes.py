"""A clock that the workload moves, and a workload and a model whose times, answers and memory are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.candidates.interface import Classified, Generated, ModelFacts
from bench.data.base import Example
from bench.measure.measured import Measured
from bench.measure.profiles import PROFILES, Profile
from bench.measure.session import measure
from bench.meters.bundle import Meters
from bench.meters.cascade import open_memory
from bench.meters.energy import Energy, EnergyMeter, Unavailable
from bench.meters.interference import InterferenceMeter
from bench.meters.source import Site
from bench.record import Sample
from bench.tasks.base import OnToken, Request

MS = 1_000_000


class FakeClock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.ns = 1_000
        self.synchronised = 0

    def now_ns(self) -> int:
        return self.ns

    def synchronise(self) -> None:
        self.synchronised += 1

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    def device_timer(self) -> None:
        return None


@dataclass
class FakeModel:
    """Facts alone."""

    device: str = "cpu"
    abilities: frozenset[str] = frozenset({"classify"})
    module: Any = None

    def facts(self) -> ModelFacts:
        return ModelFacts(10, 40, "float32", module=self.module)


@dataclass
class FakeWorkload:
    """Example i has length `lengths[i]` and takes `cost(i, call)` nanoseconds on its `call`-th request."""

    clock: FakeClock
    lengths: Sequence[int]
    cost: Callable[[int, int], int]
    generates: bool = False
    labels: tuple[str, ...] = ("a", "b")
    answer: Callable[[int, int], str] = lambda index, call: "ab"[index % 2]
    calls: list[tuple[int, ...]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    @property
    def examples(self) -> list[Example]:
        return [Example(index, str(index), {}) for index in range(len(self.lengths))]

    def length(self, index: int) -> int:
        return self.lengths[index]

    def request(self, indices: Sequence[int]) -> Request:
        batch = tuple(indices)

        def run(on_token: OnToken | None) -> list[Any]:
            self.calls.append(batch)
            self.during()
            return self._generate(batch, on_token) if self.generates else self._classify(batch)

        return run

    def _classify(self, batch: tuple[int, ...]) -> list[Any]:
        call = len(self.calls) - 1
        self.clock.ns += sum(self.cost(index, call) for index in batch)
        return [Classified(self._scores(index, call), self.lengths[index]) for index in batch]

    def _scores(self, index: int, call: int) -> tuple[float, ...]:
        said = self.labels.index(self.answer(index, call))
        return tuple(-0.1 if position == said else -2.3 for position in range(len(self.labels)))

    def _generate(self, batch: tuple[int, ...], on_token: OnToken | None) -> list[Any]:
        call, tokens = len(self.calls) - 1, 4
        total = sum(self.cost(index, call) for index in batch)
        first = total - (tokens - 1) * (total // 8)
        for position in range(tokens):
            self.clock.ns += first if position == 0 else total // 8
            if on_token is not None:
                on_token()
        return [Generated(self.answer(index, call), self.lengths[index], tokens) for index in batch]

    def samples(self, indices: Sequence[int], answers: Sequence[Any]) -> list[Sample]:
        return [self._sample(index, answer) for index, answer in zip(indices, answers, strict=True)]

    def _sample(self, index: int, answer: Any) -> Sample:
        if self.generates:
            return Sample(index, str(index), "x", answer.text, output_tokens=answer.output_tokens)
        label = self.labels[max(range(len(self.labels)), key=answer.scores.__getitem__)]
        return Sample(index, str(index), "a", label, scores=answer.scores)


class FakeEnergy:
    """A counter of hardware: 2 W idle, 10 W whenever a request has run since the start."""

    source, scope, hardware = "rapl", "fake packages", True
    poll_interval_s: float | None = None

    def __init__(self, clock: FakeClock, workload: FakeWorkload) -> None:
        self._clock, self._workload = clock, workload
        self._start, self._calls = 0, 0

    def start(self) -> None:
        self._start, self._calls = self._clock.ns, len(self._workload.calls)

    def poll(self) -> None:
        pass

    def stop(self) -> Energy:
        seconds = (self._clock.ns - self._start) / 1e9
        watts = 10.0 if len(self._workload.calls) > self._calls else 2.0
        return Energy(watts * seconds, seconds, self.source, self.scope)


def steady(lengths: Sequence[int]) -> Callable[[int, int], int]:
    """Returns a cost of 1 ms per unit of length, whatever the call."""
    return lambda index, call: lengths[index] * MS


def profile(**changes: Any) -> Profile:
    """Returns the quick profile with changes."""
    return replace(PROFILES["quick"], **changes)


def meters(clock: FakeClock, energy: EnergyMeter | None = None) -> Meters:
    """Returns instruments over a clock of one's own."""
    return Meters(
        "cpu", clock, open_memory(Site("cpu", clock)), InterferenceMeter(), energy or Unavailable("none here")
    )


def measured_by(model: FakeModel, workload: FakeWorkload, how: Profile, instruments: Meters) -> Measured:
    """Returns a whole measuring."""
    return measure(model, workload, how, meters=instruments, batching=4)
