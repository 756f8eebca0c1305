"""The load pass of a worker: a served model is loaded on the task that it was scored on, and every request is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from bench.candidates.interface import Decoding, Generated
from bench.candidates.served.exchange import Ask, Exchange
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
from bench.record import Doubt, Fact, Sample, Timing
from bench.suite import LoadSpec
from bench.suite.load import JUDGING, parse_slo
from bench.tasks.base import Workload
from bench.tasks.batching import Batching

T = TypeVar("T")
AnswerOf = Callable[[int, Exchange], str | None]
CAPACITY, RATE = "capacity_per_s", "slo_rate_per_s"
REPLICAS = "replicas"
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

    def generated(self, exchange: Exchange, decoding: Decoding) -> Generated:
        """Make an answer of what came."""


@runtime_checkable
class Written(Protocol):
    """A workload whose answers are written."""

    prompts: list[str]

    @property
    def decoding(self) -> Decoding:
        """Tell how."""

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Make rows of answers."""


def load_in_process(workload: Workload, limits: Batching, spec: LoadSpec, seed: int, process: int) -> Loaded:
    """Load a model of this process behind a local server; the first process alone does it.

    Raises:
        EndpointError: the client failed.
    """
    from bench.measure.load.local import load_locally  # aiohttp's server, which all others are spared

    if process:
        return Loaded()
    load, served = load_locally(workload, limits, spec, seed)
    loaded = loaded_of(load, spec, answer_of=served.answer_of)
    count = len(served.batches)
    together = sum(served.batches) / count if count else None
    return replace(loaded, notes=loaded.notes | {"served": {"batches": count, "requests_per_batch": together}})


def load_pass(model: object, workload: object, spec: LoadSpec, seed: int, process: int) -> Loaded:
    """Load a served model; the first process alone does it.

    Raises:
        EndpointError: the budget is spent, or the server is lost.
    """
    if process or not isinstance(model, TakesLoad) or not isinstance(workload, Written):
        return Loaded()
    decoding = workload.decoding

    def answer_of(example: int, exchange: Exchange) -> str | None:
        return workload.samples([example], [model.generated(exchange, decoding)])[0].prediction

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
    offered = [spec.model_dump(mode="json", exclude=set(JUDGING)), seed, asked.prompts, decoding.max_new_tokens]
    progress = Progress(model.answers, f"load/{content_hash(offered)}")
    patience, rung_s, most = model.connection.patience, spec.rung_s, spec.max_under_way
    load = model.connection.run(run_load(patience, asked, rates, rung_s=rung_s, most=most, progress=progress))
    return loaded_of(load, spec, progress.reused, answer_of)


def loaded_of(
    load: Load, spec: LoadSpec, kept_before: int = 0, answer_of: AnswerOf = lambda _, exchange: exchange.text
) -> Loaded:
    """Turn what a load showed into what is stored.

    Args:
        load: what it showed.
        spec: the suite's section.
        kept_before: levels of an earlier attempt, whose server was lost.
        answer_of: takes an example and what came of it, and gives the answer as the task scores it.
    """
    levels = [level for level in load.levels if level.requests]
    numbers = [numbers_of(level, spec.limits) for level in levels]
    return Loaded(
        timings=tuple(timing for level in levels for timing in _timings(level, load.order, answer_of)),
        facts=tuple(_facts(load, numbers, spec)),
        doubts=tuple(_doubts(load, numbers)),
        notes={"load": _note(load, numbers) | {"levels_kept_before": kept_before}},
    )


def _timings(level: Level, order: Sequence[int], answer_of: AnswerOf) -> Iterator[Timing]:
    for row in level.requests:
        example = order[row.number % len(order)]
        yield _timing(row, level, example, answer_of(example, row.exchange) if row.exchange.is_ok else None)


def _timing(row: Offered, level: Level, example: int, answer: str | None) -> Timing:
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
        answer=answer,
    )


def _facts(load: Load, numbers: Sequence[Numbers], spec: LoadSpec) -> Iterator[Fact]:
    if load.capacity is None:
        yield Fact(CAPACITY, None, "1/s", SOURCE, "the suite gives the levels, so that no capacity was looked for")
    elif load.capacity.rate > 0:
        yield Fact(CAPACITY, load.capacity.rate, "1/s", SOURCE)
    else:
        yield Fact(CAPACITY, None, "1/s", SOURCE, "no request of the ladder was answered")
    kept = rate_within(numbers, spec)
    yield kept
    yield replicas_for(kept, spec)


def replicas_for(kept: Fact, spec: LoadSpec) -> Fact:
    """Count the servers that the suite's rate takes, each bearing what one was seen to bear within the SLO."""
    if spec.target_per_s is None:
        return Fact(REPLICAS, None, "count", SOURCE, "the suite sets no 'load.target_per_s'")
    if not kept.value:
        why = kept.reason if kept.value is None else "the lowest level breaks the SLO"
        return Fact(REPLICAS, None, "count", SOURCE, why)
    needed = math.ceil(spec.target_per_s / kept.value - 1e-9)
    return Fact(REPLICAS, needed, "count", SOURCE, "they are taken to share nothing, and to be asked evenly")


def rate_within(numbers: Sequence[Numbers], spec: LoadSpec) -> Fact:
    """Find the highest level up to which every time limit was kept; a withheld level keeps none."""
    if not spec.slo:
        return Fact(RATE, None, "1/s", SOURCE, "the suite sets no 'load.slo'")
    salts = any(level.salted for level in numbers)  # else there is no control among them
    counted = sorted((level for level in numbers if level.salted == salts), key=lambda level: level.offered_rate)
    kept = 0.0
    for level in counted:
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
        "knee": None if capacity is None or capacity.rate <= 0 else capacity.knee,
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
