"""Several trainings in one call: one that fails stops no other, and a wrong place stops all before they begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import FitError, InputError
from bench.running.executors.inline import InlineExecutor
from bench.running.fits import run_fits
from tests.fit.jobs import make_job


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.running.fits.LocalExecutor", lambda **_: InlineExecutor())


def named(name: str, output: Path, **changes: Any) -> Any:
    job = make_job("encoder", output, **({"steps": 4, "warmup_steps": 0} | changes))
    return replace(job, model=job.model.model_copy(update={"name": name}))


def test_one_that_diverges_does_not_stop_the_others(tmp_path: Path) -> None:
    jobs = [named("wild", tmp_path / "wild", learning_rate=1e30, clip_norm=1e30), named("calm", tmp_path / "calm")]
    lines: list[str] = []
    done = run_fits(jobs, tmp_path, lines.append)
    assert [made["model"] for made in done.made] == ["calm"] and (tmp_path / "calm" / "model.safetensors").is_file()
    assert list(done.failed) == ["wild"] and isinstance(done.failed["wild"], FitError)
    said = next(line for line in lines if "failed" in line)
    assert said.startswith("[1/2] wild: failed: model 'wild': the loss is nan at step 2")
    assert "learning_rate" in said
    assert "(log: " in said


def test_a_wrong_place_is_told_before_the_first_training(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").write_text("x")
    lines: list[str] = []
    with pytest.raises(InputError, match=r"model 'second'.*holds x"):
        run_fits([named("first", tmp_path / "first"), named("second", tmp_path / "taken")], tmp_path, lines.append)
    assert not lines and not (tmp_path / "first").exists()
