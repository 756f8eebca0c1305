"""The load pass of a worker: a served model is loaded on the task that it was scored on, and every request is kept."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from bench.candidates.interface import Decoding
from bench.candidates.served.exchange import Ask
from bench.candidates.served.keep import Answers
from bench.candidates.served.patience import Patience
from bench.digest import content_hash
from bench.doubts.client_lagged import ClientLagged
from bench.doubts.not_saturated import NotSaturated
from bench.measure.load.level import Level, Offered
from bench.measure.load.outcome import Numbers, numbers_of
from bench.measure.load.progress import Progress
from bench.measure.load.run import Asked, Load, run_load
from bench.measure.measured import Loaded
from bench.record import Doubt, Fact, Timing
from bench.suite import LoadSpec
from bench.suite.load import parse_slo

T = TypeVar("T")
CAPACITY, RATE = "capacity_per_s", "slo_rate_per_s"
SOURCE = "load"


class Connected(Protocol):
    """A connection to a server, with its event loop."""

    patience: Patience

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work in the connection's event loop."""


@runtime_checkable
class TakesLoad(Protocol):
    """A loaded model that is a server."""

    connection: Connected
    answers: Answers
    """Where what is paid for is kept until the record is there."""

    def ask(self, text: str, decoding: Decoding) -> Ask:
        """Make the request that has a text answered."""


@runtime_checkable
class Written(Protocol):
    """A workload whose answers are written."""

    prompts: list[str]

    @property
    def decoding(self) -> Decoding:
        """Tell how."""


def load_pass(model: object, workload: object, spec: LoadSpec, seed: int, process: int) -> Loaded:
    """Load a served model; the first process alone does it.

    Raises:
        EndpointError: the budget is spent, or the server is lost.
    """
    if process or not isinstance(model, TakesLoad) or not isinstance(workload, Written):
        return Loaded()
    decoding = workload.decoding
    asked = Asked(
        prompts=tuple(workload.prompts),
        ask=lambda text: model.ask(text, decoding),
        arrivals=spec.arrivals,
        trace=tuple(spec.trace or ()),
        window_s=spec.window_s,
        seed=seed,
        salted=spec.salt,
    )
    rates = None if spec.levels == "auto" else sorted(spec.levels)
    offered = [spec.model_dump(mode="json", exclude={"slo"}), seed, asked.prompts, decoding.max_new_tokens]
    progress = Progress(model.answers, f"load/{content_hash(offered)}")
    patience, rung_s, most = model.connection.patience, spec.rung_s, spec.max_under_way
    load = model.connection.run(run_load(patience, asked, rates, rung_s=rung_s, most=most, progress=progress))
    return loaded_of(load, spec, progress.reused)


def loaded_of(load: Load, spec: LoadSpec, kept_before: int = 0) -> Loaded:
    """Turn what a load showed into what is stored.

    Args:
        load: what it showed.
        spec: the suite's section.
        kept_before: levels of an earlier attempt, whose server was lost.
    """
    levels = [level for level in load.levels if level.requests]
    numbers = [numbers_of(level, spec.limits) for level in levels]
    return Loaded(
        timings=tuple(timing for level in levels for timing in _timings(level, load.order)),
        facts=tuple(_facts(load, numbers, spec)),
        doubts=tuple(_doubts(load, numbers)),
        notes={"load": _note(load, numbers) | {"levels_kept_before": kept_before}},
    )


def _timings(level: Level, order: Sequence[int]) -> Iterator[Timing]:
    for row in level.requests:
        yield _timing(row, level, order[row.number % len(order)])


def _timing(row: Offered, level: Level, example: int) -> Timing:
    exchange = row.exchange
    usage = exchange.usage
    return Timing(
        phase="level",
        process=0,
        iteration=row.number,
        examples=(example,),
        duration_ns=max(1, exchange.end_ns - exchange.intended_ns),
        start_ns=exchange.intended_ns,
        input_tokens=0 if usage is None else usage.input_tokens,
        output_tokens=len(exchange.chunk_ns) if usage is None else usage.output_tokens,
        token_ns=tuple(stamp - exchange.intended_ns for stamp in exchange.chunk_ns),
        offered_per_s=level.offered_rate,
        lag_ns=max(0, exchange.sent_ns - exchange.intended_ns),
        ending=exchange.ending,
        salted=level.salted,
    )


def _facts(load: Load, numbers: Sequence[Numbers], spec: LoadSpec) -> Iterator[Fact]:
    if load.capacity is None:
        yield Fact(CAPACITY, None, "1/s", SOURCE, "the suite gives the levels, so that no capacity was looked for")
    elif load.capacity.rate > 0:
        yield Fact(CAPACITY, load.capacity.rate, "1/s", SOURCE)
    else:
        yield Fact(CAPACITY, None, "1/s", SOURCE, "no request of the ladder was answered")
    yield _rate_within(numbers, spec)


def _rate_within(numbers: Sequence[Numbers], spec: LoadSpec) -> Fact:
    """Find the highest level up to which every time limit was kept; a withheld level keeps none."""
    if not spec.slo:
        return Fact(RATE, None, "1/s", SOURCE, "the suite sets no 'load.slo'")
    salted = sorted((level for level in numbers if level.salted or not spec.salt), key=lambda level: level.offered_rate)
    kept = 0.0
    for level in salted:
        if level.withheld is not None:
            if not kept:
                return Fact(RATE, None, "1/s", SOURCE, f"the level at {level.offered_rate:.4g}/s is withheld")
            break
        if not keeps(level, spec):
            break
        kept = level.offered_rate
    return Fact(RATE, kept, "1/s", SOURCE, "the highest level that was offered and kept the limits")


def keeps(level: Numbers, spec: LoadSpec) -> bool:
    """Tell whether a level keeps every limit of times; one of a time that no request has is kept."""
    tables = {"ttft": level.ttft, "tpot": level.tpot, "latency": level.latency}
    parsed = [parse_slo(name, text) for name, text in spec.slo.items()]
    found = [(tables[time].get(q), limit) for time, q, limit in parsed]
    return all(estimate is None or estimate.value <= limit for estimate, limit in found)


def _doubts(load: Load, numbers: Sequence[Numbers]) -> Iterator[Doubt]:
    late = [level for level in numbers if level.withheld is not None]
    if late:
        worst = max(level.lag_p95_s for level in late)
        yield ClientLagged(levels=len(late), of=len(numbers), lag_s=worst).doubt()
    if load.capacity is not None and not (load.capacity.saturated and load.capacity.lawful):
        most = load.capacity.rungs[-1].concurrency
        yield NotSaturated(under_way=most, lawful=load.capacity.lawful).doubt()


def _note(load: Load, numbers: Sequence[Numbers]) -> dict[str, object]:
    capacity = load.capacity
    rungs = [] if capacity is None else capacity.rungs
    return {
        "rungs": [
            {"under_way": rung.concurrency, "per_s": rung.rate, "mean_s": _finite(rung.mean_s), "failed": rung.failed}
            for rung in rungs
        ],
        "saturated": None if capacity is None else capacity.saturated,
        "levels": [
            {
                "offered_per_s": level.offered_rate,
                "achieved_per_s": level.achieved_rate,
                "requests": level.requests,
                "endings": dict(level.endings),
                "good_share": level.good_share,
                "goodput_per_s": level.goodput,
                "lag_p95_s": level.lag_p95_s,
                "withheld": level.withheld,
                "salted": level.salted,
            }
            for level in numbers
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
