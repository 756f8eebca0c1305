"""Switching gradients off for what only answers, without importing torch before anything is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def without_gradients(method: Callable[P, T]) -> Callable[P, T]:
    """Run a function in torch's inference mode; torch is imported by the first call."""

    @wraps(method)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        import torch

        with torch.inference_mode():
            return method(*arguments, **options)

    return call
