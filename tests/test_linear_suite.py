"""The suite `linear` in a small form: trained briefly, and without MiniLM, which is a package of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

SUITES = Path(__file__).parent.parent / "suites"
SMALL: dict[str, dict[str, Any]] = {
    "linear.yaml": {"search": None},
    "scratch.yaml": {"steps": 30, "warmup_steps": 5, "evaluate_every": 30},
}


def changed(path: Path, changes: dict[str, Any]) -> None:
    yaml = YAML()
    read = yaml.load(path)
    read.update({key: value for key, value in changes.items() if value is not None})
    for key in [key for key, value in changes.items() if value is None]:
        del read[key]
    yaml.dump(read, path)


@pytest.mark.whole
def test_the_suite_runs_and_the_linear_model_answers_without_torch(tmp_path: Path) -> None:
    shutil.copytree(SUITES / "linear", tmp_path / "linear")
    for name, changes in SMALL.items():
        changed(tmp_path / "linear" / name, changes)
    suite: dict[str, Any] = YAML(typ="safe").load(SUITES / "linear.yaml")
    suite["models"] = [model for model in suite["models"] if "checkpoint" not in model and model["name"] != "bert"]
    suite["defaults"]["max_examples"] = 20
    suite["objectives"] = ["quality", "latency_p50_s", "peak_memory_bytes"]
    path = tmp_path / "suite.yaml"
    YAML().dump(suite, path)
    command = [sys.executable, "-m", "bench"]
    results = ["--results", str(tmp_path / "results")]
    subprocess.run([*command, "run", str(path), "--no-report", *results], check=True, capture_output=True)
    shown = subprocess.run([*command, "show", "latest", "--json", *results], check=True, capture_output=True)
    cells = {cell["model"]: cell for cell in json.loads(shown.stdout)["cells"]}
    assert {cell["status"] for cell in cells.values()} == {"ok"} and set(cells) == {
        "linear",
        "ours",
        "nearest",
        "majority",
    }
    linear, network = (
        {name: cells[model]["efficiency"][name]["value"] for name in ("latency_p50_s", "peak_rss_bytes")}
        for model in ("linear", "ours")
    )
    assert 3 * linear["peak_rss_bytes"] < 2 * network["peak_rss_bytes"], "it answers without torch"
    assert cells["linear"]["quality"]["accuracy"]["value"] > cells["majority"]["quality"]["accuracy"]["value"]
