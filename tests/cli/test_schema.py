"""`bench schema`: every key of the suite file and of a recipe has words, and the files of this repository fit it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bench.__main__ import main

ROOT = Path(__file__).parents[2]


def schema(capsys: pytest.CaptureFixture[str], file: str) -> dict[str, Any]:
    assert main(["schema", file]) == 0
    loaded: dict[str, Any] = json.loads(capsys.readouterr().out)
    return loaded


def keys(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, section in {"": described, **described.get("$defs", {})}.items():
        yield name, section
        for key, value in section.get("properties", {}).items():
            yield f"{name}.{key}", value


@pytest.mark.parametrize("file", ["suite", "recipe"])
def test_every_key_has_a_description(capsys: pytest.CaptureFixture[str], file: str) -> None:
    listed = dict(keys(schema(capsys, file)))
    assert len(listed) > 30
    assert [name for name, value in listed.items() if not value.get("description", "").strip()] == []


@pytest.mark.parametrize(
    ("file", "pattern"), [("suite", "suites/*.yaml"), ("recipe", "suites/quickstart/recipes/*.yaml")]
)
def test_the_files_of_this_repository_fit(capsys: pytest.CaptureFixture[str], file: str, pattern: str) -> None:
    known = schema(capsys, file)["properties"]
    paths = list(ROOT.glob(pattern))
    assert paths
    for path in paths:
        assert set(YAML(typ="safe").load(path)) <= set(known), path


def test_without_a_name_it_is_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema(capsys, "suite")
