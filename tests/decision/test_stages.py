from __future__ import annotations

import numpy as np
import pytest

from bench.decision import stages
from bench.errors import InputError
from bench.suite import DecisionSpec
from tests.decision.boards import make_board

VALUES = [[0.90, 0.040], [0.895, 0.012], [0.80, 0.004]]


def _pick(spec: DecisionSpec, values=VALUES, rows=(0, 1, 2), **how):  # type: ignore[no-untyped-def]
    board = make_board(values, **how)
    found = stages.pick(stages.of_rule(board, spec), list(rows))
    return None if found is None else board.names[found]


def test_best_quality_and_its_tie_break() -> None:
    assert _pick(DecisionSpec()) == "a"
    assert _pick(DecisionSpec(), rows=(1, 2)) == "b"
    assert _pick(DecisionSpec(), [[0.9, 0.040], [0.9, 0.012]], rows=(0, 1)) == "b"
    assert _pick(DecisionSpec(), margins={"accuracy": 0.01}) == "b"
    assert _pick(DecisionSpec(prefer="latency_p95_s")) == "c"
    assert _pick(DecisionSpec(), rows=()) is None


def test_cheapest_within_epsilon() -> None:
    assert _pick(DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.01)) == "b"
    assert _pick(DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.001)) == "a"
    assert _pick(DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.2)) == "c"


def test_lexicographic() -> None:
    assert _pick(DecisionSpec(rule="lexicographic", order=["latency_p95_s", "accuracy"])) == "c"
    assert _pick(DecisionSpec(rule="lexicographic", order=["quality"])) == "a"
    with pytest.raises(InputError, match=r"decision\.order"):
        _pick(DecisionSpec(rule="lexicographic"))


def test_weighted_by_exchange_rates() -> None:
    # 28 ms faster is worth 0.014 at 20 ms per 0.01, and costs 0.005; the next 8 ms are worth 0.004 and cost
    # 0.095.
    assert _pick(DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"})) == "b"
    assert _pick(DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.001"})) == "a"
    assert _pick(DecisionSpec(rule="weighted", rates={"latency_p95_s": "0.5 ms per 0.01"})) == "c"
    with pytest.raises(InputError, match=r"decision\.rates"):
        _pick(DecisionSpec(rule="weighted"))


SPECS = (
    DecisionSpec(),
    DecisionSpec(rule="cheapest-within-epsilon", epsilon=0.02),
    DecisionSpec(rule="lexicographic", order=["latency_p95_s"]),
    DecisionSpec(rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"}),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.rule)
def test_each_replicate_is_picked_as_if_it_were_the_observation(spec: DecisionSpec) -> None:
    board = make_board([[0.8, 0.01], [0.81, 0.012], [0.79, 0.009], [0.80, 0.01]], noise=(0.01, 0.001), replicates=200)
    picked = stages.pick_each(stages.of_rule(board, spec), [0, 1, 3])
    for b in range(200):
        alone = make_board(board.draws[b].tolist())
        assert picked[b] == stages.pick(stages.of_rule(alone, spec), [0, 1, 3])


def test_parting_and_missing_scores() -> None:
    board = make_board([[0.9, 0.04], [0.9, 0.01], [0.9, 0.01], [0.9, np.nan]])
    rule = stages.of_rule(board, DecisionSpec())
    stage = stages.parting(rule, 1, 0)
    assert stage is not None and stage.name == "latency_p95_s"
    assert stages.parting(rule, 1, 2) is None
    assert stages.pickable(board, rule, [0, 3]) == [0]
