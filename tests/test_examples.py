"""Every example runs as its page says: trained where it has a script for that, then scored by its own suite."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.running.executors.inline import InlineExecutor
from bench.suite import Suite
from bench.suite.yaml_file import read
from tests.pages import ROOT

EXAMPLES = ROOT / "examples"
FOLDERS = sorted(path.parent.name for path in EXAMPLES.glob("*/suite.yaml"))
LIBRARIES = {"keras": "keras", "spacy": "spacy"}
"""Libraries that are not bench's own, by the folder that needs them."""
BETTER = {
    "callable": ("accuracy", 0.7),
    "keras": ("accuracy", 0.6),
    "lstm-classifier": ("accuracy", 0.6),
    "lstm-language-model": ("bits_per_byte", 4.5),
    "scikit-learn": ("accuracy", 0.7),
    "spacy": ("accuracy", 0.6),
    "torch-transformer": ("chrf", 60.0),
}
"""By folder: a metric of its first model, and a value that one which learnt nothing does not reach."""


def test_every_folder_is_a_whole_example() -> None:
    assert sorted(BETTER) == FOLDERS
    for name in FOLDERS:
        suite = read(EXAMPLES / name / "suite.yaml", Suite).value
        assert suite.name == name
        module = str(suite.models[0].factory).partition(":")[0]
        assert (EXAMPLES / name / f"{module}.py").is_file()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples."""
    ignored = shutil.ignore_patterns("results", "reports", "__pycache__", "model", "*.joblib", "*.keras")
    return shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("examples") / "examples", ignore=ignored)


@pytest.fixture(autouse=True)
def own_path() -> Iterator[None]:
    """Whatever an example imports from beside its suite is gone afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "") or "").find("examples") >= 0:
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_runs(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = LIBRARIES.get(name)
    if library is not None and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    folder = place / name
    monkeypatch.setattr("bench.running.fits.LocalExecutor", lambda **_: InlineExecutor())  # it spares a process
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    if (folder / "train.py").is_file():
        runpy.run_path(str(folder / "train.py"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["run", "suite.yaml", "--executor", "inline", "--profile", "off", "--no-report", "--json"])
    cells: list[dict[str, Any]] = json.loads(printed.getvalue())["cells"]
    assert code == 0, cells
    metric, least = BETTER[name]
    value = cells[0]["quality"][metric]["value"]
    assert value < least if metric == "bits_per_byte" else value > least, (metric, value)
    assert "batch_changes_answers" not in {doubt["code"] for cell in cells for doubt in cell["doubts"]}
