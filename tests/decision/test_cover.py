"""The cheapest set of models for all tasks: by hand-made runs with known answers, and against every set there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from bench.decision import Decision, Question, decide
from bench.decision.constraints import check_all
from bench.decision.cover import MOST_EXACT, Scale, find_cover
from bench.decision.judgement import judge
from bench.suite import DecisionSpec
from bench.suite.limits import parse_limit
from bench.summary import summarise
from bench.words.cover import sentences
from bench.words.documents import decision_document
from tests.decision.boards import make_board
from tests.factories import Sketch, Task, make_run

OBJECTIVES = ("quality", "latency_p95_s", "peak_memory_bytes")
RULE = DecisionSpec(replicates=300)
TASKS = (Task("topic"), Task("mood"), Task("title", "summarisation"))


def _run(models: list[Sketch], objectives: tuple[str, ...] = OBJECTIVES, **question) -> Decision:  # type: ignore[no-untyped-def]
    records = make_run(models, list(TASKS), examples=200, requests=60)
    limits = tuple(parse_limit(*limit) for limit in question.get("limits", ()))
    return decide(summarise(records), Question(objectives, limits, question.get("rule", RULE)))


def _unsupported(decision_models: list[Sketch], able: dict[str, tuple[str, ...]]) -> Decision:
    """Decide on a run in which each model does the tasks of `able` alone."""
    records = [
        record
        if record.cell.task in able[record.cell.model]
        else replace(record, status="unsupported", reason="it is not for it", samples=(), timings=(), facts=())
        for record in make_run(decision_models, list(TASKS), examples=200, requests=60)
    ]
    return decide(summarise(records), Question(OBJECTIVES, (), RULE))


def test_models_that_do_a_part_of_the_tasks_are_a_set_where_no_single_one_does_all() -> None:
    models = [Sketch("reader", 0.9, memory_bytes=300e6), Sketch("writer", 0.9, memory_bytes=500e6)]
    decision = _unsupported(models, {"reader": ("topic", "mood"), "writer": ("title",)})
    assert decision.across is not None and decision.across.pick is None
    cover = decision.cover
    assert cover is not None and cover.scale is Scale.MEMORY and cover.single is None and cover.uncovered == ()
    assert cover.cheapest.serves == {"topic": "reader", "mood": "reader", "title": "writer"}
    assert cover.cheapest.cost == pytest.approx(800e6)
    document = decision_document(decision)["cover"]
    assert isinstance(document, dict) and document["cheapest"]["serves"] == dict(cover.cheapest.serves)
    assert len(document["sentences"]) <= 4


def test_a_model_of_a_set_takes_the_memory_of_the_tasks_that_it_serves() -> None:
    columns = ("accuracy", "peak_rss_bytes")
    read = {"x": [[0.9, 300], [0.89, 50]], "y": [[0.89, 900], [0.9, 60]]}
    boards = [make_board(values, columns, (0.02, 0.0), task=task) for task, values in read.items()]
    cover = find_cover([judge(board, check_all(board, ()), Question(columns, rule=RULE)) for board in boards])
    assert cover is not None and cover.best.serves == {"x": "a", "y": "b"}
    assert cover.best.cost == 360, "a covers y with 900 bytes, but b serves it"


def test_the_cheapest_set_is_no_dearer_than_the_best_of_each_task() -> None:
    columns = ("accuracy", "peak_rss_bytes")
    read = {"x": [[0.9, 100], [0.3, 50]], "y": [[0.89, 300], [0.9, 50]]}
    boards = [make_board(values, columns, (0.02, 0.0), task=task) for task, values in read.items()]
    cover = find_cover([judge(board, check_all(board, ()), Question(columns, rule=RULE)) for board in boards])
    assert cover is not None and cover.single is not None and cover.single.cost == 300
    assert cover.cheapest == cover.best and cover.best.cost == 150


def test_what_a_set_gives_up_against_the_best_of_each_task_is_told() -> None:
    columns = ("accuracy", "peak_rss_bytes")
    read = {"x": [[0.9, 100], [0.89, 100]], "y": [[0.88, 100], [0.9, 100]]}
    boards = [make_board(values, columns, (0.02, 0.0), task=task) for task, values in read.items()]
    cover = find_cover([judge(board, check_all(board, ()), Question(columns, rule=RULE)) for board in boards])
    assert cover is not None and cover.best.serves == {"x": "a", "y": "b"}
    [behind] = cover.behind
    [model] = cover.cheapest.models
    assert (model, behind.task, behind.best) in {("a", "y", "b"), ("b", "x", "a")}
    assert behind.behind == pytest.approx({"y": 0.02, "x": 0.01}[behind.task])
    assert any(f"on '{behind.task}' as measured" in sentence for sentence in sentences(cover))


def test_one_model_as_good_as_the_specialists_is_cheaper_than_all_of_them() -> None:
    models = [
        Sketch("a", 0.9, memory_bytes=300e6),
        Sketch("b", 0.9, memory_bytes=310e6),
        Sketch("both", 0.9, memory_bytes=400e6),
    ]
    decision = _unsupported(models, {"a": ("topic",), "b": ("mood",), "both": ("topic", "mood", "title")})
    cover = decision.cover
    assert cover is not None and set(cover.cheapest.models) == {"both"} and cover.cheapest == cover.single


def test_a_model_that_is_shown_to_be_worse_covers_nothing_and_neither_does_a_baseline() -> None:
    question = Question(("accuracy", "peak_rss_bytes"), rule=RULE)

    def chosen(second: float, *, is_baseline: bool = False) -> set[str]:
        parts = []
        for task in "xy":
            board = make_board([[0.9, 900], [second, 50]], ("accuracy", "peak_rss_bytes"), (0.02, 0.0), task=task)
            board = replace(board, baselines=(False, is_baseline))
            parts.append(judge(board, check_all(board, ()), question))
        cover = find_cover(parts)
        assert cover is not None
        return set(cover.cheapest.models)

    assert chosen(0.5) == {"a"} and chosen(0.89) == {"b"}
    assert chosen(0.89, is_baseline=True) == {"a"}
    assert chosen(0.95, is_baseline=True) == {"b"}, "where it leads, it may be shipped"


def test_a_leader_that_is_ahead_by_luck_shows_nobody_to_be_worse() -> None:
    columns = ("accuracy", "peak_rss_bytes")
    close = [[0.81, 900], [0.78, 50], [0.79, 950], [0.785, 950], [0.78, 950], [0.77, 950]]
    board = make_board(close, columns, (0.02, 0.0), replicates=4000)
    behind = board.draws[:, 0, 0] - board.draws[:, 1, 0]
    assert (behind > 0).mean() > RULE.confidence, "plain resamples repeat the luck"
    cover = find_cover([judge(board, check_all(board, ()), Question(columns, rule=RULE))])
    assert cover is not None and cover.cheapest.serves == {"topic": "b"}


def test_a_limit_that_nobody_meets_leaves_a_task_uncovered() -> None:
    decision = _run([Sketch("a", 0.9, latency_s=0.01)], limits=(("latency_p95_s", "<= 1 ms"),))
    assert decision.cover is None
    free = _run([Sketch("a", 0.9)], limits=(("rougeL", ">= 0.999"),))
    assert free.cover is not None and free.cover.uncovered == ("title",) and free.cover.single is None
    assert set(free.cover.cheapest.serves) == {"topic", "mood"}


def test_without_memory_times_are_added_up_by_task_and_without_any_cost_models_are_counted() -> None:
    models = [Sketch("quick", 0.9, latency_s=0.002), Sketch("slow", 0.9, latency_s=0.05)]
    timed = _run(models, ("quality", "latency_p95_s")).cover
    assert timed is not None and timed.scale is Scale.TASKS and set(timed.cheapest.serves.values()) == {"quick"}
    assert timed.column is not None and timed.column.name == "latency_p95_s"
    counted = _run(models, ("quality", "throughput_examples_per_s")).cover
    assert counted is not None and counted.scale is Scale.COUNT and counted.cheapest.cost == 1


@pytest.mark.parametrize("seed", range(12))
def test_no_set_is_cheaper(seed: int) -> None:
    """Boards of random models, each with a random part of the tasks; every set is tried."""
    rng = np.random.default_rng(seed)
    question = Question(("accuracy", "peak_rss_bytes"), rule=RULE)
    costs = rng.integers(1, 50, size=6).astype(float)
    parts = []
    for task in "vwxyz":
        does = rng.uniform(size=6) < 0.5
        does[rng.integers(6)] = True
        table = [[0.9 if able else 0.1, cost] for able, cost in zip(does, costs, strict=True)]
        board = make_board(table, ("accuracy", "peak_rss_bytes"), task=task)
        parts.append(judge(board, check_all(board, ()), question))
    cover = find_cover(parts)
    assert cover is not None and cover.exact
    names = parts[0].board.names
    able = {part.task: {n for n, row in zip(names, part.board.values, strict=True) if row[0] > 0.5} for part in parts}
    whole = [
        sum(costs[names.index(name)] for name in group)
        for size in range(1, 7)
        for group in combinations(names, size)
        if all(able[task] & set(group) for task in able)
    ]
    assert cover.cheapest.cost == pytest.approx(min(whole))
    assert all(model in able[task] for task, model in cover.cheapest.serves.items())


def test_with_many_tasks_models_are_added_one_by_one_and_the_answer_says_so() -> None:
    question = Question(("accuracy", "peak_rss_bytes"), rule=RULE)
    boards = [
        make_board([[0.9, 10], [0.9 if n % 2 else 0.1, 3]], ("accuracy", "peak_rss_bytes"), task=f"t{n}")
        for n in range(MOST_EXACT + 1)
    ]
    cover = find_cover([judge(board, check_all(board, ()), question) for board in boards])
    assert cover is not None and not cover.exact and len(cover.cheapest.serves) == MOST_EXACT + 1
