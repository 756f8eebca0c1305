"""How parts are found: declarations in a folder and by entry points, and modules beside a suite, in one order."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from bench import plugins
from bench.candidates import FAMILIES
from bench.errors import InputError, SuiteError
from bench.planning import make_plan, open_suite
from bench.plugins import find_beside, look_beside

SUITE = """\
name: beside
models:
  - {{name: own, family: torch-module, factory: "{module}:build"}}
tasks:
  - {{name: topic, kind: classification, metrics: ["{module}:score"], data: {{path: topic.jsonl}}}}
"""
MODULE = """
def score(predictions, references): return [1.0] * len(predictions)
def build(): return None
"""


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Python's path, as it was again afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(plugins, "_folders", [])
    return sys.path


def test_a_folder_beside_a_suite_comes_after_all_that_is_installed(tmp_path: Path, path: list[str]) -> None:
    (tmp_path / "token.py").write_text("mine = True\n")
    (tmp_path / "lies_here_alone.py").write_text("mine = True\n")
    look_beside(tmp_path)
    look_beside(tmp_path)
    assert path[-1] == str(tmp_path) and path.count(str(tmp_path)) == 1
    sys.modules.pop("token", None)
    assert not hasattr(importlib.import_module("token"), "mine")
    assert importlib.import_module("lies_here_alone").mine
    sys.modules.pop("lies_here_alone")


def test_what_is_found_without_importing_is_what_an_import_would_find(tmp_path: Path, path: list[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        (folder / "kit").mkdir(parents=True)
        (folder / "kit" / "__init__.py").write_text("raise RuntimeError('no code is run')\n")
        (folder / "kit" / "layers.py").write_text("")
        (folder / "token.py").write_text("")
    look_beside(first)
    for folder in (first, second):
        found = find_beside("kit.layers", folder)
        assert found is not None and found.origin == str(folder / "kit" / "layers.py")
        installed = find_beside("token", folder)
        assert installed is not None and not str(installed.origin).startswith(str(tmp_path))
    assert find_beside("kit.missing", first) is None and find_beside("nowhere.at.all", first) is None


def test_metrics_and_factories_are_looked_for_in_the_same_order(tmp_path: Path, path: list[str]) -> None:
    """A suite whose module has the name of an installed one is told so for both, and plans under another name."""
    (tmp_path / "topic.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
    for module in ("token", "scores_beside_the_suite"):
        (tmp_path / f"{module}.py").write_text(MODULE)
        (tmp_path / "suite.yaml").write_text(SUITE.format(module=module))
        if module == "token":
            with pytest.raises(SuiteError, match="'token' has no 'score'"):
                make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results")
    first = make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results").cells[0].id
    (tmp_path / "scores_beside_the_suite.py").write_text(MODULE + "# changed\n")
    assert make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results").cells[0].id != first
    sys.modules.pop("scores_beside_the_suite")


def test_a_name_that_nobody_declares_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'encoder'"):
        FAMILIES.find("encodr")
    assert "encodr" not in FAMILIES and FAMILIES.get("encodr") is None
