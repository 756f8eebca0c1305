"""A candidate that a doubt bars is shown, and is never picked; the decision says why in every form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.decision import Decision, Outcome, Question, decide
from bench.decision.board import Absence
from bench.decision.case import Barred, Nobody
from bench.decision.constraints import best_row
from bench.doubts import DOUBTS, Evidence, barring, examined
from bench.doubts.answers_all_equal import AnswersAllEqual
from bench.doubts.truncated_inputs import TruncatedInputs
from bench.record import Sample
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise
from bench.words.decision import in_short
from bench.words.documents import decision_document
from tests.factories import Sketch, Task, make_run

EQUAL = AnswersAllEqual(answer="beta", rows=300).doubt()
CUT = TruncatedInputs(count=1, rows=300).doubt()
MODELS = [Sketch("best", 0.95, 0.010), Sketch("next", 0.80, 0.010)]


def decided(barred: Sequence[str], tasks: Sequence[str] = ("topic",), limit: str = "") -> Decision:
    """The decision on a run in which a doubt bars some candidates on the first task."""
    entries = [
        replace(entry, doubts=(CUT, EQUAL))
        if entry.candidate in barred and entry.cell.task == tasks[0]
        else replace(entry, doubts=(CUT,))
        for entry in summarise(make_run(MODELS, [Task(task) for task in tasks], examples=300, requests=60))
    ]
    limits = (parse_limit("quality", limit),) if limit else ()
    return decide(entries, Question(("quality", "latency_p95_s"), limits, DecisionSpec(replicates=200)))


def test_the_next_best_is_picked_and_the_reason_is_said_everywhere() -> None:
    assert decided(()).pick == "best"
    decision = decided(["best"])
    part = decision.tasks["topic"]
    assert decision.pick == "next" and part.recommendation.outcome is Outcome.ALONE
    row = part.board.names.index("best")
    missing = part.board.missing(row)
    assert missing is not None and (missing.kind, missing.doubt) == (Absence.BARRED, "answers_all_equal")
    assert part.board.values[row, 0] > 0.9  # it is on display
    assert [caution for caution in part.recommendation.cautions if isinstance(caution, Barred)] == [
        Barred("best", missing)
    ]
    assert any("best" in line and EQUAL.message in line for line in in_short(part))
    document = decision_document(decision)["tasks"]
    assert isinstance(document, dict)
    advice = document["topic"]["recommendation"]
    assert advice["barred"] == {"best": "answers_all_equal"} and EQUAL.message in advice["excluded"]["best"]


def test_the_best_that_others_are_measured_by_is_one_that_can_be_judged() -> None:
    decision = decided(["best"], limit=">= 99 % of best")
    board = decision.tasks["topic"].board
    assert best_row(board, 0) == board.names.index("next") and decision.pick == "next"


def test_nobody_is_left_where_all_are_barred() -> None:
    advice = decided(["best", "next"]).tasks["topic"].recommendation
    assert (advice.pick, advice.nobody) == (None, Nobody.BARRED)
    assert [caution.name for caution in advice.cautions if isinstance(caution, Barred)] == ["best", "next"]
    assert any(EQUAL.message in line for line in in_short(decided(["best", "next"]).tasks["topic"]))


def test_who_is_barred_on_one_task_is_not_shipped_for_all() -> None:
    decision = decided(["best"], ("topic", "other"))
    assert decision.tasks["other"].pick == "best" and decision.pick == "next"
    assert decision.across is not None
    (caution,) = [item for item in decision.across.recommendation.cautions if isinstance(item, Barred)]
    assert (caution.name, caution.missing.task) == ("best", "topic")


def test_the_class_declares_it() -> None:
    assert barring([CUT]) is None and barring([CUT, EQUAL]) is EQUAL
    assert {code for code, kind in DOUBTS.items() if kind.bars} == {"answers_all_equal", "scores_all_equal"}
    assert barring([replace(EQUAL, code="of a plug-in that is gone")]) is None


@pytest.mark.parametrize(
    ("references", "scores", "code"),
    [
        ("h" * 9 + "s", None, "equal_by_chance"),
        ("h" * 46 + "s" * 4, None, "equal_by_chance"),
        ("h" * 45 + "s" * 5, None, "answers_all_equal"),
        ("s" * 10, None, None),  # wrong, and nothing to tell apart
        ("h" * 8 + "s", (0.0,), "equal_by_chance"),
        ("h" * 5 + "s" * 4, (0.0,), "equal_by_chance"),
        ("h" * 5 + "s" * 5, (0.0,), "scores_all_equal"),
    ],
)
def test_only_what_is_no_chance_bars(references: str, scores: tuple[float, ...] | None, code: str | None) -> None:
    samples = [
        Sample(place, str(place), right, "h", scores=(0.0, -float(place)) if scores is None else scores)
        for place, right in enumerate(references)
    ]
    notes = {"admission": {}, "inputs": {str(place): str(place) for place in range(len(samples))}}
    codes = {doubt.code for doubt in examined("scored", Evidence(samples=samples, notes=notes))}
    assert codes & {"answers_all_equal", "scores_all_equal", "equal_by_chance"} - ({code} if code else set()) <= (
        {"answers_all_equal"} if code == "scores_all_equal" else set()
    )
    assert code is None or code in codes


def test_likelihoods_of_texts_are_never_equal_by_chance() -> None:
    samples = [Sample(place, str(place), "h", None, nll=2.0) for place in range(4)]
    notes = {"admission": {}, "inputs": {str(place): str(place) for place in range(4)}}
    codes = {doubt.code for doubt in examined("scored", Evidence(samples=samples, notes=notes))}
    assert "scores_all_equal" in codes and "equal_by_chance" not in codes
