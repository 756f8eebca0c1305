"""A model family is one file: through an entry point, and dropped into the folder, with nothing else touched."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.extending.package import EXPORT, ROOT, bench, bench_all, environment, install, read_exported

FILE = Path(__file__).with_name("byte_counter.py")
COLOURS = ("red", "green")
SUITE = """\
name: own-family
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: floor, family: baseline, strategy: majority}
  - {name: bytes, family: byte-counter, fit: {recipe: recipe.yaml}}
tasks:
  - {name: colour, kind: classification, data: {path: data}}
  - {name: german, kind: translation, data: {path: data}}
measure: {profile: quick, window_s: 0.1, energy: "off"}
objectives: [quality, latency_p50_s]
"""
RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 16, heads: 2, d_ff: 32, vocab_size: 300}
steps: 60
learning_rate: 0.1
warmup_steps: 1
evaluate_every: 20
"""


def write_suite(folder: Path) -> None:
    """Write a suite with a model to train, its recipe and its data."""
    (folder / "data").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        rows = [
            {"text": f"{split} {i}: {COLOURS[i % 2]}", "label": COLOURS[i % 2], "source": "x", "target": "y"}
            for i in range(24)
        ]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "suite.yaml").write_text(SUITE)


def check(folder: Path, variables: Mapping[str, str]) -> None:
    """Validate, plan, train, run and draw, with the family and one that it is compared with."""
    write_suite(folder)
    told = bench_all(
        folder,
        variables,
        "ls models --json",
        "schema",
        "validate suite.yaml",
        "plan suite.yaml --json",
        "run suite.yaml --report page.html",
        EXPORT,
    )
    listed = {row["name"]: row for row in json.loads(told[0])}
    assert listed["byte-counter"]["kinds"] == "classification, sentence-pairs"
    assert "byte-counter" in told[1]
    plan = json.loads(told[3])
    cells = {(cell["model"], cell["task"]): cell["unsupported"] for cell in plan["cells"]}
    assert cells["bytes", "colour"] is None
    assert cells["bytes", "german"].startswith("a byte counter writes no text; use a ")
    assert [fit["model"] for fit in plan["fits"]] == ["bytes"]
    shown = read_exported(told[-1])
    entry = next(cell for cell in shown["cells"] if (cell["model"], cell["task"]) == ("bytes", "colour"))
    assert (entry["status"], entry["quality"]["accuracy"]["value"]) == ("ok", 1.0)
    assert entry["efficiency"]["fit_s"]["value"] > 0
    page = (folder / "page.html").read_text()
    legend = re.search(r'<i class="(m-\d+)"></i> byte counter</li>', page)
    assert legend is not None and f".{legend[1]}::before" in page and f"--{legend[1]}:" in page


@pytest.mark.slow
def test_a_family_by_an_entry_point(tmp_path: Path) -> None:
    points = {"bench.families": {"byte-counter": "byte_counter:ByteCounterFamily"}}
    check(tmp_path / "work", install(tmp_path / "site", points, FILE))


def test_a_family_dropped_into_the_folder(tmp_path: Path) -> None:
    copy = tmp_path / "site" / "bench"
    shutil.copytree(ROOT / "bench", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FILE, copy / "candidates" / "families")
    work, variables = tmp_path / "work", environment(tmp_path / "site")
    write_suite(work)
    plan, models = map(json.loads, bench_all(work, variables, "plan suite.yaml --json", "ls models --json"))
    assert {cell["family"] for cell in plan["cells"]} == {"baseline", "byte-counter"}
    listed = {row["name"] for row in models}
    assert "byte-counter" in listed


def test_a_misspelt_family_of_a_plug_in_gets_the_nearest_name(tmp_path: Path) -> None:
    variables = install(tmp_path / "site", {"bench.families": {"byte-counter": "byte_counter:ByteCounterFamily"}}, FILE)
    write_suite(tmp_path / "work")
    path = tmp_path / "work" / "suite.yaml"
    path.write_text(path.read_text().replace("family: byte-counter", "family: byte-conter"))
    done = bench(tmp_path / "work", variables, "validate", "suite.yaml")
    assert done.returncode == 2
    assert "suite.yaml:5:19 models[1].family" in done.stderr
    assert "did you mean 'byte-counter'?" in done.stderr


def test_an_entry_point_that_is_no_family_is_named(tmp_path: Path) -> None:
    variables = install(tmp_path / "site", {"bench.families": {"odd": "odd:Odd"}}, ("odd", "class Odd: pass\n"))
    work = tmp_path / "work"
    write_suite(work)
    (work / "suite.yaml").write_text(SUITE.replace("byte-counter", "odd"))
    done = bench(work, variables, "validate", "suite.yaml")
    assert done.returncode == 2
    assert "'odd:Odd' is no Family" in done.stderr
