"""One measuring of one loaded model on one task: all passes in order, their facts and their doubts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.candidates.interface import Model, ModelFacts
from bench.measure import doubts as doubtful
from bench.measure import machine_doubts
from bench.measure.arithmetic import arithmetic
from bench.measure.audit import Audit, compare
from bench.measure.energy_pass import Metered, energy_facts, metered
from bench.measure.heap import frozen_heap
from bench.measure.idle import idle_baseline
from bench.measure.measured import Measured, model_facts
from bench.measure.memory_pass import run_memory_pass
from bench.measure.normalise import relative_times
from bench.measure.passes import Subject, batch_fits, cold, latency, subject, throughput, warm_up
from bench.measure.peaks import model_memory, overall_peaks
from bench.measure.phases import watch
from bench.measure.profiles import Profile
from bench.measure.series import series_doubts, too_few
from bench.measure.trace import Pass
from bench.meters.bundle import Meters
from bench.meters.clock import NS_PER_S
from bench.record import Doubt, Fact, Phase, Sample
from bench.tasks.base import Workload
from bench.tasks.batching import Batching
from bench.tasks.scoring import lengths_of

MIN_NORMAL_NS = 10_000
"""Requests shorter than 10 µs are not searched for scatter: the clock's own call takes about 0.1 µs, an
interrupt 5 µs."""


def _silent(_: Phase) -> None:
    """Ignore the phase."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The first request after the load."""

    found: Pass
    facts: tuple[Fact, ...]
    """The memory of its phase."""


def cold_start(
    workload: Workload,
    *,
    meters: Meters,
    process: int = 0,
    notify: Callable[[Phase], None] = _silent,
    seed: int = 42,
) -> ColdStart:
    """Time the first request of a loaded model; a cold start only before anything else has been asked of it."""
    notify("cold")
    with meters.edges(), watch("cold", meters, process) as facts:
        cold_pass = cold(workload, meters, process, seed)
    return ColdStart(cold_pass, tuple(facts))


def measure(
    model: Model,
    workload: Workload,
    profile: Profile,
    *,
    meters: Meters,
    process: int = 0,
    notify: Callable[[Phase], None] = _silent,
    scored: Sequence[Sample] = (),
    prior: Sequence[Fact] = (),
    batching: Batching | int = 16,
    seed: int = 42,
    begun: ColdStart | None = None,
) -> Measured:
    """Measure a model that is loaded and, mostly, has been scored: its timings, facts and doubts.

    Args:
        model: for its facts; every request goes through `workload`.
        workload: the task bound to this model; must hold at least one example.
        profile: how long and how often.
        meters: the instruments (`bench.meters.bundle.open_meters`).
        process: which of the cell's fresh processes this is.
        notify: called before each pass with its phase.
        scored: rows of the quality pass, for the audit; empty for none.
        prior: facts of the load and the evaluation, whose peaks count towards `peak_rss_bytes`.
        batching: limits (or the size) of the batches of the throughput, memory and energy passes.
        seed: of the order of the examples.
        begun: the first request, when it was taken before the quality pass; else it is taken now.
    """
    begun = begun or cold_start(workload, meters=meters, process=process, notify=notify, seed=seed)
    measured_subject = subject(workload, profile, meters, process, batching, seed)
    run = _Run(measured_subject, model.facts(), notify, begun)
    with frozen_heap():
        run.timed_passes()
        run.untimed_passes()
    return run.conclude(scored, prior)


class _Run:
    """The passes of one measuring, in order."""

    def __init__(self, given: Subject, known: ModelFacts, notify: Callable[[Phase], None], begun: ColdStart) -> None:
        self.given, self.known, self.notify = given, known, notify
        self.passes: dict[Phase, Pass] = {"cold": begun.found}
        self.facts: list[Fact] = list(begun.facts)
        self.doubts: list[Doubt] = []
        self.meters, self.process = given.meters, given.process
        self.energy: Metered | None = None

    def timed_passes(self) -> None:
        """Run warm-up, latency and throughput; nothing polls."""
        first_s = self.passes["cold"].timings[0].duration_ns / NS_PER_S
        self._watched("warmup", lambda: warm_up(self.given, first_s))
        before = self.meters.interference.snapshot()
        self._watched("latency", lambda: latency(self.given))
        if self.meters.energy.hardware:
            self._watched("throughput", lambda: throughput(self.given, warm=self._batch_fits()))
        else:
            self._watched("throughput", self._estimated_throughput)
        self.doubts += machine_doubts.interference_doubts(self.meters.interference.since(before), self.process)

    def _batch_fits(self) -> bool:
        return batch_fits(self.given, self.passes["latency"])

    def untimed_passes(self) -> None:
        """Run memory, energy on hardware, and arithmetic."""
        self.notify("memory")
        with self.meters.edges(), watch("memory", self.meters, self.process, poll=True) as peaks, self.meters.polled():
            self.facts += run_memory_pass(self.given, self.passes["throughput"].timings)
        self.facts += peaks
        if self.meters.energy.hardware:
            self._watched("energy", self._energy_window)
        given, known = self.given, self.known
        self.notify("flops")
        with watch("flops", self.meters, self.process) as peaks:
            lengths = lengths_of(given.workload)
            counted = arithmetic(known.module, given.requests, lengths, given.profile.flop_examples, self.process)
        self.facts += [*counted, *(fact for fact in peaks if fact.name == "window_flops_s")]

    def conclude(self, scored: Sequence[Sample], prior: Sequence[Fact]) -> Measured:
        """Put everything together, with the doubts that need all of it."""
        if self.energy is not None:
            self.facts += energy_facts(self.energy, self.meters.rejected, self.process)
            self.doubts += doubtful.energy_doubts(self.energy, self.meters.energy.hardware, self.process)
        self.facts += self.meters.cpu_clock.facts(self.process)
        if self.meters.gpu is not None:
            self.facts += self.meters.gpu.facts(self.process)
            self.doubts += machine_doubts.gpu_doubts(self.meters.gpu, self.process)
        self.facts += [
            *model_facts(self.known, self.process),
            *self._first_request(),
            *overall_peaks([*prior, *self.facts], self.process),
            *model_memory([*prior, *self.facts], self.process),
        ]
        audit = self._audit(scored)
        self.doubts += [*self._series_doubts(), *doubtful.audit_doubts(audit, self.process)]
        timings = tuple(timing for each_pass in self.passes.values() for timing in each_pass.timings)
        return Measured(timings, tuple(self.facts), tuple(self.doubts), self._notes(audit))

    def _watched(self, phase: Phase, run: Callable[[], Pass]) -> None:
        self.notify(phase)
        with self.meters.edges(), watch(phase, self.meters, self.process) as facts:
            self.passes[phase] = run()
        self.facts += facts

    def _estimated_throughput(self) -> Pass:
        warm = self._batch_fits()
        self.energy = metered(self.meters, lambda window: throughput(self.given, window=window, warm=warm))
        return self.energy.work

    def _energy_window(self) -> Pass:
        profile, warm = self.given.profile, self._batch_fits()
        idle = idle_baseline(self.meters, profile.idle_window_s)
        with self.meters.polled():
            self.energy = metered(
                self.meters,
                lambda window: throughput(self.given, "energy", profile.energy_window_s, window, warm),
                idle,
            )
        return self.energy.work

    def _series_doubts(self) -> list[Doubt]:
        profile, found = self.given.profile, self.passes["latency"]
        doubts = doubtful.warmup_doubts(self.passes["warmup"], profile.warmup_window, self.process)
        doubts += doubtful.window_doubts(self.passes["throughput"], profile.timed_s, self.process)
        doubts += too_few(found.requests, profile.processes, self.process)
        if self.given.workload.generates:
            doubts += doubtful.token_doubts(found.timings, self.process, chunked=self.known.chunked)
        durations = sorted(timing.duration_ns for timing in found.timings)
        relative = relative_times(found.timings)
        if relative is not None and durations[len(durations) // 2] >= MIN_NORMAL_NS:
            doubts += series_doubts(relative, self.process)
        return doubts

    def _audit(self, scored: Sequence[Sample]) -> Audit:
        timed: list[Sample] = []
        for phase in ("cold", "latency", "throughput", "energy"):
            phase_pass = self.passes.get(phase)
            if phase_pass is not None and scored:
                pairs = [
                    (index, answer) for index in sorted(phase_pass.answers) for answer in phase_pass.answers[index]
                ]
                timed += self.given.workload.samples([index for index, _ in pairs], [answer for _, answer in pairs])
        return compare(timed, scored, self.known.dtype)

    def _first_request(self) -> list[Fact]:
        seconds = self.passes["cold"].timings[0].duration_ns / 1e9
        return [Fact("first_request_s", seconds, "s", "clock", process=self.process)]

    def _notes(self, audit: Audit) -> dict[str, object]:
        return {
            "ended_by": {phase: found.ended_by for phase, found in self.passes.items()},
            "requests": {phase: found.requests for phase, found in self.passes.items()},
            "gc_collections": {phase: found.gc_collections for phase, found in self.passes.items()},
            "audit": {"compared": audit.compared, "mismatched": list(audit.mismatched), "differing": audit.differing},
            "energy_rejected": list(self.meters.rejected),
            "profile": self.given.profile.name,
        }
