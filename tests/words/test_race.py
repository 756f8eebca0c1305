"""What is said of a race: its promise where it holds, and what is left open where the time was up."""

from __future__ import annotations

import pytest

from bench.summary.raced import Ended, RaceOutcome, TaskOutcome
from bench.words.race import race_line


def outcome(ending: Ended | None, risk: float, until: str = "decided", **more: object) -> RaceOutcome:
    task = TaskOutcome(
        order="o", positions=(0, 1), ends=(1, 2), looks=(), ending=ending, pick="a", leader="a", risk=risk, **more
    )
    task = task.model_copy(update={"answered": {"a": 1, "b": 1}, "total": 2})
    race = RaceOutcome(version=1, guarantee="predictive", risk=0.05, margin=1.0, seed=1, tasks={"t": task})
    return race.model_copy(update={"until": until})


def test_a_race_that_was_decided_tells_its_promise_and_half_was_answered():
    line = race_line(outcome("decided", 0.01))
    assert "50 %" in line and "5 %" in line and "1 point" in line and "'t'" not in line


def test_a_race_until_the_front_promises_twice():
    plain, front = (race_line(outcome("decided", 0.01, until)) for until in ("decided", "front"))
    assert plain.count("at most 5 %") == 1 and front.count("at most 5 %") == 2


@pytest.mark.parametrize("ending", ["budget", None])
def test_a_race_that_was_cut_short_promises_nothing_and_tells_its_risk(ending):
    line = race_line(outcome(ending, 0.27))
    assert "at most" not in line and "27 % on 't'" in line


def test_a_rule_that_cannot_be_raced_is_told():
    line = race_line(outcome("data spent", 0.0, unraced="odd"))
    assert "at most" not in line and "cannot be raced on t" in line
