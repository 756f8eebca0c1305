"""Synthetic records for tests: models of a known skill and speed on tasks of a known kind, deterministic by
seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.catalogue.readings import DEFAULT_METRICS
from bench.record import Cell, Doubt, Fact, Record, Sample, Status, Timing
from tests.jobs import make_job

LABELS = ("delayed", "delivered", "in transit", "lost")
WORDS = ("the", "load", "left", "port", "on", "time", "with", "nine", "crates", "of", "tea", "for", "Bremen")
FACT_UNITS = {
    "peak_rss_bytes": "bytes",
    "energy_per_example_j": "J",
    "parameters": "count",
    "weights_bytes": "bytes",
    "load_s": "s",
}


@dataclass(frozen=True)
class Sketch:
    """What a synthetic model is like."""

    name: str
    skill: float = 0.8
    """Chance that an answer (for text: a word) is right."""
    latency_s: float = 0.010
    """Median latency; the distribution is log-normal."""
    spread: float = 0.2
    """Standard deviation of log latency."""
    memory_bytes: float = 200e6
    energy_j: float | None = 0.5
    energy_source: str = "nvml_counter"
    parameters: int = 1_000_000
    family: str = "encoder"
    variant: str = "float32"
    status: Status = "ok"
    reason: str | None = None


@dataclass(frozen=True)
class Task:
    """What a synthetic task is like."""

    name: str
    kind: str = "classification"
    metrics: tuple[str, ...] = ()
    groups: int | None = None
    """Number of groups the examples come in."""


def make_cell(model: Sketch, task: Task) -> Cell:
    """Returns the cell of a model on a task; its id depends on both names, the variant and the kind."""
    metrics = list(task.metrics or DEFAULT_METRICS[task.kind])
    identity = {"model": model.name, "variant": model.variant, "task": task.name, "kind": task.kind}
    job = make_job(model.name, task.name, task.kind, metrics=tuple(metrics), device="cpu")
    return Cell(model.name, model.family, model.variant, task.name, task.kind, job, identity)


def make_samples(model: Sketch, task: Task, examples: int, seed: int = 0) -> tuple[Sample, ...]:
    """Returns samples on data that depend on `seed` and the task alone, answered with the model's skill."""
    data = np.random.default_rng([seed, *task.name.encode()])
    answers = np.random.default_rng([seed, 1, *model.name.encode(), *model.variant.encode(), *task.name.encode()])
    return tuple(_sample(i, model, task, data, answers) for i in range(examples))


def _sample(index: int, model: Sketch, task: Task, data: np.random.Generator, answers: np.random.Generator) -> Sample:
    group = None if task.groups is None else f"g{index % task.groups}"
    if task.kind == "classification":
        right = int(data.integers(len(LABELS)))
        wrong = (right + int(answers.integers(1, len(LABELS)))) % len(LABELS)
        chosen = right if answers.uniform() < model.skill else wrong
        scores = tuple(float(np.log(0.7 if i == chosen else 0.1)) for i in range(len(LABELS)))
        return Sample(index, f"e{index}", LABELS[right], LABELS[chosen], scores, input_tokens=20, group=group)
    words = [WORDS[i] for i in data.integers(len(WORDS), size=int(data.integers(6, 14)))]
    text = " ".join(words)
    if task.kind == "language-modelling":
        nll = len(text) * (1.2 - model.skill) * float(answers.uniform(0.8, 1.2))
        return Sample(
            index,
            f"e{index}",
            text,
            None,
            nll=nll,
            scored_tokens=len(words),
            scored_bytes=len(text),
            group=group,
        )
    kept = [w if answers.uniform() < model.skill else WORDS[int(answers.integers(len(WORDS)))] for w in words]
    return Sample(index, f"e{index}", text, " ".join(kept), input_tokens=20, output_tokens=len(kept), group=group)


def make_timings(model: Sketch, task: Task, requests: int, process: int = 0, seed: int = 0) -> tuple[Timing, ...]:
    """Returns a latency pass of single requests and a throughput window of batches of 16."""
    rng = np.random.default_rng([seed, 2, process, *model.name.encode(), *model.variant.encode(), *task.name.encode()])
    generates = task.kind in ("summarisation", "translation")
    timings = []
    for i in range(requests):
        nanos = int(1e9 * model.latency_s * float(rng.lognormal(0.0, model.spread)))
        tokens = tuple(nanos * (t + 1) // 8 for t in range(8)) if generates else ()
        timings.append(
            Timing(
                "latency",
                process,
                i,
                (i,),
                nanos,
                input_tokens=20,
                output_tokens=len(tokens),
                token_ns=tokens,
            )
        )
    for i in range(max(12, requests // 10)):
        nanos = int(8e9 * model.latency_s * float(rng.lognormal(0.0, model.spread / 2)))
        made = 128 if generates else 0
        timings.append(Timing("throughput", process, i, tuple(range(16)), nanos, input_tokens=320, output_tokens=made))
    return tuple(timings)


def make_facts(model: Sketch, process: int = 0) -> tuple[Fact, ...]:
    """Returns memory, energy, parameters, weights and load time; energy is None with a reason where the
    sketch has none."""
    wobble = 1 + 0.01 * process
    values: dict[str, tuple[float | None, str]] = {
        "peak_rss_bytes": (model.memory_bytes * wobble, "rss"),
        "energy_per_example_j": (model.energy_j and model.energy_j * wobble, model.energy_source),
        "parameters": (float(model.parameters), "torch"),
        "weights_bytes": (4.0 * model.parameters, "torch"),
        "load_s": (0.1 * wobble, "clock"),
    }
    return tuple(_fact(name, value, source, process) for name, (value, source) in values.items())


def _fact(name: str, value: float | None, source: str, process: int) -> Fact:
    if value is None:
        return Fact(name, None, FACT_UNITS[name], source, "no energy source on this machine", process=process)
    bounds = (0.5 * value, 2 * value) if source == "estimate" else (None, None)
    return Fact(name, value, FACT_UNITS[name], source, low=bounds[0], high=bounds[1], process=process)


def make_record(
    model: Sketch | str = "a",
    task: Task | str = "topic",
    *,
    examples: int = 100,
    requests: int = 100,
    process: int = 0,
    seed: int = 0,
    doubts: tuple[Doubt, ...] = (),
    device: str = "cpu",
) -> Record:
    """Returns one record; only process 0 has samples, and a cell that did not end well has neither samples
    nor timings."""
    model = Sketch(model) if isinstance(model, str) else model
    task = Task(task) if isinstance(task, str) else task
    ok = model.status == "ok"
    return Record(
        cell=make_cell(model, task),
        status=model.status,
        reason=None if ok else model.reason or f"the model is {model.status}",
        process=process,
        started_at="2025-01-01T00:00:00+00:00",
        wall_s=1.0,
        samples=make_samples(model, task, examples, seed) if ok and process == 0 else (),
        timings=make_timings(model, task, requests, process, seed) if ok else (),
        facts=make_facts(model, process) if ok else (),
        doubts=doubts,
        environment={"device": device, "dtype": "float32", "hostname": "test", "host_id": "h1"},
        notes={"labels": list(LABELS)} if task.kind == "classification" else {},
    )


def make_run(
    models: Sequence[Sketch | str] = ("a", "b", "c"),
    tasks: Sequence[Task | str] = ("topic",),
    *,
    examples: int = 100,
    requests: int = 100,
    processes: int = 1,
    seed: int = 0,
) -> list[Record]:
    """Returns the records of every model on every task, each in `processes` fresh processes."""
    return [
        make_record(model, task, examples=examples, requests=requests, process=process, seed=seed)
        for process in range(processes)
        for task in tasks
        for model in models
    ]
