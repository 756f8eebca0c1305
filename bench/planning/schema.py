"""The JSON Schemas of the suite file and of recipes, with every name that may be written in them described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.candidates import FAMILIES
from bench.catalogue.readings import ALIASES, GPU_ALIASES, READINGS
from bench.fit.recipe import Recipe
from bench.metrics.catalogue import METRICS
from bench.suite import Suite
from bench.tasks import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, object]
"""A JSON object."""


def suite_schema() -> Json:
    """Describe the suite file: editors complete the names in it, and show what each means.

    Families and kinds are those that are there, a plug-in's too. A metric that is not listed stays valid here: it may
    be `package.module:function`.
    """
    schema: Json = Suite.model_json_schema()
    names = [*_readings(), *_metrics()]
    properties, definitions = _within(schema, "properties"), _within(schema, "$defs")
    _within(properties, "objectives")["items"] = _one_of(names)
    _within(properties, "constraints")["propertyNames"] = _one_of(names)
    model, task = _within(definitions, "ModelSpec", "properties"), _within(definitions, "TaskSpec", "properties")
    _within(task, "metrics")["items"] = _one_of([*_metrics(), *_groups()])
    model["family"] = _within(model, "family") | _named({n: family.summary for n, family in FAMILIES.items()})
    task["kind"] = _within(task, "kind") | _named({n: kind.summary for n, kind in KINDS.items()})
    return schema | {"$schema": DIALECT}


def recipe_schema() -> Json:
    """Describe the file of a recipe."""
    return Recipe.model_json_schema() | {"$schema": DIALECT}


def _within(schema: Json, *path: str) -> Json:
    for key in path:
        inner = schema[key]
        assert isinstance(inner, dict)
        schema = inner
    return schema


def _one_of(names: list[Json]) -> Json:
    return {"type": "string", "anyOf": [*names, {"type": "string"}]}


def _named(summaries: Mapping[str, str]) -> Json:
    return {"oneOf": [{"const": name, "description": summary} for name, summary in summaries.items()]}


def _readings() -> Iterator[Json]:
    yield {"const": "quality", "title": "Quality", "description": "The first metric of each task."}
    for reading in READINGS.values():
        yield {"const": reading.name, "title": reading.title, "description": reading.definition}
    for alias, name in ALIASES.items():
        or_gpu = f", or on a GPU {GPU_ALIASES[alias]}" if alias in GPU_ALIASES else ""
        yield {"const": alias, "title": READINGS[name].short, "description": f"Another name for {name}{or_gpu}."}


def _metrics() -> Iterator[Json]:
    for name in METRICS:
        metric = METRICS[name]
        yield {"const": name, "title": metric.title, "description": metric.definition}


def _groups() -> Iterator[Json]:
    for group, members in METRICS.groups.items():
        yield {"const": group, "title": group, "description": f"Short for {', '.join(members)}."}
