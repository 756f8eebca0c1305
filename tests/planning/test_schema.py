"""The schema names every family and every kind of task, each with its summary."""

from __future__ import annotations

from typing import Any

from bench.candidates import FAMILIES
from bench.planning.schema import suite_schema
from bench.tasks import KINDS


def test_families_and_kinds_are_named_with_their_summaries() -> None:
    schema: Any = suite_schema()
    families = schema["$defs"]["ModelSpec"]["properties"]["family"]["oneOf"]
    assert {entry["const"]: entry["description"] for entry in families} == {n: f.summary for n, f in FAMILIES.items()}
    kinds = schema["$defs"]["TaskSpec"]["properties"]["kind"]["oneOf"]
    assert {entry["const"]: entry["description"] for entry in kinds} == {n: k.summary for n, k in KINDS.items()}
