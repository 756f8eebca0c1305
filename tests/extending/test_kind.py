"""A kind of task is one file: through an entry point, and dropped into the folder, with nothing else touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.checkpoints import make_checkpoint
from tests.extending.package import EXPORT, ROOT, bench, bench_all, environment, install, read_exported

FILE = Path(__file__).with_name("title_writing.py")
POINTS = {"bench.tasks": {"title-writing": "title_writing:TitleWriting"}}
SUITE = """\
name: own-kind
defaults: {device: cpu, threads: 1, batch_size: 4}
models:
  - {name: lead, family: baseline, strategy: lead}
  - {name: copy, family: baseline, strategy: copy}
  - {name: gpt, family: causal-lm, checkpoint: ./causal-lm}
  - {name: head, family: encoder, checkpoint: ./causal-lm}
tasks:
  - {name: titles, kind: title-writing, data: {path: titles.jsonl}, max_new_tokens: 8}
measure: {profile: quick, window_s: 0.1, energy: "off"}
objectives: [quality, latency_p50_s]
"""


def write_suite(folder: Path) -> None:
    """Write a suite with a task of the kind, and its data."""
    folder.mkdir(parents=True)
    rows = [
        {"article": f"Crane {i} is late. It comes on Monday.", "headline": f"Crane {i} is late."} for i in range(12)
    ]
    (folder / "titles.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "suite.yaml").write_text(SUITE)


@pytest.mark.slow
def test_a_kind_by_an_entry_point(tmp_path: Path) -> None:
    work, variables = tmp_path / "work", install(tmp_path / "site", POINTS, FILE)
    write_suite(work)
    make_checkpoint("causal-lm", work)
    told = bench_all(
        work,
        variables,
        "ls tasks --json",
        "schema",
        "validate suite.yaml",
        "plan suite.yaml --json",
        "run suite.yaml --report page.html",
        EXPORT,
    )
    listed = {row["name"]: row for row in json.loads(told[0])}
    assert listed["title-writing"] == {
        "name": "title-writing",
        "columns": "article, title, (keywords)",
        "metrics": "rouge1",
        "what": "a title for an article",
    }
    assert "title-writing" in told[1]
    plan = json.loads(told[3])
    reasons = {cell["model"]: cell["unsupported"] for cell in plan["cells"]}
    assert reasons["lead"] is None and reasons["gpt"] is None
    assert reasons["copy"] == "the baseline 'copy' makes no sense for title-writing; use 'lead'"
    assert reasons["head"].startswith("an encoder writes no text")
    cells = {cell["model"]: cell for cell in read_exported(told[-1])["cells"]}
    assert (cells["lead"]["status"], cells["gpt"]["status"]) == ("ok", "ok")
    assert cells["lead"]["quality"]["rouge1"]["value"] == 1.0
    assert "titles" in (work / "page.html").read_text()


@pytest.mark.slow
def test_a_kind_dropped_into_the_folder(tmp_path: Path) -> None:
    copy = tmp_path / "site" / "bench"
    shutil.copytree(ROOT / "bench", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FILE, copy / "tasks" / "kinds")
    work, variables = tmp_path / "work", environment(tmp_path / "site")
    write_suite(work)
    (work / "suite.yaml").write_text("\n".join(line for line in SUITE.splitlines() if "checkpoint" not in line))
    *_, exported = bench_all(work, variables, "run suite.yaml --no-report --executor inline", EXPORT)
    cells = {cell["model"]: cell for cell in read_exported(exported)["cells"]}
    assert cells["lead"]["quality"]["rouge1"]["value"] == 1.0
    assert cells["copy"]["status"] == "unsupported"


def test_a_misspelt_kind_of_a_plug_in_gets_the_nearest_name(tmp_path: Path) -> None:
    work, variables = tmp_path / "work", install(tmp_path / "site", POINTS, FILE)
    write_suite(work)
    (work / "suite.yaml").write_text(SUITE.replace("kind: title-writing", "kind: title-writting"))
    done = bench(work, variables, "validate", "suite.yaml")
    assert done.returncode == 2
    assert "suite.yaml:9:20 tasks[0].kind" in done.stderr
    assert "did you mean 'title-writing'?" in done.stderr
