"""The edges that are strings: each resolves, and leads to a room that the runner may use."""

from __future__ import annotations

import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.plugins import load_object
from bench.running.targets import PRELOADS, TARGETS


def rooms_from_running_down() -> list[str]:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    layers: list[str] = contract["layers"]
    return layers[layers.index("running") :]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_a_function_of_a_room_below(target: str) -> None:
    assert callable(load_object(target))
    assert target.split(":")[0].split(".")[1] in rooms_from_running_down()


@pytest.mark.parametrize("module", PRELOADS)
def test_what_is_preloaded_is_there(module: str) -> None:
    assert find_spec(module) is not None
    assert import_module("bench.running.preload").preload


def test_no_other_string_in_the_house_names_a_function_to_run_apart() -> None:
    """The table of `bench.running.targets` is the only one that names worker functions."""
    root = Path(__file__).parents[2] / "bench"
    own = [*TARGETS, *PRELOADS]
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(f'"{target}"' in path.read_text(encoding="utf-8") for target in own)
    ]
    assert found == ["running/targets.py"]
