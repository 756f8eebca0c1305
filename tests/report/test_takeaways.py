"""The one sentence of each chart: true, about the models, and never across measured and estimated figures."""

from dataclasses import replace

import numpy as np
import pytest

from bench.compare.pairs import compare
from bench.decision import Question, decide
from bench.decision.board import Column
from bench.decision.sensitivity import BreakPoint
from bench.report import RunView
from bench.report.advice import Bound, advice_of, nearest_first
from bench.report.answer import headline
from bench.report.charts.latency import Latency
from bench.report.charts.parallel import Parallel
from bench.report.differences import differences, ends
from bench.report.drawing.svg import style
from bench.report.marks import marks_of
from bench.report.samples import _spread
from bench.report.view import value_of
from bench.report.wording import listed, number
from bench.suite.limits import parse_limit
from bench.summary import summarise
from tests.factories import Sketch, Task, make_run
from tests.report import runs
from tests.report.conftest import KINDS, plates_of, view_named


def sentences(view: RunView, kind: str) -> list[str]:
    return [p.chart.takeaway for p in plates_of(view, kind)]


def test_every_chart_has_one_that_ends() -> None:
    for name in ("quickstart", "variants", "two", "one"):
        for kind in KINDS:
            assert all(said.endswith(".") and len(said) > 20 for said in sentences(view_named(name), kind)), (
                name,
                kind,
            )


def test_memory_is_least_among_the_models_alone() -> None:
    view = view_named("quickstart")
    task = view.tasks[0]
    needs = {e.candidate: v for e in task.entries if (v := value_of(e, "peak_rss_bytes"))}
    models = [e.candidate for e in task.entries if e.cell.family != "baseline" and e.candidate in needs]
    least = min(needs[model] for model in models)
    tied = [model for model in models if needs[model] == least]
    assert min(needs.values()) < least, "a baseline needs less, so the sentence must not be about all"
    assert sentences(view, "memory")[0].startswith(
        f"Of the models, {listed(tied, 3)} {'need' if len(tied) > 1 else 'needs'} least, {number(least, 'bytes')}"
    )


def test_latency_says_what_the_decision_says() -> None:
    view = view_named("quickstart")
    ends = [[e.efficiency["latency_p95_s"] for e in t.entries if e.cell.family != "baseline"] for t in view.tasks]
    known = [[q for q in own if q.value is not None] for own in ends]
    inside = [sum((q.ci_high or 1) <= 0.05 for q in own) for own in known]
    assert [0 < count < len(own) for count, own in zip(inside, known, strict=True)] == [True, True, False]
    said = sentences(view, "latency")
    for sentence, count, own in zip(said, inside, known, strict=True):
        assert f"; {count} of {len(own)} models keep the p95 latency within the limit of 50.0 ms" in sentence
    assert said[1].endswith(", not ours-large, t5-large and gpt2-large.")
    assert said[2].endswith("; for ours-small that is not settled."), "its value keeps the limit, its interval does not"


def test_an_estimate_is_never_ranked_with_a_measured_figure() -> None:
    view = view_named("two")
    first, second = view.entries
    energy = first.efficiency["energy_per_example_j"]
    assert energy.value is not None
    cheap = replace(energy, value=energy.value / 100, source="estimate")
    measured = replace(energy, source="rapl")
    entries = tuple(
        replace(e, efficiency={**e.efficiency, "energy_per_example_j": q})
        for e, q in ((first, measured), (second, cheap))
    )
    decision = decide(entries, Question.of(view.suite))
    task = replace(view.tasks[0], entries=entries)
    mixed = replace(view, entries=entries, tasks=(task,), decision=decision)
    (said,) = sentences(mixed, "energy")
    assert said.startswith(f"By CPU energy counter (RAPL): {first.candidate} alone has a figure")
    assert said.endswith("1 estimate cannot be ranked with these.")
    assert second.candidate not in said


def test_training_is_told_once_for_the_run() -> None:
    view = runs.variants()
    again = tuple(replace(task, number=i) for i, task in enumerate((*view.tasks, *view.tasks)))
    assert len(sentences(replace(view, tasks=again), "training")) == 1


def test_the_change_nearest_to_the_limit_comes_first() -> None:
    limit, column = parse_limit("latency_p50_s", "<= 1 s"), Column("latency_p50_s", "latency_p50_s", "s", False)
    points = [BreakPoint(limit, column, at, None, "a") for at in (1e-6, 0.9, 50.0)]
    found = nearest_first(points, [Bound("latency_p50_s", "latency_p50_s", 1.0, upper=True, text="<= 1 s")])
    assert [p.at for p in found] == [0.9, 50.0, 1e-6]


def test_samples_show_inputs_where_any_was_kept() -> None:
    from bench.report.samples import sample_blocks

    view = view_named("quickstart")
    marks = marks_of(view.families)
    kept = [
        replace(e, records=tuple(replace(r, notes={"inputs": {"7": "seven", "9": "nine"}}) for r in e.records))
        for e in view.tasks[0].entries
    ]
    block = sample_blocks(replace(view, tasks=(replace(view.tasks[0], entries=tuple(kept)),)), marks)[0]
    assert {x.source for x in block.samples[:2]} == {"seven", "nine"}


def test_without_an_interval_no_quality_stands_apart() -> None:
    view = view_named("two")
    bare = tuple(
        replace(e, quality={n: replace(q, ci_low=None, ci_high=None) for n, q in e.quality.items()})
        for e in view.entries
    )
    tasks = (replace(view.tasks[0], entries=bare),)
    assert "no interval that would tell" in sentences(replace(view, entries=bare, tasks=tasks), "quality")[0]


def test_the_title_says_that_a_pick_is_a_baseline() -> None:
    view = view_named("two")
    (about,) = advice_of(view.decision).values()
    assert about.decision is not None
    floor = replace(about.decision, board=replace(about.decision.board, baselines=(True, False)))
    picked = replace(about, pick=floor.board.names[0], decision=floor)
    said = {task: str(headline(view, {task: picked, "other": other})) for task, other in (("x", about), ("y", picked))}
    assert all("(a baseline)" in text for text in said.values())
    plain = replace(picked, decision=about.decision)
    assert "(a baseline)" not in str(headline(view, {"x": plain}))


def test_a_cell_that_failed_after_scoring_is_no_reference() -> None:
    view = view_named("quickstart")
    task = view.tasks[0]
    floor = max((e for e in task.scored if e.cell.family == "baseline"), key=lambda e: value_of(e, "quality") or 0.0)
    entries = tuple(replace(e, status="failed") if e is floor else e for e in task.entries)
    decision = decide(entries, Question.of(view.suite))
    broken = replace(view, entries=entries, tasks=(replace(task, entries=entries),), decision=decision)
    (about,) = [p for p in plates_of(broken, "quality") if p.switch]
    assert about.switch is not None and all(r["of"] > 0 for r in about.switch["references"])


def test_differences_have_the_intervals_of_bench_compare() -> None:
    view = view_named("quickstart")
    for task in view.tasks[:2]:
        reference, other = task.scored[:2]
        gaps = {gap.entry.candidate: gap for gap in differences(task, advice_of(view.decision)[task.name], reference)}
        rule, gap = view.suite.decision, gaps[other.candidate]
        row = compare([reference], [other], "a", "b", replicates=rule.replicates, seed=rule.seed).quality[0]
        assert gap.interval is not None
        assert (gap.value, *gap.interval) == pytest.approx((row.difference, row.ci_low, row.ci_high), abs=1e-9)


def test_a_difference_of_which_nothing_is_known_has_no_interval() -> None:
    """Perplexities of two models that agree on every text: it has no bounds, so the next text may show anything."""
    one, other = summarise(make_run([Sketch("one"), Sketch("two")], [Task("lm", "language-modelling")], examples=40))
    metric = next(name for name, metric in one.metrics.items() if metric.range.high == float("inf"))
    twins = tuple(replace(e, quality={metric: one.quality[metric]}, statistics=one.statistics) for e in (one, other))
    task = replace(view_named("quickstart").tasks[0], name="lm", entries=twins)
    decision = decide(twins, Question(("quality",)))
    (gap,) = differences(task, advice_of(decision)[task.name], twins[0])
    assert (gap.value, gap.interval, gap.settled, ends(gap)) == (0.0, None, False, "")


def test_the_quickest_model_on_the_scale_is_drawn() -> None:
    view = view_named("quickstart")
    times = ([1e-6] * 10, [0.010] * 5 + [0.012] * 5, [0.3] * 10)  # numpy's median of the second is 11 ms
    found = zip(view.tasks[0].entries, times, strict=False)
    entries = tuple(replace(e, timed={"latency": (np.array(seconds),)}) for e, seconds in found)
    task = replace(view.tasks[0], entries=entries)
    (plate,) = Latency().draw(task, advice_of(view.decision)[task.name], marks_of(view.families))
    with style():
        said = [text.get_text() for text in plate.chart.draw().axes[0].texts]
    assert entries[1].candidate in said and entries[0].candidate not in said


def test_a_lone_model_is_not_said_to_win() -> None:
    view = view_named("one")
    for kind in ("front", "quality", "tokens", "memory", "energy"):
        for said in sentences(view, kind):
            assert not any(word in said for word in ("best", "both", "least", "soonest")), said


def test_samples_of_equal_rank_come_from_all_over_the_data() -> None:
    assert _spread(range(60), lambda i: (False, 0)) == [0, 10, 20, 30, 40, 50]
    assert _spread(range(9), lambda i: (False, -(i in (3, 4)))) == [3, 4, 0, 1, 5, 7]
    assert _spread([2, 1], lambda i: (False, 0)) == [1, 2]


def test_parallel_coordinates_of_few_candidates_name_all() -> None:
    view = view_named("quickstart")
    task = replace(view.tasks[0], entries=view.tasks[0].entries[:5])
    (plate,) = Parallel().draw(task, advice_of(view.decision)[task.name], marks_of(view.families))
    with style():
        figure = plate.chart.draw()
    assert {e.candidate for e in task.entries} <= {text.get_text() for text in figure.axes[0].texts}
