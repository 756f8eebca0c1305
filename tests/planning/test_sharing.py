"""When the tasks of a model variant share one load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.planning.cells import batch_limits
from bench.planning.sharing import share_loads
from bench.record import Cell
from bench.suite import Suite
from tests.jobs import make_job


def suite_of(**changes: Any) -> Suite:
    model = {"name": "m", "family": "causal-lm", "checkpoint": "x"}
    task = {"name": "t", "kind": "classification", "data": {"builtin": "pydocs"}}
    return Suite.model_validate({"name": "s", "models": [model], "tasks": [task]} | changes)


def cells() -> list[Cell]:
    return [
        Cell(model, family, variant, task, "k", make_job(model, task), {"id": f"{model}{variant}{task}"}, unsupported)
        for model, family, variant, task, unsupported in (
            ("a", "causal-lm", "float32", "one", None),
            ("a", "causal-lm", "float32", "two", None),
            ("a", "causal-lm", "bfloat16", "one", None),
            ("a", "causal-lm", "bfloat16", "two", "cannot"),
            ("b", "torch-module", "float32", "one", None),
            ("b", "torch-module", "float32", "two", None),
        )
    ]


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, False),
        ({"objectives": ["quality", "latency_p95_s"]}, True),
        ({"objectives": ["quality", "latency_p95_s"], "constraints": {"peak_rss_bytes": "<= 1 GiB"}}, False),
        ({"objectives": ["quality", "first_request_s"]}, False),
        ({"defaults": {"share_load": True}}, True),
        ({"objectives": ["quality", "latency_p95_s"], "defaults": {"share_load": False}}, False),
    ],
)
def test_loads_are_shared_where_nothing_asked_for_is_blurred(changes: dict[str, Any], shared: bool) -> None:
    marked, sharing = share_loads(suite_of(**changes), cells())
    assert [cell.to_run().share_load for cell in marked] == [shared, shared, False, False, False, False]
    assert sharing.groups == ((("a", "float32", ("one", "two")),) if shared else ())
    assert sharing.reason
    before = [cell.id for cell in cells()]
    assert [one.id != other for one, other in zip(marked, before, strict=True)][:2] == [shared, shared]
    assert [cell.id for cell in marked][2:] == before[2:]


def test_what_a_factory_makes_is_shared_where_its_entry_permits_it() -> None:
    permitted = [
        replace(cell, job=job.model_copy(update={"model": job.model.model_copy(update={"stateless": True})}))
        for cell in cells()
        for job in [cell.to_run()]
    ]
    marked, _ = share_loads(suite_of(defaults={"share_load": True}), permitted)
    assert [cell.to_run().share_load for cell in marked if cell.family == "torch-module"] == [True, True]


def test_batch_limits_exclude_each_other() -> None:
    for place in ({"batch_size": 4, "batch_tokens": 64}, {"batch_size": "auto", "batch_tokens": 64}):
        with pytest.raises(ValueError, match="not both"):
            suite_of(defaults=place)
    assert suite_of(defaults={"batch_size": "auto"}).defaults.batch_size == "auto"
    with pytest.raises(ValueError, match="batch_size"):
        suite_of(defaults={"batch_size": "most"})


@pytest.mark.parametrize(
    ("defaults", "task", "size", "tokens"),
    [
        ({}, {}, 16, None),
        ({"batch_tokens": 512}, {}, None, 512),
        ({"batch_tokens": 512}, {"batch_size": 4}, 4, None),
        ({"batch_size": 8}, {"batch_tokens": 64}, None, 64),
        ({"batch_size": "auto"}, {}, "auto", None),
    ],
)
def test_a_tasks_own_batch_limit_beats_the_suites(defaults: Any, task: Any, size: Any, tokens: Any) -> None:
    suite = suite_of(defaults=defaults)
    assert batch_limits(suite, suite.tasks[0].model_copy(update=task)) == (size, tokens)
