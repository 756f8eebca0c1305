"""The package of `docs/extending.md`, installed as it stands there: all is found, and a suite runs with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks

PAGE = ROOT / "docs" / "extending.md"
SUITE = """\
name: short
defaults: {device: cpu, threads: 1, executor: talkative}
models:
  - {name: length, family: by-length}
  - {name: lead, family: baseline, strategy: lead}
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
  - {name: titles, kind: title-writing, data: {path: titles.jsonl}, metrics: [brevity, rouge1]}
measure: {profile: quick, window_s: 0.05}
objectives: [quality, energy_per_example_j]
decision: {rule: costs-first}
"""
LISTINGS = {
    "models": "by-length",
    "tasks": "title-writing",
    "metrics": "brevity",
    "meters": "wall_socket",
    "doubts": "single_words",
    "charts": "start-up",
    "rules": "costs-first",
    "executors": "talkative",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files and entry points, as an installer would leave them."""
    place = tmp_path_factory.mktemp("site")
    groups: dict[str, dict[str, str]] = {}
    for block in blocks(PAGE):
        if block.language == "toml":
            groups = tomllib.loads(block.text)["project"]["entry-points"]
        elif block.language == "python":
            (place / block.about).write_text(block.text)
    about = place / "short_things-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: short-things\nVersion: 1.0\n")
    lines = [f"[{group}]\n" + "\n".join(f"{n} = {t}" for n, t in points.items()) for group, points in groups.items()]
    (about / "entry_points.txt").write_text("\n\n".join(lines) + "\n")
    return place


@pytest.fixture
def work(tmp_path: Path) -> Path:
    topic = [{"text": f"mail {'x' * place}", "label": "ab"[place % 2]} for place in range(12)]
    titles = [{"article": f"Crane {place} is late. It comes.", "title": f"Crane {place}"} for place in range(12)]
    (tmp_path / "topic.jsonl").write_text("\n".join(map(json.dumps, topic)))
    (tmp_path / "titles.jsonl").write_text("\n".join(map(json.dumps, titles)))
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def _bench(work: Path, site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.mark.parametrize(("what", "name"), LISTINGS.items())
def test_each_is_listed(work: Path, site: Path, what: str, name: str) -> None:
    rows = json.loads(_bench(work, site, "ls", what, "--json").stdout)
    assert name in {row.get("name", row.get("code")) for row in rows}


@pytest.mark.slow
def test_a_suite_runs_with_them(work: Path, site: Path) -> None:
    run = _bench(work, site, "run", "suite.yaml", "--report", "page.html", "--json")
    assert "calling " in run.stderr
    shown = json.loads(run.stdout)
    cells = {(cell["model"], cell["task"]): cell for cell in shown["cells"]}
    assert cells["length", "topic"]["status"] == "ok" and cells["length", "titles"]["status"] == "unsupported"
    assert set(cells["lead", "titles"]["quality"]) == {"brevity", "rouge1"}
    energy = cells["length", "topic"]["efficiency"]["energy_per_example_j"]
    assert energy["source"] == "wall_socket"
    assert any(doubt["code"] == "single_words" for doubt in cells["length", "topic"]["doubts"])
    assert shown["decision"]["rule"]["rule"] == "costs-first"
    assert "is ready first." in (work / "page.html").read_text()


def test_the_blob_store_keeps_what_it_is_given(site: Path) -> None:
    code = (
        "from bench.store.blobs import open_blobs\n"
        "store = open_blobs('memory://x'); store.put('a/b', b'1'); assert store.get('a/b') == b'1'\n"
        "assert [(blob.name, blob.size_bytes) for blob in store.list('a/')] == [('a/b', 1)]\n"
        "store.delete('a/b'); assert not store.exists('a/b')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def _cells(line: str) -> list[list[str]]:
    return [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]


def test_what_the_tables_name_is_there() -> None:
    rows = [_cells(line) for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rooms = [(ROOT / where[0], copied) for _, where, copied, *_ in rows if where and where[0].endswith("/")]
    assert len(rooms) == 10
    for room, copied in rooms:
        assert copied and all((room / name).is_file() for name in copied), room
    sections = [
        (classes, where[0])
        for _, classes, where, *_ in rows
        if where and where[0].startswith("bench/") and where[0].endswith(".py")
    ]
    assert len(sections) == 15
    for classes, file in sections:
        assert classes and all(f"class {name}(" in (ROOT / file).read_text() for name in classes), file
