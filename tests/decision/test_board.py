from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.decision.board import Absence, Board, Column, Doubted, Missing
from bench.decision.build import build
from bench.decision.question import Question
from bench.record import Doubt
from bench.stats.paired import mid_p_worse
from bench.suite import DecisionSpec
from bench.summary import summarise
from tests.factories import Sketch, Task, make_run

Floats = NDArray[np.float64]
RULE = DecisionSpec(replicates=200)


def _board(models, objectives, task=Task("topic"), **rule) -> Board:  # type: ignore[no-untyped-def]  # noqa: B008
    question = Question(objectives, rule=RULE.model_copy(update=rule))
    return build(task.name, summarise(make_run(models, [task], examples=80, requests=100)), question)


def test_names_are_resolved_and_not_doubled() -> None:
    board = _board(["a", "b"], ("quality", "accuracy", "peak_memory_bytes", "peak_rss_bytes", "latency_p95_s"))
    assert [c.name for c in board.columns] == ["accuracy", "peak_rss_bytes", "latency_p95_s"]
    assert board.column("quality") == board.column("accuracy") == 0 and board.column("bleu") is None
    assert board.draws.shape == (200, 2, 3) and board.objectives == 3


def test_rules_bring_columns_that_are_no_objectives() -> None:
    board = _board(["a"], ("quality", "latency_p95_s"), prefer="macro_f1", rates={"load_s": "1 s per 0.01"})
    assert [c.name for c in board.columns[board.objectives :]] == ["macro_f1", "load_s"]


def test_larger_is_better_once_oriented() -> None:
    board = _board(["a"], ("quality", "latency_p95_s"))
    np.testing.assert_allclose(board.oriented[0], [board.values[0, 0], -board.values[0, 1]])
    np.testing.assert_allclose(board.oriented_draws[:, 0, 1], -board.draws[:, 0, 1])


def test_a_failed_cell_has_no_values_and_says_why() -> None:
    board = _board(["a", Sketch("b", status="timeout", reason="over 60 s")], ("quality", "latency_p95_s"))
    assert np.isnan(board.values[1]).all() and np.isnan(board.draws[:, 1]).all()
    assert board.missing(1) == Missing(Absence.ENDED, status="timeout", reason="over 60 s") and board.missing(0) is None


def _p_better(board: Board, column: int) -> Floats:
    m = len(board.names)
    return board.tests[column].p_values(range(m), np.zeros((m, m)), np.ones((m, m)))[0]


def test_proportions_bring_paired_tests_unless_grouped() -> None:
    board = _board([Sketch("a", 0.9), Sketch("b", 0.6)], ("accuracy", "macro_f1"))
    entries = summarise(make_run([Sketch("a", 0.9), Sketch("b", 0.6)], examples=80, requests=100))
    right = [np.array([s.prediction == s.reference for s in e.samples]) for e in entries]
    expected = mid_p_worse(int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    assert set(board.tests) == {0} and _p_better(board, 0)[0, 1] == pytest.approx(expected)
    assert _board(["a", "b"], ("accuracy", "macro_f1"), Task("topic", groups=8)).tests == {}


def test_margins() -> None:
    board = _board(["a"], ("quality", "latency_p95_s"), margins={"accuracy": 0.01, "latency_p95_s": "2 %"})
    assert board.columns[0].margin_at(0.8) == pytest.approx(0.01)
    assert board.columns[1].margin_at(0.5) == pytest.approx(0.01)
    assert Column("x", "load_s", "s", False).margin_at(3.0) == 0.0


def test_only_the_same_examples_in_the_same_order_are_paired_exactly() -> None:
    one, two, three = summarise(make_run([Sketch("a"), Sketch("b"), Sketch("c")], ["topic"], examples=50))
    other = replace(three, samples=tuple(replace(s, example_id=f"z{s.index}") for s in three.samples))
    board = build("topic", [one, two, other], Question(("quality", "latency_p95_s"), rule=DecisionSpec(replicates=200)))
    exact = _p_better(board, 0)
    assert np.isfinite(exact[:2, :2]).all() and np.isnan(exact[:2, 2]).all() and np.isnan(exact[2, :2]).all()


def test_doubts_about_a_value_of_the_board_are_on_it() -> None:
    entries = summarise(make_run(["a", "b"], [Task("topic")], examples=40, requests=50))
    of = ("high_variation", ("latency",)), ("not_audited", ()), ("energy_estimated", ("energy",)), ("not_audited", ())
    doubts = tuple(Doubt(code, "seen", "do", readings) for code, readings in of)
    doubted = replace(entries[0], doubts=doubts)
    board = build("topic", [doubted, replace(entries[1], doubts=())], Question(("quality", "latency_p95_s"), rule=RULE))
    assert board.doubts_of("b") == () and board.doubts_of("a") == (
        Doubted("high_variation", ("latency_p95_s",)),
        Doubted("not_audited", ("accuracy", "latency_p95_s")),
    )
