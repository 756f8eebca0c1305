"""The JSON Schemas of the suite file and of recipes, with every name that may be written in them described."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from bench.candidates import FAMILIES
from bench.catalogue.readings import ALIASES, GPU_ALIASES, READINGS
from bench.fit.recipe import Recipe
from bench.metrics.catalogue import METRICS
from bench.suite import Suite
from bench.suite.limits import QUALITY
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


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the suite file."""

    path: str
    """Such as `models[].variants[].dtype`."""
    default: str
    """As YAML takes it; `required` where there is none."""
    what: str
    """Its description."""


def suite_keys() -> list[Key]:
    """List every key of the suite file in its order, each section before its keys."""
    return list(_keys(Suite, ""))


def _keys(section: type[BaseModel], before: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        inner, is_list = _section(field.annotation)
        default = "required" if field.default is PydanticUndefined else _written(field.default, inner)
        path = f"{before}{name}"
        yield Key(path, default, " ".join((field.description or "").split()))
        if inner is not None:
            yield from _keys(inner, f"{path}[]." if is_list else f"{path}.")


def _written(default: object, inner: type[BaseModel] | None) -> str:
    """Write a default as YAML takes it; a section's own is what its keys say."""
    return "" if inner is not None else json.dumps(to_jsonable_python(default), ensure_ascii=False)


def _section(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """Find the section that a key holds, and whether it holds a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    is_list = typing.get_origin(annotation) is list
    for part in typing.get_args(annotation):
        section, inner_list = _section(part)
        if section is not None:
            return section, is_list or inner_list
    return None, False


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
    yield {"const": QUALITY, "title": "Quality", "description": "The first metric of each task."}
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
