"""Which labels are taken for which: a confusion matrix, with precision, recall and F1 of each label beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import QUALITY, Chart, Plate, TaskChart
from bench.report.differences import by_quality
from bench.report.drawing.svg import ALARM, INK, MUTED, SMALL, TEXT, new_figure
from bench.report.marks import BLUE, Mark
from bench.report.text import name_markup, short
from bench.report.view import TaskView
from bench.report.wording import plural
from bench.summary import Entry

MOST_LABELS = 12
"""Rows and columns of the drawing; the labels beyond the most frequent share the last ones. The table has all."""
MOST_CANDIDATES = 3
"""Matrices of a task: the pick, then the best."""
LABEL_CHARACTERS = 18
REST = "other labels"
"""The labels beyond the most frequent."""
NOTE = "Rows: the right label. Columns: the given one. Darker: more of the row. The diagonal is right"
REST_NOTE = f", but for what is confused among the {REST}"
NO_LABEL = "no label"
"""Column of the answers that are none of the labels: a text that was to be one, or nothing."""
ROW_IN, HEAD_IN, FOOT_IN, AXIS_IN, CHARACTER_IN = 0.34, 0.55, 0.12, 0.4, 0.085
"""Inches of a row, of the words above and the edge below, of the axis's word at the left, of a label's character."""
DARKEST = 0.55
"""Opacity of a whole row in one cell; numbers are read on it. A smaller share has its square root's part of it, so that
few mistakes are seen beside many right answers."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label is recognised."""

    label: str
    count: int
    """Examples that have it."""
    right: int
    predicted: int
    """Examples that were given it."""

    @property
    def precision(self) -> float | None:
        """Compute the share of examples given the label that have it; None where none was given it."""
        return self.right / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Compute the share of examples with the label that were given it; None where none has it."""
        return self.right / self.count if self.count else None

    @property
    def f1(self) -> float | None:
        """Compute the harmonic mean of precision and recall, 2·right / (count + predicted); None where the label never
        occurs."""
        return 2 * self.right / (self.count + self.predicted) if self.count + self.predicted else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each label was given for each."""

    labels: tuple[str, ...]
    """The task's, in its order."""
    counts: Mapping[tuple[str, str | None], int]
    """By right label and given one; None stands for an answer that is no label."""

    def score(self, label: str) -> LabelScore:
        """Count what precision and recall of a label are made of."""
        return LabelScore(
            label,
            sum(n for (right, _), n in self.counts.items() if right == label),
            self.counts.get((label, label), 0),
            sum(n for (_, answer), n in self.counts.items() if answer == label),
        )

    @property
    def total(self) -> int:
        """Count the examples that were answered."""
        return sum(self.counts.values())


class ConfusionMatrix(TaskChart):
    """Right labels against given ones, of the pick and of the best."""

    name, title, section, order = "confusion", "Confusion matrix and scores by label", QUALITY, 20

    def applies(self, task: TaskView) -> bool:
        """Tell whether the task has labels that were given."""
        return any(labelled(entry) for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give a folded matrix of each of a few candidates."""
        ranked = [entry for entry in by_quality(task) if entry.ended_well and labelled(entry)]
        first = advice.pick or advice.leader
        ranked.sort(key=lambda entry: entry.candidate != first)
        for place, entry in enumerate(ranked[: 1 if task.crowded else MOST_CANDIDATES]):
            confusion = confusion_of(entry)
            counted = plural(confusion.total, "example")
            chart = Chart(
                name=f"confusion-{task.number}-{place}",
                title=f"{short(task.name)}: which labels {short(entry.candidate)} confuses",
                takeaway=_takeaway(entry, confusion),
                description=(
                    f"Confusion matrix of {plural(len(confusion.labels), 'label')} over {counted}: a row for each "
                    "right label, a column for each given one, shaded by the share of the row."
                ),
                draw=partial(_draw, condensed(confusion)),
                note=f"{NOTE}{REST_NOTE if len(confusion.labels) > MOST_LABELS else ''}.",
                narrow=task.has_narrow,
                slim=task.crowded,
                detail=entry.candidate,
            )
            yield Plate(chart, _table(task, entry, confusion), folded=True)


def labelled(entry: Entry) -> bool:
    """Tell whether an entry answered with one of a set of labels."""
    return bool(entry.labels) and any(sample.prediction is not None for sample in entry.samples)


def confusion_of(entry: Entry) -> Confusion:
    """Count how often each label was given for each.

    Labels that the data have and the task does not name come after the task's own.
    """
    labels = dict.fromkeys((*entry.labels, *(sample.reference for sample in entry.samples)))
    counts: Counter[tuple[str, str | None]] = Counter(
        (sample.reference, sample.prediction if sample.prediction in labels else None) for sample in entry.samples
    )
    return Confusion(tuple(labels), counts)


def condensed(confusion: Confusion) -> Confusion:
    """Keep the most frequent labels, in the task's order, and put the others together as one."""
    if len(confusion.labels) <= MOST_LABELS:
        return confusion
    scores = sorted(map(confusion.score, confusion.labels), key=lambda score: -(score.count + score.predicted))
    shown_labels = {score.label for score in scores[: MOST_LABELS - 1]}
    rest = REST
    while rest in shown_labels:
        rest += "…"
    counts: Counter[tuple[str, str | None]] = Counter()
    for (right, answer), n in confusion.counts.items():
        counts[
            right if right in shown_labels else rest, answer if answer is None or answer in shown_labels else rest
        ] += n
    return Confusion((*(label for label in confusion.labels if label in shown_labels), rest), counts)


def _takeaway(entry: Entry, confusion: Confusion) -> str:
    name = short(entry.candidate)
    mistakes = [(n, right, predicted) for (right, predicted), n in confusion.counts.items() if right != predicted]
    if not mistakes:
        return f"{name} gave the right label in all of {plural(confusion.total, 'example')}."
    place = {label: i for i, label in enumerate(confusion.labels)}
    n, right, predicted = min(mistakes, key=lambda m: (-m[0], place[m[1]], -1 if m[2] is None else place[m[2]]))
    wrong = sum(count for count, _, _ in mistakes)
    answer = "no label of the task" if predicted is None else f"“{short(predicted, LABEL_CHARACTERS)}”"
    of = confusion.score(right).count
    return (
        f"{name} is wrong in {wrong:,} of {plural(confusion.total, 'example')}; most often it answers {answer} where "
        f"“{short(right, LABEL_CHARACTERS)}” is right, {n:,} of {of:,} times."
    )


def _table(task: TaskView, entry: Entry, confusion: Confusion) -> tables.Table:
    columns = (
        tables.Column("label", numeric=False),
        tables.Column("precision", "of those given the label, the share that have it"),
        tables.Column("recall", "of those with the label, the share that were given it"),
        tables.Column("F1", "harmonic mean of precision and recall"),
        tables.Column("n", "examples with this label"),
    )
    rows = []
    for score in map(confusion.score, confusion.labels):
        shares = (_share(score.precision), _share(score.recall), _share(score.f1))
        label = tables.Item(name_markup(score.label), score.label)
        rows.append(tables.Row((label, *shares, tables.Item(f"{score.count:,}", score.count))))
    caption = f"Labels of {short(task.name)} as {short(entry.candidate)} gives them"
    return tables.beside(caption, columns, rows, len(rows) if not task.crowded else task.rows)


def _share(value: float | None) -> tables.Item:
    return (
        tables.Item("–", title="the label was never given", css="none")
        if value is None
        else tables.Item(f"{value:.3f}", value)
    )


def _draw(confusion: Confusion) -> Figure:
    rows = confusion.labels
    columns: list[str | None] = [*rows]
    if any(answer is None for _, answer in confusion.counts):
        columns.append(None)
    counts = np.array([[confusion.counts.get((r, c), 0) for c in columns] for r in rows], dtype=np.float64)
    heads = [NO_LABEL if label is None else short(label, LABEL_CHARACTERS) for label in columns]
    figure = new_figure(1.0)
    width, widest = figure.get_figwidth(), CHARACTER_IN * max(map(len, heads))
    left, right = (AXIS_IN + widest) / width, 0.985
    upright = len(heads) * (widest + CHARACTER_IN) > (right - left) * width
    head = HEAD_IN + (widest if upright else 0.0)
    height = head + FOOT_IN + ROW_IN * len(rows)
    figure.set_figheight(height)
    axes = figure.add_subplot()
    _cells(axes, counts)
    _words(axes, [short(label, LABEL_CHARACTERS) for label in rows], heads, upright=upright)
    figure.subplots_adjust(left=left, right=right, top=1 - head / height, bottom=FOOT_IN / height)
    return figure


def _cells(axes: Axes, counts: NDArray[np.float64]) -> None:
    sums = counts.sum(axis=1)
    for (row, column), n in np.ndenumerate(counts):
        if not n:
            continue
        axes.add_patch(
            Rectangle(
                (column - 0.48, row - 0.47),
                0.96,
                0.94,
                color=BLUE if row == column else ALARM,
                alpha=DARKEST * math.sqrt(n / sums[row]),
                linewidth=0,
            )
        )
        axes.text(column, row, f"{n:,.0f}", ha="center", va="center", fontsize=SMALL, color=INK)
    axes.set_xlim(-0.5, counts.shape[1] - 0.5)
    axes.set_ylim(counts.shape[0] - 0.5, -0.5)


def _words(axes: Axes, rows: Sequence[str], columns: Sequence[str], *, upright: bool) -> None:
    axes.set_yticks(range(len(rows)), rows, fontsize=TEXT - 1)
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(columns)),
        columns,
        fontsize=SMALL,
        rotation=90 if upright else 0,
    )
    axes.tick_params(length=0, pad=4, labelcolor=INK)
    axes.set_xlabel("given", color=MUTED)
    axes.xaxis.set_label_position("top")
    axes.set_ylabel("right", color=MUTED)
    for spine in axes.spines.values():
        spine.set_visible(False)
