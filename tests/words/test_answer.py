"""The answer in short: how long its lines may be, and which facts stand in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decision import Decision, Question, decide
from bench.doubts import DOUBTS
from bench.record import Doubt
from bench.report.advice import advice_of
from bench.report.answer import FOLDED, answer_data
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise
from bench.words import recommendation
from bench.words.decision import answers
from bench.words.documents import decision_document
from bench.words.recommendation import Topic
from bench.words.wording import NEARLY_NEVER, chance, spoken, trade
from tests.decision.boards import make_board
from tests.factories import Sketch, Task, make_run
from tests.report.runs import quickstart

LINE = 300
"""Characters of a line that a reader takes in at once; there were paragraphs of 400."""
MODELS = [
    Sketch("big", 0.95, 0.040, memory_bytes=900e6, energy_j=2.0, energy_source="estimate"),
    Sketch("mid", 0.85, 0.012, energy_j=0.6, energy_source="estimate"),
    Sketch("small", 0.70, 0.004, memory_bytes=90e6, energy_j=0.2, energy_source="estimate"),
]
OBJECTIVES = ("quality", "latency_p95_s", "peak_memory_bytes", "energy_per_example_j")
DOUBTS_SEEN = tuple(Doubt(code, "seen", "do", ("latency",)) for code in ("high_variation", "outliers", "drift"))


@pytest.fixture(scope="module")
def decision() -> Decision:
    """Two tasks, four objectives, an open limit, and doubts about the latencies of every model."""
    entries = summarise(make_run(MODELS, [Task("topic"), Task("tone")], examples=200, requests=120))
    question = Question(OBJECTIVES, (parse_limit("latency_p95_s", "<= 17 ms"),), DecisionSpec(replicates=300))
    return decide([replace(entry, doubts=DOUBTS_SEEN) for entry in entries], question)


def test_no_line_of_the_answer_is_a_paragraph(decision):
    blocks = answers(decision)
    assert {"topic", "tone"} < set(blocks) and all(len(lines) <= 4 for lines in blocks.values())
    assert max(len(line) for lines in blocks.values() for line in lines) <= LINE


def test_the_risk_names_what_is_in_doubt_and_the_rest_says_what_to_do(decision):
    part = decision.tasks["topic"]
    lines = recommendation.sentences(part)
    told = next(str(line) for line in lines if line.topic is Topic.RISK).split("in doubt")[1]
    limits = str(recommendation.risk(part)).split("in doubt")[0]
    assert part.recommendation.tightest is not None and "p95 latency <= 17 ms" in limits and "to spare" in limits
    assert spoken("latency_p95_s") in told and spoken("energy_per_example_j") not in told and "drift" in told
    remedies = " ".join(line.text for line in lines if line.topic is Topic.DOUBT)
    assert all(DOUBTS[doubt.code].advice in remedies for doubt in DOUBTS_SEEN)
    tasks = decision_document(decision)["tasks"]
    assert isinstance(tasks, dict)
    advice = tasks["topic"]["recommendation"]
    assert set(advice["in_doubt"]) == set(advice["doubts"]) == {"high_variation", "outliers", "drift"}


def test_an_estimate_is_called_one_on_every_board(decision):
    assert decision.across is not None
    for part in (decision.across, decision.tasks["tone"]):
        assert recommendation.headline(part).count("estimate") == 1


def test_the_risk_names_the_rivals_with_the_chances_of_the_draws(decision):
    for part in (decision.across, *decision.tasks.values()):
        assert part is not None
        advice, told = part.recommendation, str(recommendation.risk(part))
        rivals = [name for name, share in advice.shares.items() if name != advice.leader and share >= NEARLY_NEVER]
        assert rivals and all(f"{name} " in told for name in rivals[: recommendation.NAMED])
        assert chance(advice.shares[rivals[0]]) in told


def test_chances_of_many_small_rivals_are_not_lost(decision):
    part = decision.tasks["tone"]
    advice = part.recommendation
    shares = {advice.leader: 0.8, "b": 0.02} | dict.fromkeys("cdefghij", 0.009)
    many = replace(advice, shares=shares, risk=replace(advice.risk, best=0.8))
    told = str(recommendation.risk(replace(part, recommendation=many)))
    assert "20 %" in told and "b 2 %" in told and "others the rest" in told


def test_draws_never_show_certainty():
    board = make_board([[0.95, 0.01], [0.40, 0.02]], noise=(0.001, 0.0))
    assert trade(board, 1, 0).startswith("worse in all") and " but " in trade(
        make_board([[0.9, 0.2], [0.8, 0.1]]), 1, 0
    )
    apart = [MODELS[0], Sketch("poor", 0.3)]
    part = decide(summarise(make_run(apart, [Task("topic")], examples=200)), Question(OBJECTIVES[:1])).tasks["topic"]
    assert part.recommendation.risk is not None and part.recommendation.risk.best == 1.0
    assert "100 %" not in str(recommendation.risk(part))


def test_a_card_folds_what_its_numbers_say():
    view = quickstart()
    advice = advice_of(view.decision)
    picked = [card for card in answer_data(view, advice).cards if card.picked]
    assert picked
    for card in picked:
        folded = [str(line) for line in advice[card.task].sentences if line.topic in FOLDED]
        assert folded and set(folded) <= set(card.more) and len(card.sentences) <= 4
        assert not any(line in folded for _, line in card.sentences)
