"""The JSON Schema of the suite file, with the families and the kinds of tasks that are there to be named."""

from __future__ import annotations

from collections.abc import Mapping

from bench.candidates import FAMILIES
from bench.suite import Suite
from bench.tasks import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def suite_schema() -> dict[str, object]:
    """Write the schema; a plug-in's families and kinds are named in it as bench's own are."""
    schema = Suite.model_json_schema() | {"$schema": DIALECT}
    definitions = schema["$defs"]
    definitions["ModelSpec"]["properties"]["family"] |= _named({n: family.summary for n, family in FAMILIES.items()})
    definitions["TaskSpec"]["properties"]["kind"] |= _named({n: kind.summary for n, kind in KINDS.items()})
    return schema


def _named(summaries: Mapping[str, str]) -> dict[str, object]:
    return {"oneOf": [{"const": name, "description": summary} for name, summary in summaries.items()]}
