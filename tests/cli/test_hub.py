"""`bench run` of a suite whose model, data and metric come from a Hub on the loopback, and of Hubs that fail."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.record import Record
from bench.store import Store
from bench.summary import summarise
from tests.checkpoints import LABELS, make_checkpoint
from tests.hub_server import COMMIT, TOKEN, Hub, serve

SUITE = """\
name: far
defaults: {device: cpu, threads: 1, timeout_s: 120}
models:
  - {name: theirs, family: encoder, checkpoint: MODEL, revision: REVISION}
tasks:
  - name: colour
    kind: classification
    data: {hub: acme/colours, split: test, revision: COMMIT}
    metrics: [accuracy, "evaluate:acme/overlap@COMMIT"]
    labels: [red, green, dark blue]
measure: {profile: quick, window_s: 0.1}
"""
METRIC = '''
import datasets
import evaluate

class Overlap(evaluate.Metric):
    """Share of equal answers."""

    def _info(self):
        features = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {"overlap": sum(p == r for p, r in zip(predictions, references)) / len(references)}
'''
pytestmark = pytest.mark.slow
BRIEFLY = ("--no-report", "--profile", "off")
NEVER = "retried until the limit"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hub")
    made = make_checkpoint("encoder", place / "made")
    for repo in ("acme/tiny", "private/tiny", "acme/cut"):
        folder = place / "models" / repo
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(made, target_is_directory=True)
    rows = [{"text": f"{label} thing {index}", "label": label} for index in range(4) for label in LABELS]
    data, space = place / "datasets/acme/colours", place / "spaces/acme/overlap"
    for folder in (data, space):
        folder.mkdir(parents=True)
    (data / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (space / "overlap.py").write_text(METRIC)
    for name in ("private/overlap", "acme/empty", "acme/cut"):
        other = place / "spaces" / name
        other.mkdir(parents=True)
        (other / ("readme.md" if name == "acme/empty" else f"{other.name}.py")).write_text(METRIC)
    return place


@pytest.fixture
def hub(root: Path) -> Iterator[Hub]:
    with serve(root) as running:
        yield running


def bench(folder: Path, url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python(folder, url, "-m", "bench", *arguments, **variables)


def python(folder: Path, url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_") and "proxy" not in key.lower()}
    settings = kept | {"HF_ENDPOINT": url, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=110)


def write(folder: Path, model: str = "acme/tiny", revision: str = COMMIT) -> None:
    text = SUITE.replace("MODEL", model).replace("REVISION", revision).replace("COMMIT", COMMIT)
    (folder / "suite.yaml").write_text(text)


def records(folder: Path) -> list[Record]:
    with Store.open(folder / "results", create=False) as store:
        return list(store.load("latest").records)


def test_model_data_and_metric_by_name_and_then_offline(tmp_path: Path, hub: Hub) -> None:
    write(tmp_path)
    done = bench(tmp_path, hub.url, "run", "suite.yaml", "--no-report")
    assert done.returncode == 0, done.stderr
    [record] = records(tmp_path)
    assert record.status == "ok"
    assert ("GET", f"/spaces/acme/overlap/resolve/{COMMIT}/overlap.py") in hub.asked
    assert any(path == f"/acme/tiny/resolve/{COMMIT}/model.safetensors" for _, path in hub.asked)
    [entry] = summarise([record])
    said = {str(quantity.reason) for quantity in entry.quality.values()}
    assert any("the Hub cannot be reached" in reason for reason in said), "the cache is elsewhere"
    hub.asked.clear()
    again = bench(tmp_path, hub.url, "run", "suite.yaml", "--rerun", *BRIEFLY, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert hub.asked == []


def failing(folder: Path, url: str, **variables: str) -> str:
    """Runs the suite without measuring, and returns what was said, with the reasons of the cells that failed."""
    done = bench(folder, url, "run", "suite.yaml", *BRIEFLY, "--executor", "inline", **variables)
    assert done.returncode not in (0, 1), done.stderr
    reasons = [str(record.reason) for record in records(folder)] if (folder / "results/bench.db").exists() else []
    assert "Traceback" not in done.stderr
    return " ".join((done.stderr + " ".join(reasons)).split())


def test_a_missing_revision(tmp_path: Path, hub: Hub) -> None:
    write(tmp_path, revision="f" * 40)
    assert "the Hub has no such revision" in failing(tmp_path, hub.url)


def test_a_401_asks_for_the_token_and_the_token_opens(tmp_path: Path, hub: Hub) -> None:
    write(tmp_path, model="private/tiny")
    assert "set HF_TOKEN" in failing(tmp_path, hub.url)
    done = bench(tmp_path, hub.url, "run", "suite.yaml", *BRIEFLY, HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr


def test_a_file_cut_short(tmp_path: Path, hub: Hub) -> None:
    write(tmp_path, model="acme/cut")
    hub.cut.add("model.safetensors")
    said = failing(tmp_path, hub.url)
    assert "cut short" in said or "broke off" in said
    assert sum(path.endswith("model.safetensors") for _, path in hub.asked) < 12, NEVER


def dead_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


LOCAL = "{path: colours.jsonl}"
FLOOR = "{name: floor, family: baseline, strategy: majority}"


def only(what: str, folder: Path, root: Path) -> None:
    """Writes a suite of which the model, the data or the metric comes from the Hub, and nothing else."""
    write(folder)
    (folder / "colours.jsonl").write_bytes((root / "datasets/acme/colours/test.jsonl").read_bytes())
    text = (folder / "suite.yaml").read_text()
    if what != "data":
        text = re.sub(r"{hub: .*}", LOCAL, text)
    if what != "metric":
        text = re.sub(r', "evaluate:.*"', "", text)
    if what != "model":
        text = re.sub(r"{name: theirs.*}", FLOOR, text)
    (folder / "suite.yaml").write_text(text)


@pytest.mark.parametrize("what", ["data", "model", "metric"])
def test_a_dead_server(tmp_path: Path, root: Path, what: str) -> None:
    only(what, tmp_path, root)
    begun = time.monotonic()
    said = failing(tmp_path, dead_url())
    assert "the Hub cannot be reached" in said
    assert time.monotonic() - begun < 60, NEVER


DOWNLOADS = """
import sys
from bench.errors import HubError
from bench.metrics.hub import download
for name in sys.argv[1:]:
    path, _, revision = name.partition("@")
    try:
        print(name, download(name, path, revision).name)
    except HubError as error:
        print(name, error)
"""


def downloads(folder: Path, url: str, *names: str, **variables: str) -> dict[str, str]:
    """Returns what became of each metric module that is asked for."""
    done = python(folder, url, "-c", DOWNLOADS, *names, **variables)
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_metrics_that_the_hub_does_not_serve(tmp_path: Path, hub: Hub) -> None:
    hub.cut.add("cut.py")
    missing = "acme/overlap@" + "f" * 40
    said = {
        missing: "the Hub has no such revision",
        "private/overlap@main": "set HF_TOKEN",
        "acme/nothing": "the Hub has no such repository",
        "acme/empty": "holds no empty.py",
        "acme/cut": "cut short",
        "acme/overlap": "overlap.py",
        f"acme/overlap@{COMMIT}": "overlap.py",
    }
    found = downloads(tmp_path, hub.url, *said)
    assert {name: said[name] in text for name, text in found.items()} == dict.fromkeys(said, True), found
    assert all(f"metric '{name}'" in text for name, text in found.items() if not text.endswith(".py"))
    assert sum(path.endswith("cut.py") for _, path in hub.asked) < 12, NEVER
    hub.asked.clear()
    offline = downloads(tmp_path, hub.url, "acme/overlap", f"acme/overlap@{COMMIT}", missing, HF_HUB_OFFLINE="1")
    assert [text.partition(": ")[2][:24] for text in offline.values()] == ["", "", "not in the local cache, "], (
        "a pinned revision is never another one from the cache"
    )
    assert hub.asked == []


@pytest.fixture
def silent() -> Iterator[str]:
    """A Hub that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hub_that_never_answers(tmp_path: Path, root: Path, silent: str) -> None:
    only("data", tmp_path, root)
    begun = time.monotonic()
    assert "the Hub cannot be reached" in failing(tmp_path, silent)
    assert time.monotonic() - begun < 60, NEVER
