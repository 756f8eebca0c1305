"""Whoever opens an executor closes it, also where a run does not begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

import bench
from bench.cli import bench as command
from bench.errors import EnvironmentLackError
from bench.record import Cell
from bench.running.executors import Chosen
from bench.running.executors.base import Answer, Call, Executor
from bench.running.fits import run_fits
from tests.fit.jobs import make_job

SUITE = """\
name: s
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: t, kind: classification, data: {builtin: waybills, columns: {label: status}}}]
measure: "off"
"""


class Refuses(Executor):
    """Has machines that lack something."""

    closed = False

    def check(self, plan: Sequence[Cell]) -> None:
        """Refuse."""
        raise EnvironmentLackError("the machines lack something")

    def attempt(self, call: Call) -> Answer:
        """Be called, which is a mistake."""
        raise AssertionError(call)

    def close(self) -> None:
        """Note it."""
        super().close()
        self.closed = True


def by_command(word: str) -> Callable[[Path], None]:
    def start(folder: Path) -> None:
        words = [word, str(folder / "suite.yaml"), "--results", str(folder / "results")]
        raised = CliRunner().invoke(command, words).exception
        assert raised is not None
        raise raised

    return start


def by_function(folder: Path) -> None:
    bench.run(bench.plan(folder / "suite.yaml", results=folder / "results"), results=folder / "results", quiet=True)


@pytest.mark.parametrize("start", [by_command("run"), by_command("nightly"), by_function])
def test_an_executor_is_closed_where_a_run_does_not_begin(
    start: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE)
    executor = Refuses()
    monkeypatch.setattr(Chosen, "open", lambda *_, **__: executor)
    with pytest.raises(EnvironmentLackError, match="the machines lack something"):
        start(tmp_path)
    assert executor.closed


class Trains(Refuses):
    """Trains at once."""

    def attempt(self, call: Call) -> Answer:
        """Say what was made."""
        return Answer({"made": True})


def test_trainings_leave_no_process_to_the_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a call went well its process may still be ending; the cells have an executor of their own."""
    executor = Trains()
    monkeypatch.setattr("bench.running.fits.LocalExecutor", lambda **_: executor)
    done = run_fits([make_job("encoder", tmp_path / "out")], tmp_path, lambda _: None)
    assert (len(done.made), executor.closed) == (1, True)
