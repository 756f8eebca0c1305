"""What a kill leaves behind, at every moment, and what a training makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.errors import FitError
from bench.fit.session import fit
from bench.fit.state import STATE_FILE, Progress, State
from tests.fit.jobs import make_job


class KilledError(Exception):
    """Stands for SIGKILL, at a line of the progress."""


def killed_at(step: str) -> Callable[[str], None]:
    def notify(line: str) -> None:
        if line.startswith(step) and "validation" not in line:
            raise KilledError

    return notify


def interrupted(tmp_path: Path, **changes: Any) -> tuple[Any, Path]:
    """Returns a job stopped at its fortieth step of sixty, and its state of the thirtieth."""
    job = make_job("encoder", tmp_path / "cut", steps=60, **changes)
    with pytest.raises(KilledError):
        fit(job, killed_at("step 40/60"))
    state = next(tmp_path.glob(".cut.fitting-*"))
    assert json.loads((state / "current" / STATE_FILE).read_text())["step"] == 30
    return job, state


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_kill_while_the_states_are_swapped_goes_on_from_the_new_one(tmp_path: Path) -> None:
    whole = make_job("encoder", tmp_path / "whole", steps=60)
    fit(whole, lambda _: None)
    job, state = interrupted(tmp_path)
    (state / "current").rename(state / "new")  # the old one is aside already
    lines: list[str] = []
    fit(job, lines.append)
    assert lines[0].startswith("resumed at step 30 of ") and weights(job.output) == weights(whole.output)


def test_a_kill_before_the_state_was_whole_goes_on_from_the_old_one(tmp_path: Path) -> None:
    job, state = interrupted(tmp_path)
    (state / "new").mkdir()
    (state / "new" / "pytorch_model.bin").write_bytes(b"half of")
    lines: list[str] = []
    fit(job, lines.append)
    assert lines[0].startswith("resumed at step 30 of ")


def test_a_state_that_cannot_be_read_says_what_to_delete(tmp_path: Path) -> None:
    job, state = interrupted(tmp_path)
    for path in (state / "current").glob("*model*"):
        path.write_bytes(b"PK half of")
    with pytest.raises(FitError, match=r"tiny-encoder.*cannot be read.*delete '.*fitting.*' to train from the start"):
        fit(job, lambda _: None)


def test_another_number_of_processes_would_see_other_batches_and_is_refused(tmp_path: Path) -> None:
    job, state = interrupted(tmp_path)
    place = state / "current" / STATE_FILE
    place.write_text(json.dumps(json.loads(place.read_text()) | {"processes": 2}))
    with pytest.raises(FitError, match="ran in 2 processes, and this one has 1"):
        fit(job, lambda _: None)


def test_the_best_weights_are_those_of_the_state(tmp_path: Path) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    net = accelerator.prepare(nn.Linear(2, 2))
    state = State(tmp_path, accelerator)
    state.keep(state.best, net)
    before = torch.load(state.best, weights_only=True)["weight"].clone()
    state.save(Progress(step=5, best_loss=1.0))
    with torch.no_grad():
        net.weight.add_(1.0)
    state.keep(state.best, net)  # of a step after the state, which may come out otherwise
    found = state.load()
    assert found is not None and found.step == 5
    assert torch.equal(torch.load(state.best, weights_only=True)["weight"], before)
