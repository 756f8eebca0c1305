"""Jobs for cells made by hand."""

from __future__ import annotations

from typing import Any

from bench.suite import CellJob, DataSpec, ModelSpec, TaskSpec


def make_job(
    model: str = "m",
    task: str = "t",
    kind: Any = "classification",
    *,
    options: dict[str, Any] | None = None,
    metrics: tuple[str, ...] = (),
    **changes: Any,
) -> CellJob:
    """Return the job of a factory's model; `options` are what a worker of the tests reads."""
    spec = ModelSpec(name="m", family="torch-module", factory="tests:none", options=options or {})
    about = {name: changes.pop(name) for name in list(changes) if name in TaskSpec.model_fields}
    data = TaskSpec(name="t", kind=kind, data=DataSpec(builtin="pydocs"), metrics=list(metrics), **about)
    named = spec.model_copy(update={"name": model})  # hostile names too, which no suite lets pass
    return CellJob(model=named, task=data.model_copy(update={"name": task}), **changes)
