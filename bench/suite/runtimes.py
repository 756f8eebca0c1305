"""The key `runtime` of a model: which libraries execute its network, and the candidates that this makes.

The names are not checked here: what is declared in `bench.candidates.runtimes` is known to planning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, Self, TypeVar

from pydantic import PlainValidator

DEFAULT_RUNTIME = "torch"
"""Executes what names no runtime."""


def _named(value: object) -> str | list[str]:
    """Take one name, or several; one mistake is one line, where a union of types would give two."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError("give the name of a runtime, such as 'onnxruntime', or a list of names")
    return list(value)


Runtimes = Annotated[str | list[str], PlainValidator(_named, json_schema_input_type=str | list[str])]
"""One name, or several, each of which makes candidates of its own."""


class _Variant(Protocol):
    """What is read of a variant's specification."""

    @property
    def model_fields_set(self) -> set[str]:
        """Name the keys that are written."""

    def model_copy(self, *, update: dict[str, object]) -> Self:
        """Copy it with other values."""


V = TypeVar("V", bound=_Variant)


def names_of(runtimes: Runtimes) -> list[str]:
    """List the names that the key holds.

    >>> names_of("torch"), names_of(["torch", "openvino"])
    (['torch'], ['torch', 'openvino'])
    """
    return [runtimes] if isinstance(runtimes, str) else list(runtimes)


def multiplied(variants: Sequence[V], runtimes: Runtimes) -> list[V]:
    """Make the candidates of a model: each variant in each runtime; one that names its own runtime stays as it is."""
    made: list[V] = []
    for name in names_of(runtimes):
        made += [variant.model_copy(update={"runtime": name}) for variant in variants if not _names_its_own(variant)]
    return made + [variant for variant in variants if _names_its_own(variant)]


def _names_its_own(variant: _Variant) -> bool:
    return "runtime" in variant.model_fields_set
