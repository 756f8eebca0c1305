"""A gallery of results whose sentences are kept as snapshots: between them every kind of sentence is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.catalogue.reasons import UNDEFINED_ON_RESAMPLES
from bench.compare.pairs import compare
from bench.compare.remarks import Apart
from bench.decision import Question, decide
from bench.decision.board import Board
from bench.decision.constraints import check_all
from bench.decision.decision import TaskDecision
from bench.decision.fronts import find, front_volume
from bench.decision.recommend import recommend
from bench.decision.sensitivity import explore
from bench.record import ASKED
from bench.suite import DecisionSpec, PriceSpec
from bench.suite.limits import parse_limit
from bench.summary import Entry, summarise
from bench.words import compare as compare_words
from bench.words import decision as words
from bench.words.limits import break_point
from bench.words.remarks import volume
from tests.decision.boards import make_board
from tests.factories import Sketch, Task, make_record, make_run

MODELS = [
    Sketch("big", 0.95, 0.040, memory_bytes=900e6, energy_j=2.0),
    Sketch("mid", 0.85, 0.012, energy_j=0.6),
    Sketch("small", 0.70, 0.004, memory_bytes=90e6, energy_j=0.2),
    Sketch("waste", 0.55, 0.045, memory_bytes=950e6, energy_j=2.5),
    Sketch("floor", 0.30, 0.001, memory_bytes=50e6, energy_j=0.1, family="baseline"),
]
TASKS = [Task("topic"), Task("en-de", "translation"), Task("lm", "language-modelling")]
OBJECTIVES = ("quality", "latency_p95_s", "peak_memory_bytes", "energy_per_example_j")
ESTIMATED = [replace(model, energy_source="estimate") for model in MODELS]
NAN = float("nan")

Limits = Sequence[tuple[str, str]]
Spec = dict[str, object]


def _run(
    models: Sequence[Sketch] = MODELS,
    tasks: Sequence[Task] = TASKS[:1],
    limits: Limits = (),
    objectives: Sequence[str] = OBJECTIVES,
    prices: PriceSpec | None = None,
    **spec: object,
) -> list[str]:
    """Returns all sentences of the decision on a made-up run."""
    rule = DecisionSpec.model_validate({"replicates": 300} | spec)
    question = Question(tuple(objectives), tuple(parse_limit(*limit) for limit in limits), rule, prices)
    return words.sentences(decide(summarise(make_run(list(models), list(tasks), examples=200, requests=120)), question))


def _part(board: Board, limits: Limits = (), **spec: object) -> TaskDecision:
    rule = DecisionSpec.model_validate({"replicates": 500} | spec)
    question = Question(("quality", "latency_p95_s"), tuple(parse_limit(*limit) for limit in limits), rule)
    front = find(board, check_all(board, question.limits))
    members = [row for row, standing in enumerate(front.standings) if standing.on_observed_front]
    return TaskDecision(
        board.task,
        question,
        board,
        front,
        recommend(board, front, question),
        explore(board, front, question),
        front_volume(board, members, rule.reference),
        (),
    )


def _board(board: Board, limits: Limits = (), **spec: object) -> list[str]:
    """Returns all sentences of the decision on one board."""
    part = _part(board, limits, **spec)
    points = [break_point(point) for point in part.sensitivity.break_points]
    return [*words.task_sentences(part), *points, volume(part.volume)]


LATENCY = ("latency_p95_s", "<= 50 ms")
JOULES = ("energy_per_example_j", "<= 1 J")


def _estimated_board(values: list[list[float]]) -> Board:
    board = make_board(values, ("accuracy", "energy_per_example_j"), noise=(0.002, 0.0))
    rows = []
    for accuracy, energy in board.quantities:
        assert energy is not None and energy.value is not None
        ends = {"ci_low": 0.5 * energy.value, "ci_high": 1.5 * energy.value}
        rows.append((accuracy, replace(energy, source="estimate", **ends)))
    return replace(board, quantities=tuple(rows))


def _missing_energy(objectives: int) -> Board:
    columns = ("accuracy", "latency_p95_s", "energy_per_example_j")
    return make_board([[0.95, 0.01, NAN], [0.85, 0.03, 1.0]], columns, objectives=objectives)


def _short_of_a_pick() -> Board:
    board = make_board([[0.9, 0.03], [0.8, 0.02]], noise=(0.001, 0.0), replicates=1000)
    draws = board.draws.copy()
    draws[:204, 0, 0] = 0.1
    return replace(board, draws=draws)


def _undefined() -> Board:
    board = make_board([[0.9, 0.1], [0.8, 0.1]])
    reason = UNDEFINED_ON_RESAMPLES
    rows = tuple((replace(row[0], ci_low=None, ci_high=None, reason=reason), row[1]) for row in board.quantities)
    draws = board.draws.copy()
    draws[:50, :, 0] = NAN
    return replace(board, quantities=rows, draws=draws)


def _set_apart() -> Board:
    columns = ("accuracy", "latency_p95_s", "peak_rss_bytes")
    board = make_board([[0.9, 0.010, 300 * 2**20], [0.8, 0.020, 299 * 2**20]], columns, noise=(0.01, 0.001, 0.0))
    return replace(board, unknown=np.array([[0.0, 0.0, np.inf]] * 2))


def _entries(sketch: Sketch, tasks: Sequence[Task] = TASKS) -> list[Entry]:
    return summarise([make_record(sketch, task, examples=150) for task in tasks])


def _night(skill: float) -> list[Entry]:
    return summarise([make_record(Sketch(n, s), "topic", examples=150) for n, s in (("x", 0.9), ("y", skill))])


def _processes(latency_s: float) -> list[Entry]:
    return summarise([make_record(Sketch("m", latency_s=latency_s), "topic", process=k) for k in range(3)])


def _set(
    does: dict[str, tuple[str, ...]], *limits: tuple[str, str], objectives: Sequence[str] = OBJECTIVES
) -> list[str]:
    """Say what is said in short of a run in which each model does some of the tasks alone."""
    records = [
        make_record(sketch, task, examples=150)
        if task.name in does[sketch.name]
        else replace(make_record(sketch, task, examples=1), status="unsupported", reason="it is not for it", samples=())
        for sketch in MODELS[:3]
        for task in TASKS
    ]
    question = Question(tuple(objectives), tuple(parse_limit(*limit) for limit in limits), DecisionSpec(replicates=300))
    decision = decide(summarise(records), question)
    parts = [part for part in (decision.across, *decision.tasks.values()) if part is not None]
    return [*words.cover(decision), *(line for part in parts for line in words.in_short(part))]


def _given_up() -> list[str]:
    """Say what is said in short of a run in which each of two models is the better one at one of the tasks."""
    skills = {("all-rounder", "topic"): 0.85, ("all-rounder", "other"): 0.9, ("expert", "topic"): 0.95}
    records = [
        make_record(Sketch(name, skills.get((name, task.name), 0.4)), task, examples=150)
        for name in ("all-rounder", "expert")
        for task in (TASKS[0], Task("other"))
    ]
    question = Question(("quality", "latency_p50_s"), rule=DecisionSpec(replicates=300))
    return words.cover(decide(summarise(records), question))


def _few_discordant() -> list[str]:
    one = make_record(Sketch("one", 0.95), "topic", examples=40)
    samples = list(one.samples)
    index = next(i for i, s in enumerate(samples) if s.prediction == s.reference)
    samples[index] = replace(samples[index], prediction="lost" if samples[index].reference != "lost" else "delayed")
    return _compare(summarise([one]), summarise([replace(one, samples=tuple(samples))]))


def _stopped_early() -> list[str]:
    one, two = (make_record(Sketch(name, skill), "topic", examples=60) for name, skill in (("one", 0.9), ("two", 0.6)))
    asked = {ASKED: {"total": 300}}
    return _compare(*(summarise([replace(own, status="settled", notes={**own.notes, **asked})]) for own in (one, two)))


def _undefined_metric() -> list[str]:
    one = make_record(Sketch("one"), TASKS[2], examples=40)
    samples = (replace(one.samples[0], nll=NAN), *one.samples[1:])
    return _compare(summarise([one]), summarise([replace(one, samples=samples)]))


def _compare(a: list[Entry], b: list[Entry], *remarks: Apart) -> list[str]:
    return compare_words.sentences(compare(a, b, "one", "two", remarks=remarks))


ONE = Sketch("one", 0.9, 0.010)
TWO = Sketch("two", 0.7, 0.020, memory_bytes=400e6, energy_j=0.6, energy_source="estimate")

SCENES: dict[str, Callable[[], list[str]]] = {
    "run-plain": _run,
    "run-limits": lambda: _run(limits=[LATENCY, ("accuracy", ">= 80 % of best"), ("bleu", ">= 30")]),
    "run-nobody": lambda: _run(limits=[("latency_p95_s", "<= 0.1 ms"), ("accuracy", ">= 0.99")]),
    "run-few": lambda: _run(limits=[("latency_p95_s", "<= 17 ms")]),
    "run-three-tasks": lambda: _run(tasks=TASKS, limits=[LATENCY]),
    "run-summed": lambda: _run(tasks=TASKS[:2], cost_across_tasks="sum", reference={"quality": 0.1}),
    "run-set": lambda: _set({"big": ("topic", "lm"), "mid": ("en-de", "lm"), "small": ("topic",)}),
    "run-set-of-few": lambda: _set(
        {"big": ("topic", "en-de", "lm"), "mid": ("topic", "en-de"), "small": ("topic",)},
        ("bleu", ">= 99"),
        objectives=("quality", "throughput_examples_per_s"),
    ),
    "run-given-up": _given_up,
    "run-estimates": lambda: _run(ESTIMATED, limits=[("energy_per_example_j", "<= 0.7 J")]),
    "run-mixed": lambda: _run([*MODELS[:2], *ESTIMATED[2:]]),
    "run-no-energy": lambda: _run([replace(m, energy_j=None) for m in MODELS], TASKS[:2]),
    "run-mute": lambda: _run([replace(MODELS[0], energy_j=None), *MODELS[1:]]),
    "run-broken": lambda: _run(
        [replace(MODELS[0], status="oom", reason="9 GiB"), replace(MODELS[1], status="unsupported", reason="no head")],
        TASKS[:2],
    ),
    "run-one": lambda: _run(MODELS[:1]),
    "run-baseline-leads": lambda: _run([Sketch("a", 0.3, 0.02), Sketch("b", 0.9, 0.01, family="baseline")]),
    "run-other-metric": lambda: _run(objectives=("bleu", "accuracy", "latency_p95_s")),
    "run-two-metrics": lambda: _run(
        tasks=[TASKS[0], Task("other")], objectives=("accuracy", "macro_f1", "latency_p95_s")
    ),
    "run-prefer": lambda: _run(tasks=TASKS[:2], prefer="bleu"),
    "run-prices": lambda: _run(
        objectives=("quality", "cost_per_1000", "carbon_per_1000_g"),
        prices=PriceSpec(machine_per_hour=3.0, energy_per_kwh=0.25, carbon_g_per_kwh=300),
    ),
    "rule-cheapest": lambda: _run(rule="cheapest-within-epsilon", epsilon=0.15),
    "rule-lexicographic": lambda: _run(rule="lexicographic", order=["latency_p95_s", "accuracy"]),
    "rule-weighted": lambda: _run(rule="weighted", rates={"latency_p95_s": "20 ms per 0.01"}),
    "board-pick": lambda: _board(
        make_board([[0.90, 0.060], [0.85, 0.030], [0.70, 0.005]], noise=(0.005, 0.001)), [LATENCY]
    ),
    "board-undecided": lambda: _board(make_board([[0.900, 0.02], [0.899, 0.01]], noise=(0.01, 0.0001), n=400)),
    "board-tie": lambda: _board(make_board([[0.9, 0.01], [0.9, 0.01]])),
    "board-open-rival": lambda: _board(make_board([[0.95, 0.045], [0.85, 0.030]], noise=(0.001, 0.004)), [LATENCY]),
    "board-open-warning": lambda: _board(make_board([[0.95, 0.056], [0.85, 0.030]], noise=(0.001, 0.004)), [LATENCY]),
    "board-many-hopefuls": lambda: _board(
        make_board([[0.95 - i / 1000, 0.05] for i in range(9)] + [[0.5, 0.01]], noise=(0.0001, 0.004)), [LATENCY]
    ),
    "board-open-estimate": lambda: _board(_estimated_board([[0.95, 1.2], [0.85, 0.3]]), [JOULES]),
    "board-inside-estimate": lambda: _board(_estimated_board([[0.85, 0.9], [0.95, 0.3]]), [JOULES]),
    "board-missing-limited": lambda: _board(_missing_energy(2), [("energy_per_example_j", "<= 2 J")]),
    "board-missing-objective": lambda: _board(_missing_energy(3)),
    "board-unscored": lambda: _board(_missing_energy(2), prefer="energy_per_example_j"),
    "board-short-of-a-pick": lambda: _board(_short_of_a_pick()),
    "board-undefined": lambda: _board(_undefined(), [("accuracy", ">= 0.5")]),
    "board-undefined-share": lambda: _board(_undefined(), [("accuracy", ">= 50 % of best")]),
    "board-nobody-open": lambda: _board(make_board([[0.95, 0.045]], noise=(0.001, 0.004)), [LATENCY]),
    "board-lower-limit": lambda: _board(
        make_board([[0.9, 30.0], [0.8, 60.0]], ("accuracy", "throughput_examples_per_s")),
        [("throughput_examples_per_s", ">= 20 /s")],
    ),
    "board-beaten": lambda: _board(make_board([[0.80, 0.010], [0.78, 0.0112]], noise=(0.003, 0.001))),
    "board-set-apart": lambda: _board(_set_apart()),
    "board-tied": lambda: _board(make_board([[0.7, 0.010], [0.701, 0.0101], [0.60, 0.030]], noise=(0.005, 0.0004))),
    "board-near-baseline": lambda: _board(
        replace(make_board([[0.9, 0.03], [0.88, 0.01]], noise=(0.01, 0.0)), baselines=(False, True))
    ),
    "board-below-baseline": lambda: _board(
        replace(make_board([[0.8, 0.01], [0.9, 0.03]]), baselines=(False, True)), prefer="latency_p95_s"
    ),
    "board-no-objective": lambda: _board(make_board([[0.9, 0.1]], objectives=0)),
    "board-incomplete": lambda: _board(make_board([[0.9, NAN]])),
    "board-volume": lambda: _board(
        make_board([[0.75, 0.025], [0.5, 0.01]]), reference={"quality": 0.4, "latency_p95_s": "50 ms"}
    ),
    "compare-models": lambda: _compare(_entries(ONE), _entries(TWO), Apart.OTHER_MACHINE),
    "compare-same": lambda: _compare(_entries(ONE), _entries(ONE), Apart.OTHER_TIME),
    "compare-missing": lambda: _compare(_entries(ONE, TASKS[:2]), _entries(TWO, TASKS[1:])),
    "compare-dead": lambda: _compare(_entries(ONE), _entries(replace(TWO, status="oom", reason="9 GiB"))),
    "compare-runs": lambda: _compare(_night(0.9), _night(0.5)),
    "compare-processes": lambda: _compare(_processes(0.010), _processes(0.0105)),
    "compare-few-discordant": _few_discordant,
    "compare-undefined": _undefined_metric,
    "compare-stopped-early": _stopped_early,
}
