"""Runs the examples in the docstrings of every module that has some."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

import bench

EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
PACKAGE = Path(bench.__file__).parent


def _modules_with_examples() -> list[str]:
    places = (path for path in sorted(PACKAGE.rglob("*.py")) if EXAMPLE.search(path.read_text(encoding="utf-8")))
    dotted = (path.relative_to(PACKAGE.parent).with_suffix("") for path in places)
    return [".".join(part for part in place.parts if part != "__init__") for place in dotted]


@pytest.mark.parametrize("name", _modules_with_examples())
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
