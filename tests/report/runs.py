"""Synthetic runs for the report's tests: like the quickstart, large, small, broken and hostile."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.decision import Question, decide
from bench.metrics.base import Metric
from bench.record import Doubt, Fact, Record, Sample
from bench.report import RunView, view_of
from bench.store import RunInfo, StoredRun
from bench.suite import Suite
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record

TASKS = (Task("status"), Task("headline", "summarisation"), Task("german", "translation"))
FAMILIES = {"gpt2": "causal-lm", "bert": "encoder", "t5": "seq2seq", "ours": "transformer"}


class Share(Metric):
    """A metric for tests: the share of words (or labels) that are right, per example."""

    kinds = frozenset({"classification", "summarisation", "translation", "language-modelling"})

    def __init__(self, name: str) -> None:
        self.name = name
        self.proportion = name == "accuracy"

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> np.ndarray:
        return np.array([[_share(s), 1.0] for s in samples]).reshape(-1, 2)

    def value(self, sums: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return sums[..., 0] / sums[..., 1]


def _share(sample: Sample) -> float:
    said, right = (sample.prediction or "").split(), sample.reference.split()
    return sum(a == b for a, b in zip(said, right, strict=False)) / max(1, len(right))


def resolve(names: Sequence[str], kind: str) -> list[Share]:
    return [Share(name) for name in names]


def suite_for(
    records: Sequence[Record], name: str = "quickstart", limits: dict[str, str] | None = None, tasks=TASKS
) -> Suite:
    models = dict.fromkeys((r.cell.model, r.cell.family) for r in records)
    body = {
        "name": name,
        "description": "Which small model should read, title and translate freight notes?",
        "models": [
            {"name": model, "family": family, "checkpoint": "x", "strategy": "lead"} for model, family in models
        ],
        "tasks": [{"name": t.name, "kind": t.kind, "data": {"builtin": "waybills"}} for t in tasks],
        "objectives": ["quality", "latency_p95_s", "peak_memory_bytes", "energy_per_example_j"],
        "constraints": {"latency_p95_s": "<= 50 ms"} if limits is None else limits,
        "decision": {"replicates": 400},
    }
    return Suite.model_validate_json(__import__("json").dumps(body))


def view(records: Sequence[Record], suite: Suite, command: str = "bench run quickstart") -> RunView:
    info = RunInfo(
        suite=suite.name,
        suite_text="name: quickstart\nmodels:\n  - {name: a}\n",
        suite_hash="5" * 64,
        command=command,
        machine_key="m",
        profile="quick",
        plan=tuple(dict.fromkeys((r.cell.id, r.cell.label) for r in records)),
        environment={"cpu": {"model": "Test CPU", "cores": 2}, "python": "3.11.2", "torch": "2.13"},
        settings={},
        id="20261122-161530-9f3c",
        started_at="2026-11-22T16:15:30.000001+00:00",
        status="complete",
    )
    stored = StoredRun(info, tuple(records))
    return view_of(stored, suite, decide(summarise(records, resolve=resolve), Question.of(suite)))


def sketches() -> list[Sketch]:
    sizes = (("small", 0.70, 0.006, 1), ("large", 0.86, 0.021, 3))
    lean = {"gpt2": (-0.06, 1.5), "bert": (0.06, 0.6), "t5": (0.0, 1.2), "ours": (0.07, 0.9)}
    found = [
        Sketch(
            f"{name}-{size}",
            skill=skill + lean[name][0],
            latency_s=latency * lean[name][1],
            memory_bytes=(210 + 40 * scale) * 2**20,
            energy_j=latency * lean[name][1] * 9,
            energy_source="estimate",
            parameters=scale * 700_000,
            family=family,
        )
        for name, family in FAMILIES.items()
        for size, skill, latency, scale in sizes
    ]
    floor = {
        "latency_s": 0.00004,
        "memory_bytes": 180 * 2**20,
        "energy_j": None,
        "family": "baseline",
        "parameters": 0,
    }
    found += [Sketch(name, skill=skill, **floor) for name, skill in (("majority", 0.25), ("copy", 0.2), ("lead", 0.35))]
    return found


UNSUPPORTED = {
    ("bert-small", "headline"),
    ("bert-large", "headline"),
    ("bert-small", "german"),
    ("bert-large", "german"),
    ("majority", "headline"),
    ("majority", "german"),
    ("copy", "status"),
    ("lead", "status"),
}


def quickstart_records(examples: int = 200, requests: int = 150) -> list[Record]:
    records = []
    for task in TASKS:
        for sketch in sketches():
            here = sketch
            if (sketch.name, task.name) in UNSUPPORTED:
                why = f"the family '{sketch.family}' cannot do {task.kind}; leave the cell out or choose another family"
                here = replace(sketch, status="unsupported", reason=why)
            if (sketch.name, task.name) == ("gpt2-large", "german"):
                here = replace(
                    sketch,
                    status="timeout",
                    reason="took longer than 120 s; raise timeout_s or lower max_examples",
                )
            factor = {"status": 1.0, "headline": 3.0, "german": 7.0}[task.name]
            if here.family != "baseline":
                here = replace(here, latency_s=here.latency_s * (factor if here.family != "encoder" else 1.0))
            doubts = ()
            if sketch.name.startswith("t5"):
                doubts = (
                    Doubt(
                        "high_variation",
                        "latency varies by 14 % (coefficient of variation)",
                        "close other programs, or measure longer",
                        ("latency",),
                    ),
                )
            records.append(make_record(here, task, examples=examples, requests=requests, doubts=doubts))
    return records


def quickstart() -> RunView:
    records = quickstart_records()
    return view(records, suite_for(records))


def many(models: int = 60, tasks: int = 8, examples: int = 40) -> RunView:
    """Sixty models on eight tasks; the size of the page does not depend on the examples, which are capped."""
    kinds = ("classification", "summarisation", "translation", "classification")
    chosen = tuple(Task(f"task-{i}", kinds[i % 4]) for i in range(tasks))
    families = [*FAMILIES.values()]
    records = []
    for task in chosen:
        for i in range(models):
            sketch = Sketch(
                f"{families[i % 4]}-model-{i:02}",
                skill=0.4 + 0.5 * ((i * 37) % models) / models,
                latency_s=0.002 * 1.07**i,
                memory_bytes=(200 + 9 * i) * 2**20,
                energy_j=0.02 * 1.05**i,
                family=families[i % 4],
                status="failed" if i % 29 == 3 else "ok",
                reason="RuntimeError: shapes do not match; see the log" if i % 29 == 3 else None,
            )
            records.append(make_record(sketch, task, examples=examples, requests=100))
    return view(records, suite_for(records, "many", tasks=chosen))


def one() -> RunView:
    """One model on one task."""
    records = [make_record(Sketch("only", family="encoder"), TASKS[0])]
    return view(records, suite_for(records, "one", tasks=TASKS[:1]))


def two() -> RunView:
    """Two models on one task."""
    sketches_ = [Sketch("small", skill=0.7, latency_s=0.005), Sketch("large", skill=0.9, latency_s=0.02)]
    records = [make_record(sketch, TASKS[0]) for sketch in sketches_]
    return view(records, suite_for(records, "two", tasks=TASKS[:1]))


def wide() -> RunView:
    """Models whose latencies reach from microseconds to seconds, none far from the next."""
    records = [make_record(Sketch(f"m{i}", skill=0.5 + i / 20, latency_s=3e-5 * 6**i), TASKS[0]) for i in range(8)]
    return view(records, suite_for(records, "wide", tasks=TASKS[:1]))


def none() -> RunView:
    """No cell ended well."""
    records = [
        make_record(Sketch(name, status=status, reason=f"{name} is {status}: try less"), TASKS[0])
        for name, status in (("a", "failed"), ("b", "oom"), ("c", "timeout"))
    ]
    return view(records, suite_for(records, "none", tasks=TASKS[:1]))


HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" 'and' & </script><img src=x onerror=alert(2)>",
    "x" * 10_000,
    "\u202eright-to-left \u05d0\u05d1\u05d2",
    "nul\x00 and \x1b[31m and \u2028",
    "$\\frac{1}{0}$ {{ 7*7 }} {% raw %}",
)


def hostile() -> RunView:
    """Names, reasons and texts that try to get out."""
    records = []
    for i, name in enumerate(HOSTILE):
        sketch = Sketch(name, skill=0.5 + 0.07 * i, latency_s=0.003 * (i + 1), family="encoder")
        record = make_record(sketch, TASKS[1], doubts=(Doubt(name[:50], name, name),))
        samples = tuple(replace(s, prediction=name, example_id=name, reference=name) for s in record.samples)
        records.append(replace(record, samples=samples, notes={"inputs": {"0": name, "1": name}}))
    bad = Sketch("bad", status="failed", reason=HOSTILE[0] + HOSTILE[2])
    records.append(make_record(bad, TASKS[1]))
    models = [replace(r, cell=replace(r.cell, model=f"m{i}", family=HOSTILE[0])) for i, r in enumerate(records)]
    return view(records, suite_for(models, "<b>hostile", tasks=TASKS[1:2]), command=HOSTILE[1])


def variants() -> RunView:
    """Two fitted models, each with a bfloat16 variant of twice the speed."""
    records = []
    for name, skill, latency, seconds in (("small", 0.7, 0.004, 3.0), ("large", 0.9, 0.02, 9.0)):
        for variant, factor in (("float32", 1.0), ("bfloat16", 0.5 if name == "small" else 0.4)):
            record = make_record(Sketch(name, skill=skill, latency_s=latency * factor, variant=variant), TASKS[0])
            fit = (
                Fact("fit_s", seconds, "s", "clock"),
                Fact("fit_energy_j", None, "J", "none", "the fit was not metered"),
            )
            records.append(replace(record, facts=record.facts + fit))
    return view(records, suite_for(records, "variants", tasks=TASKS[:1]))
