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
    spec = ModelSpec(name=model, family="torch-module", factory="tests:none", options=options or {})
    about = {name: changes.pop(name) for name in list(changes) if name in TaskSpec.model_fields}
    data = TaskSpec(name=task, kind=kind, data=DataSpec(builtin="pydocs"), metrics=list(metrics), **about)
    return CellJob(model=spec, task=data, **changes)
