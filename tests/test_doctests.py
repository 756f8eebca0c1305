"""Runs the examples in the docstrings of modules without heavy imports."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "bench.errors", "bench.units", "bench.record", "bench.registry", "bench.yaml_file", "bench.models",
    "bench.models.baseline", "bench.models.windows", "bench.tasks", "bench.tasks.batching", "bench.measure.profiles",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
