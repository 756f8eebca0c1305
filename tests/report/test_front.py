"""The front's chart: what its words may cover, what is off its scale, and whether its sentence is true."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.report.advice import Bound, TaskAdvice, advice_of
from bench.report.charts.front import front_chart, points_of, takeaway
from bench.report.drawing.labels import overlap
from bench.report.drawing.points import Lanes, floor_of, obstacles, with_ends
from bench.report.drawing.svg import style
from bench.report.marks import marks_of
from bench.report.view import TaskView
from bench.report.wording import Measure
from bench.summary import Quantity
from tests.report.conftest import view_named

QUALITY = Measure("quality", "Accuracy", "Accuracy", "ratio", higher_is_better=True, inner="accuracy")


def quantity(value: float, low: float | None = None, high: float | None = None) -> Quantity:
    return Quantity(value, low, high, 10, "s", "clock", higher_is_better=False)


def drawn(number: int, limit: float) -> tuple[Figure, TaskView, TaskAdvice]:
    """Returns the front of a task under a limit on its first cost, drawn."""
    view = view_named("quickstart")
    task = view.tasks[number]
    cost = task.costs[0]
    bound = Bound(cost.name, cost.name, limit, upper=True, text=f"<= {limit} s")
    advice = replace(advice_of(view.decision)[task.name], limits=(bound,))
    chart = front_chart(task, cost, advice, marks_of(view.families))
    assert chart is not None
    with style():
        figure = chart.draw()
        figure.canvas.draw()
    return figure, task, advice


def boxes_of(figure: Figure) -> dict[str, tuple[float, float, float, float]]:
    """Returns the pixels of every word inside the chart's frame."""
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    found = {}
    for text in axes.texts:
        box = text.get_window_extent() if not text.arrow_patch else Text.get_window_extent(text)
        if box.x0 >= frame.x0 - 1 and box.y0 >= frame.y0 - 1:
            found[text.get_text()] = (box.x0, box.y0, box.x1, box.y1)
    return found


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("place", [0.1, 0.35, 0.6, 0.9])
def test_no_word_lies_on_a_limit_a_point_or_another_word(number: int, place: float) -> None:
    view = view_named("quickstart")
    task = view.tasks[number]
    costs = sorted(
        p.at[0] for p in points_of(task, task.costs[0], advice_of(view.decision)[task.name]) if p.at[0] > 1e-4
    )
    limit = costs[0] * (costs[-1] / costs[0]) ** place
    figure, _, _ = drawn(number, limit)
    axes = figure.axes[0]
    words = boxes_of(figure)
    assert any(word.startswith("limit ") for word in words)
    line = float(axes.transData.transform((limit, axes.get_ylim()[0]))[0])
    for word, box in words.items():
        assert not box[0] < line < box[2], f"{word} lies on the limit"
        others = [b for other, b in words.items() if other != word]
        assert not any(overlap(box, other) for other in others), word


def test_an_interval_that_dwarfs_the_rest_does_not_set_the_scale_and_the_others_fit() -> None:
    wide = with_ends([quantity(1.0, 0.9, 1.1), quantity(2.0, 1.9, 40.0)], log=False)
    assert (min(wide), max(wide)) == (0.9, 3.0)
    assert max(with_ends([quantity(1.0, 0.9, 1.2), quantity(1.0)], log=False)) == pytest.approx(1.15)


def test_where_all_intervals_are_wide_they_are_all_on_the_scale() -> None:
    ends = with_ends([quantity(0.15, 0.10, 0.20), quantity(0.165, 0.117, 0.22)], log=False)
    assert (min(ends), max(ends)) == (0.10, 0.22)


def test_a_baseline_far_below_every_model_is_off_the_scale() -> None:
    view = view_named("quickstart")
    task = view.tasks[0]
    points = points_of(task, task.costs[0], advice_of(view.decision)[task.name])
    floor = floor_of(points, QUALITY)
    assert floor is not None
    off = [p.entry.candidate for p in points if floor.holds(p.at[1])]
    assert off == ["majority"]
    models = [p for p in points if p.entry.candidate != "majority"]
    assert floor_of(models, QUALITY) is None


def test_the_sentence_is_about_the_models_and_names_the_best_and_the_cheapest() -> None:
    view = view_named("quickstart")
    for task in view.tasks:
        cost, quality = task.costs[0], task.quality
        assert quality is not None
        points = points_of(task, cost, advice_of(view.decision)[task.name])
        models = [p for p in points if p.entry.cell.family != "baseline"]
        best = max(models, key=lambda p: p.at[1]).entry.candidate
        cheap = min(models, key=lambda p: p.at[0]).entry.candidate
        said = takeaway(points, cost, quality)
        assert said.startswith("Of the models, " if len(models) < len(points) else best)
        assert best in said and cheap in said


def test_points_keep_their_place_unless_they_are_off_the_scale() -> None:
    view = view_named("two")
    task = view.tasks[0]
    points = points_of(task, task.costs[0], advice_of(view.decision)[task.name])
    lanes = Lanes(points[0].at[0] * 1.01, 0.5, None, {})
    assert lanes.place(points[0]) == (0.5, points[0].at[1])
    assert lanes.place(points[1]) == points[1].at
    figure, _, _ = drawn(0, 0.01)
    assert len(obstacles(figure.axes[0], points, lanes)) >= len(points)
