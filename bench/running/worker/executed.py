"""What a job wants of its runtime, what executes its network, and what the conversion of that cost, as facts."""

from __future__ import annotations

from pathlib import Path

from bench.candidates import FAMILIES
from bench.candidates.engine import Engine
from bench.candidates.interface import Context
from bench.candidates.runtime import Wanted
from bench.candidates.runtimes import RUNTIMES
from bench.errors import EnvironmentLackError
from bench.record import Fact
from bench.suite import CellJob
from bench.tasks.choosing import ability_of


def wanted_of(job: CellJob) -> Wanted:
    """Tell what a job wants of its runtime."""
    ability = ability_of(job.task.kind, job.scoring)
    family = FAMILIES.find(job.model.family)
    return Wanted(family, job.model, job.variant, ability, job.scoring, job.device)


def context_of(job: CellJob) -> Context:
    """Tell what a model is loaded for, as far as the job says it: on the CPU, without the data."""
    task = job.task
    return Context(
        device="cpu",
        ability=ability_of(task.kind, job.scoring),
        labels=job.labels,
        label_texts=tuple(task.label_names.get(label, label) for label in job.labels),
        scoring=job.scoring,
        shots=job.shots,
        seed=job.seed,
        max_input_tokens=task.max_input_tokens,
    )


def engine_for(job: CellJob) -> Engine | None:
    """Prepare what executes the network of a job in the place of torch; None for torch itself.

    Raises:
        BenchError: there is no converted network, or this machine cannot execute it.
    """
    runtime = RUNTIMES.find(job.variant.runtime)
    if not runtime.converts or not FAMILIES.find(job.model.family).executable:
        return None
    missing = runtime.missing()
    if missing is not None or job.artifact is None:
        raise EnvironmentLackError(missing or f"model '{job.model.name}' was not converted for '{runtime.name}'")
    import torch

    return runtime.open(Path(job.artifact), job.variant, torch.get_num_threads())


def conversion_facts(engine: Engine | None, process: int) -> list[Fact]:
    """Give what the conversion of a network cost; nothing where torch executes it, which converts nothing."""
    if engine is None:
        return []
    artifact = engine.artifact
    return [
        Fact("convert_s", artifact.convert_s, "s", "clock", process=process),
        Fact("artifact_bytes", artifact.artifact_bytes, "bytes", "files", process=process),
    ]
