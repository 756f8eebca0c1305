"""A run of an older bench has no model memory: candidates are compared by the peak of the process, and that is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.decision import Decision, Question, decide
from bench.decision.remarks import StoodIn
from bench.record import Fact, Record
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise
from bench.words.decision import replaced
from tests.factories import Sketch, make_run

MODELS = [Sketch("big", 0.95, memory_bytes=900e6), Sketch("small", 0.7, memory_bytes=400e6)]
ASKED = ("quality", "latency_p50_s", "memory")
OWN = {"big": 600e6, "small": 100e6}


def _decide(*with_reading: str, limit: str | None = None, **rule: object) -> Decision:
    records = [_with_reading(r) if r.cell.model in with_reading else r for r in make_run(MODELS, ["topic"])]
    limits = () if limit is None else (parse_limit("model_memory_bytes", limit),)
    return decide(summarise(records), Question(ASKED, limits, DecisionSpec(replicates=200, **rule)))  # type: ignore[arg-type]


def _with_reading(record: Record) -> Record:
    fact = Fact("model_memory_bytes", OWN[record.cell.model], "bytes", "here", process=record.process)
    return replace(record, facts=(*record.facts, fact))


@pytest.mark.parametrize("with_reading", [(), ("big",)])
def test_an_objective_that_some_lack_falls_back_for_all(with_reading: tuple[str, ...]) -> None:
    decision = _decide(*with_reading)
    board = decision.tasks["topic"].board
    assert [column.name for column in board.columns][:3] == ["accuracy", "latency_p50_s", "peak_rss_bytes"]
    stood_in = StoodIn("model_memory_bytes", "peak_rss_bytes")
    assert decision.stood_in == (stood_in,) and stood_in in decision.tasks["topic"].remarks
    assert len(replaced(decision)) == 1


def test_a_run_that_has_it_is_decided_by_it() -> None:
    decision = _decide("big", "small")
    assert [column.name for column in decision.tasks["topic"].board.columns][2] == "model_memory_bytes"
    assert decision.stood_in == () and replaced(decision) == []


def test_what_the_rule_names_falls_back_too() -> None:
    rule = _decide(prefer="model_memory_bytes", margins={"model_memory_bytes": "2 %"}).question.rule
    assert rule.prefer == "peak_memory_bytes" and rule.margins == {"peak_memory_bytes": "2 %"}


@pytest.mark.parametrize("spelling", ["memory", "model_memory_bytes"])
def test_what_the_rule_names_falls_back_under_any_spelling(spelling: str) -> None:
    rule = _decide(margins={spelling: "2 %"}, reference={spelling: "1 GB"}).question.rule
    assert list(rule.margins) == list(rule.reference) == ["peak_memory_bytes"]


def test_a_limit_does_not_fall_back() -> None:
    """500 MB would be met by the peak of `small`, but what that is of is not what the limit names."""
    old, new = _decide(limit="<= 500 MB"), _decide("big", "small", limit="<= 500 MB")
    states = [
        {standing.name: [check.state for check in standing.checks] for standing in d.tasks["topic"].standings}
        for d in (old, new)
    ]
    assert states[0] == {"big": ["open"], "small": ["open"]}
    assert states[1] == {"big": ["outside"], "small": ["inside"]}


@pytest.mark.parametrize("limit", ["memory", "model_memory_bytes"])
@pytest.mark.parametrize("objective", ["memory", "model_memory_bytes"])
def test_a_limit_is_judged_by_whichever_name_it_has(objective: str, limit: str) -> None:
    """Else a limit under another name than the objective's would be passed over."""
    records = [_with_reading(record) for record in make_run(MODELS, ["topic"])]
    asked = Question(("quality", objective), (parse_limit(limit, "<= 500 MB"),), DecisionSpec(replicates=200))
    task = decide(summarise(records), asked).tasks["topic"]
    assert {s.name: [check.state for check in s.checks] for s in task.standings} == {
        "big": ["outside"],
        "small": ["inside"],
    }
