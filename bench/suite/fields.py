"""Field types of the suite's schema whose text the grammar of `bench.suite.limits` parses.

Each mistake is raised at its own key, so that the reader of the file can say line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AllowInfNan, Field, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from bench.errors import InputError
from bench.suite.limits import (
    Limit,
    parse_duration,
    parse_end,
    parse_limit,
    parse_margin,
    parse_memory,
    parse_rate,
    parse_reference,
)
from bench.suite.rules import RULES

T = TypeVar("T")
U = TypeVar("U")
_TEXTS = TypeAdapter(dict[str, str])


def _each(parse: Callable[[str, T], U], values: Mapping[str, T]) -> dict[str, U]:
    """Parse each value under its key, and raise the mistakes of all keys at once."""
    parsed: dict[str, U] = {}
    mistakes: list[InitErrorDetails] = []
    for name, value in values.items():
        try:
            parsed[name] = parse(name, value)
        except InputError as error:
            problem = PydanticCustomError("value_error", "{error}", {"error": str(error)})
            mistakes.append(InitErrorDetails(type=problem, loc=(name,), input=value))
    if mistakes:
        raise ValidationError.from_exception_data("quantities", mistakes)
    return parsed


def _limits(value: object) -> dict[str, Limit]:
    """Parse a table of constraints; limits that are parsed already are taken as they are."""
    if isinstance(value, Mapping) and all(isinstance(limit, Limit) for limit in value.values()):
        return dict(value)
    return _each(parse_limit, _TEXTS.validate_python(value, strict=True))


def _texts(limits: Mapping[str, Limit]) -> dict[str, str]:
    return {name: limit.text for name, limit in limits.items()}


def _checked(parse: Callable[[str, T], object]) -> Callable[[dict[str, T]], dict[str, T]]:
    """Make a validator that leaves a table as it is written, once each of its values can be parsed."""

    def check(values: dict[str, T]) -> dict[str, T]:
        _each(parse, values)
        return values

    return check


def _readable(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Make a validator that leaves a text as it is written, once `parse` raises nothing."""

    def check(text: str) -> str:
        try:
            parse(text)
        except InputError as error:
            raise ValueError(str(error)) from error
        return text

    return check


Constraints = Annotated[
    dict[str, Limit],
    PlainValidator(_limits, json_schema_input_type=dict[str, str]),
    PlainSerializer(_texts, return_type=dict[str, str]),
]
"""Reading or metric → limit; written back as the texts that they were."""
Amount = Annotated[float, AllowInfNan(True)] | str
"""A number, or a quantity with its unit; the parser refuses what is not finite, so that one line says it."""
Margins = Annotated[dict[str, Amount], AfterValidator(_checked(parse_margin))]
Rates = Annotated[dict[str, str], AfterValidator(_checked(parse_rate))]
Reference = Annotated[dict[str, Amount], AfterValidator(_checked(parse_reference))]
MemoryLimit = Annotated[str, AfterValidator(_readable(parse_memory))]
Duration = Annotated[str, AfterValidator(_readable(parse_duration))]
End = Annotated[str, AfterValidator(_readable(parse_end))]
"""A time of day or a duration."""


def _with_every_rule(schema: dict[str, object]) -> None:
    schema["enum"] = list(RULES)


RuleName = Annotated[str, AfterValidator(_readable(RULES.check)), Field(json_schema_extra=_with_every_rule)]
