"""What a library raises in the middle of its own pass, said in one sentence with a remedy.

A fast path may raise, and is then left for the plain one. Where the plain one raises too there is nothing to fall back
to, and the exception of a library three layers down tells nobody what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from bench.errors import AdmissionError, is_out_of_memory
from bench.suite import ModelSpec

P = ParamSpec("P")
T = TypeVar("T")
PATH_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    AssertionError,
    NotImplementedError,
    ImportError,
)
"""What a model raises whose cache, masks or inputs have another interface than a path expects."""
SHOWN = 200
"""Characters of a library's sentence that are shown."""


class TakesPaths(Protocol):
    """A model with a fast path and a plain one."""

    spec: ModelSpec
    plain: bool


M = TypeVar("M", bound=TakesPaths)


def explained(method: Callable[Concatenate[M, P], T]) -> Callable[Concatenate[M, P], T]:
    """Turn what a model's plain path raises into an `AdmissionError`; what its fast path raises goes on as it is."""

    @wraps(method)
    def call(model: M, /, *arguments: P.args, **options: P.kwargs) -> T:
        with explaining(model) if model.plain else nullcontext():
            return method(model, *arguments, **options)

    return call


@contextmanager
def explaining(model: TakesPaths) -> Iterator[None]:
    """Turn what the library raises over a single example into a sentence.

    Raises:
        AdmissionError: the library's pass fails.
    """
    try:
        yield
    except PATH_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise AdmissionError(
            f"model '{model.spec.name}': transformers' own pass over a single example fails ({shown(error)}); its "
            "weights, its configuration and its tokenizer do not fit each other, or its network wants more than text: "
            "try it in transformers alone"
        ) from error


def shown(error: Exception) -> str:
    """Show an exception in a line.

    >>> shown(ValueError("too many values\\nto unpack"))
    'ValueError: too many values'
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:SHOWN]}" if lines else type(error).__name__
