"""`bench nightly` as a process: killed and gone on with, two at once, signals, and what it must not tell."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.errors import UsageError
from bench.store import Store

BENCH = [sys.executable, "-m", "bench", "nightly", "suite.yaml"]
MODULE = """
class Answers:
    def __init__(self, fifo): self.fifo = fifo
    def classify(self, texts, labels):
        if self.fifo is not None:
            import os
            if os.path.exists(self.fifo):
                with open(self.fifo) as stream: stream.read()
        return [[float(label in text) for label in labels] for text in texts]

def build(fifo=None): return Answers(fifo)
"""
NAMES = ("one", "two", "three")
SEED = 42
LAST = NAMES[random.Random(SEED).sample(range(3), 3)[-1]]
"""The cell that the runner's order puts last: it waits, and the two others are finished before."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    rows = [{"text": f"{label} {index}", "label": label} for index in range(12) for label in ("red", "green")]
    (tmp_path / "topic.jsonl").write_text("\n".join(map(json.dumps, rows)))
    models = "\n".join(
        f'  - {{name: {name}, family: torch-module, factory: "mine:build", '
        f"options: {{fifo: {tmp_path / 'gate' if name == LAST else 'null'}}}}}"
        for name in NAMES
    )
    (tmp_path / "suite.yaml").write_text(
        f"name: freight\ndefaults: {{seed: {SEED}, device: cpu}}\nmodels:\n{models}\n"
        "tasks: [{name: topic, kind: classification, data: {path: topic.jsonl}}]\n"
        "measure: {profile: quick, window_s: 0.05, energy: 'off'}\n"
    )
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*BENCH, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def when_it_waits(folder: Path) -> Any:
    """Returns the writing end of the pipe that the last cell reads: opening it waits for the cell."""
    return (folder / "gate").open("w")


def times(folder: Path) -> dict[str, str]:
    with Store.open(folder / "results", create=False) as store:
        return {record.cell.model: record.started_at for record in store.load("latest").records}


@pytest.mark.slow
def test_killed_it_goes_on_and_meanwhile_no_other_begins(folder: Path) -> None:
    os.mkfifo(folder / "gate")
    first = start(folder)
    with when_it_waits(folder):
        code, out, err = finish(start(folder))
        assert (code, out) == (7, "")
        assert f"process {first.pid} " in err and "'freight'" in err and "Traceback" not in err
        before = times(folder)
        assert set(before) == set(NAMES) - {LAST}
        first.send_signal(signal.SIGKILL)
        finish(first)
    (folder / "gate").unlink()
    code, out, err = finish(start(folder, "--json"))
    found = json.loads(out)
    assert (code, found["counts"]) == (0, {"ok": 3}), err
    after = times(folder)
    assert {name: after[name] for name in before} == before
    with Store.open(folder / "results", create=False) as store:
        assert [run.id for run in store.runs()] == [found["run_id"]]


@pytest.mark.slow
def test_sigterm_keeps_what_is_finished(folder: Path) -> None:
    os.mkfifo(folder / "gate")
    first = start(folder)
    with when_it_waits(folder):
        first.send_signal(signal.SIGTERM)
        code, _, err = finish(first)
    assert code == 130
    assert "Traceback" not in err
    assert set(times(folder)) == set(NAMES) - {LAST}


@pytest.mark.slow
def test_the_last_line_is_for_a_person_and_no_secret_is_stored(folder: Path) -> None:
    secret = "http://127.0.0.1:9/hooks/secret-token"
    code, out, err = finish(start(folder, "--webhook", secret, "--notify", "problems"))
    assert (code, out.splitlines()[-1].split(":")[:2]) == (0, ["freight", " Insufficient history"]), err
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if b"secret-token" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--deadline", "25:00"), "deadline"), (("--webhook", "ftp://x"), "--webhook"), (("--keep-nights", "0"), "0")],
)
def test_what_would_fail_at_the_end_fails_at_the_start(folder: Path, arguments: tuple[str, str], said: str) -> None:
    code, _, err = finish(start(folder, *arguments))
    assert code == 2
    assert said in err
    assert not (folder / "results").exists()


def test_a_baseline_that_is_not_there_is_told_before_the_night(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measures(*_arguments: object) -> None:
        raise UsageError("the night began")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("bench.nightly.night.run_night", measures)
    for baseline, lines in (("tag:good", ["tagged 'good'", "the night began"]), ("previous", ["the night began"])):
        assert main(["nightly", "suite.yaml", "--baseline", baseline]) == 2
        told = capsys.readouterr().err.splitlines()
        assert [said in line for said, line in zip(lines, told, strict=True)] == [True] * len(lines)
