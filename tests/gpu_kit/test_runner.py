"""The kit's order of steps: whatever becomes of one, the others run, and what was found is on the disk."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.gpu.kit.rows import FILE, Ledger, read_rows
from benchmarks.gpu.kit.runner import CLOSING_S, Ended, Log, Step, each_for, launched, run_steps

WRITE = """
import sys
from pathlib import Path
from benchmarks.gpu.kit.rows import Ledger
ledger = Ledger(Path(sys.argv[1]), sys.argv[2])
ledger.hold("ratio", 1.0, at_least=0.98, at_most=1.02)
"""
BODIES = {
    "good": WRITE,
    "broken": WRITE + "print('on the way'); raise RuntimeError('no such thing')",
    "endless": WRITE + "import time; time.sleep(600)",
    "crashed": WRITE + "import os; os.abort()",
}


def steps(*names: str, budget_s: float = 60.0) -> list[Step]:
    return [Step(name, name.title(), budget_s) for name in names]


def command(folder: Path) -> Callable[[Step, float], list[str]]:
    def made(step: Step, seconds: float) -> list[str]:
        return [sys.executable, "-c", BODIES[step.name], str(folder / FILE), step.name]

    return made


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Path]:
    """Four real processes, of which one is good."""
    folder = tmp_path_factory.mktemp("kit")
    log = Log(folder, {"device": "cpu"})
    chosen = [
        Step("endless", "Endless", 5.0) if name == "endless" else step
        for name, step in ((s.name, s) for s in steps(*BODIES))
    ]
    run_steps(chosen, log, launched(command(folder), folder / "log.txt", tick_s=0.5))
    return log, folder


def test_every_ending_is_told_and_the_next_step_runs(played: tuple[Log, Path]) -> None:
    log, _ = played
    endings = {ended.step.name: ended.ending for ended in log.steps}
    assert endings == {"good": "done", "broken": "failed", "endless": "timeout", "crashed": "failed"}
    assert next(ended for ended in log.steps if ended.step.name == "broken").said == "RuntimeError: no such thing"
    assert not log.passed


def test_rows_of_steps_that_failed_are_kept(played: tuple[Log, Path]) -> None:
    log, _ = played
    assert {row.step for row in log.rows} == set(BODIES)


def test_json_markdown_and_page_hold_the_same(played: tuple[Log, Path]) -> None:
    log, folder = played
    document = json.loads((folder / "kit.json").read_text())
    assert document["passed"] is False
    assert len(document["rows"]) == len(log.rows) and len(document["steps"]) == len(BODIES)
    for name in ("kit.md", "kit.html"):
        text = (folder / name).read_text()
        assert all(step.title() in text for step in BODIES)
        assert "0.98 to 1.02" in text
    assert "no such thing" in (folder / "log.txt").read_text()


class Clock:
    """Time that a fake launch moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def launch(clock: Clock, took: float, given: list[float]) -> Callable[[Step, float, Callable[[], None]], Ended]:
    def run(step: Step, seconds: float, tick: Callable[[], None]) -> Ended:
        given.append(seconds)
        clock.now += min(took, seconds)
        return Ended(step, "done", took)

    return run


def test_a_step_gets_its_budget_or_what_is_left(tmp_path: Path) -> None:
    clock, given = Clock(), list[float]()
    log = run_steps(
        steps("a", "b", "c", "d", budget_s=40.0),
        Log(tmp_path, {}),
        launch(clock, 40.0, given),
        limit_s=90.0 + CLOSING_S,
        clock=clock,
    )
    assert given == [40.0, 40.0, 10.0]
    assert [ended.ending for ended in log.steps] == ["done", "done", "done", "not reached"]
    assert not log.passed


def test_time_of_the_set_up_counts(tmp_path: Path) -> None:
    clock, given = Clock(), list[float]()
    run_steps(
        steps("a", budget_s=500.0),
        Log(tmp_path, {}),
        launch(clock, 1.0, given),
        limit_s=60.0 + CLOSING_S,
        clock=clock,
        since=90.0,
    )
    assert given == [50.0]


def test_a_broken_promise_is_no_pass(tmp_path: Path) -> None:
    log = Log(tmp_path, {})
    log.steps.append(Ended(steps("a")[0], "done"))
    ledger = Ledger(tmp_path / FILE, "a")
    ledger.skip("later", "no GPU")
    ledger.tell("name", "H100")
    assert log.passed
    ledger.hold("share", 1.2, at_most=1.0)
    assert not log.passed


def test_a_row_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / FILE
    Ledger(path, "a").hold("ratio", float("nan"), at_most=1.0)
    path.write_text(path.read_text() + '{"step": "a", "na')
    rows = read_rows(path)
    assert [(row.verdict, row.value) for row in rows] == [("FAIL", None)]


def test_a_dry_run_gives_all_steps_the_same_time() -> None:
    assert {step.budget_s for step in each_for(steps("a", "b"), 7.0)} == {7.0}
