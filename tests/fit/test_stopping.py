"""Trainings that are stopped: what is kept, by time and by signals, and that the next one says where it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import EXIT_INTERRUPTED, StoppedError
from bench.fit import trainer
from bench.fit.session import fit
from bench.fit.state import kept_step
from tests.fit.jobs import make_job


class KilledError(Exception):
    """As SIGKILL: nothing is done any more."""


def killed_at(word: str, said: list[str]) -> Callable[[str], None]:
    """Make a listener that keeps what is said, and kills the training at a line."""

    def notify(line: str) -> None:
        said.append(line)
        if line.startswith(word):
            raise KilledError

    return notify


def test_slow_steps_are_saved_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job("encoder", tmp_path / "out", save_every=1000)
    with pytest.raises(KilledError):
        fit(job, killed_at("step 20/40", []))
    assert kept_step(job.state) is None
    said: list[str] = []
    monkeypatch.setattr(trainer, "SAVE_EVERY_S", 0.0)
    with pytest.raises(KilledError):
        fit(job, killed_at("step 20/40", said))
    assert "starts again" in said[0], "that nothing was kept is said"
    assert kept_step(job.state) == 19
    fit(job, said.append)
    assert any(line.startswith("resumed at step 19 of 40") for line in said) and job.output.is_dir()


def test_a_signal_ends_the_step_and_the_weights_are_those_of_an_unbroken_training(tmp_path: Path) -> None:
    whole, job = (make_job("encoder", tmp_path / name, save_every=1000) for name in ("whole", "cut"))
    fit(whole, lambda _: None)

    def stop(line: str) -> None:
        if line.startswith("step 20/40  loss"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StoppedError, match=r"SIGTERM; kept at step 2[01] of 40") as stopped:
        fit(job, stop)
    assert stopped.value.exit_code == EXIT_INTERRUPTED
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "the handlers of before are back"
    fit(job, lambda _: None)
    assert (job.output / "model.safetensors").read_bytes() == (whole.output / "model.safetensors").read_bytes()


SUITE = """\
name: s
defaults: {device: cpu, threads: 1}
models:
  - {name: small, family: encoder, fit: {recipe: recipe.yaml}}
tasks:
  - {name: colour, kind: classification, data: {path: data}}
"""
RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 16, heads: 2, d_ff: 32, max_length: 64, vocab_size: 300}
steps: 50000
save_every: 50000
evaluate_every: 50000
learning_rate: 1.0e-4
batch_tokens: 128
"""


@pytest.mark.slow
def test_ctrl_c_of_the_command_says_what_is_kept_and_the_next_one_where_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for split in ("train", "validation", "test"):
        rows = [{"text": f"{split} {n} is {'red' if n % 2 else 'blue'}", "label": "ab"[n % 2]} for n in range(20)]
        (tmp_path / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    first, second = (_interrupted(tmp_path, after) for after in ("step 20/", "resumed"))
    assert (first[0], second[0]) == (EXIT_INTERRUPTED, EXIT_INTERRUPTED)
    kept = next(line for line in first[1] if "kept at step" in line)
    step = int(kept.split("kept at step ")[1].split()[0])
    assert step >= 20 and any(f"resumed at step {step} of 50000" in line for line in second[1])


def _interrupted(folder: Path, after: str) -> tuple[int, list[str]]:
    """Run `bench fit`, interrupt it after a line, and give its exit code and its lines."""
    command = [sys.executable, "-m", "bench", "fit", "suite.yaml"]
    lines = []
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            lines.append(line)
            if after in line:
                child.send_signal(signal.SIGINT)
                after = "\0"
    return child.returncode, lines
