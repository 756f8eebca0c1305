"""The confusion matrix and the scores by label, against scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from bench.report.charts.confusion import MOST_LABELS, NO_LABEL, REST, condensed, confusion_of
from bench.report.drawing.svg import style
from bench.summary import Entry
from tests.report.conftest import page_text, plates_of, view_named


def entry() -> Entry:
    return next(e for e in view_named("quickstart").tasks[0].entries if e.candidate == "gpt2-small")


def test_counts_and_scores_are_those_of_scikit_learn() -> None:
    answered = entry()
    right, given = [s.reference for s in answered.samples], [s.prediction for s in answered.samples]
    confusion = confusion_of(answered)
    counts = [[confusion.counts.get((a, b), 0) for b in confusion.labels] for a in confusion.labels]
    assert np.array_equal(counts, confusion_matrix(right, given, labels=confusion.labels))
    expected = zip(*precision_recall_fscore_support(right, given, labels=confusion.labels), strict=True)
    for label, (precision, recall, f1, n) in zip(confusion.labels, expected, strict=True):
        score = confusion.score(label)
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision, recall, f1))
        assert score.count == n


def test_answers_that_are_no_label_have_a_column_and_count_as_wrong() -> None:
    answered = entry()
    wild = replace(answered.samples[0], prediction="none of these")
    confusion = confusion_of(replace(answered, samples=(wild, *answered.samples[1:])))
    assert confusion.counts[wild.reference, None] == 1
    assert confusion.total == len(answered.samples)


def test_a_label_that_is_never_given_has_no_precision_and_one_that_never_occurs_no_f1() -> None:
    answered = entry()
    same = tuple(replace(s, prediction=answered.labels[0]) for s in answered.samples)
    confusion = confusion_of(replace(answered, samples=same, labels=(*answered.labels, "unseen")))
    assert confusion.score(answered.labels[1]).precision is None
    assert confusion.score(answered.labels[1]).recall == 0
    unseen = confusion.score("unseen")
    assert (unseen.precision, unseen.recall, unseen.f1) == (None, None, None)


def test_many_labels_are_put_together_and_nothing_is_lost() -> None:
    answered = entry()
    labels = tuple(f"label {i}" for i in range(40))
    samples = tuple(
        replace(s, reference=labels[s.index % 40], prediction=labels[s.index % 7] if s.index % 3 else "?")
        for s in answered.samples
    )
    confusion = confusion_of(replace(answered, samples=samples, labels=labels))
    drawn = condensed(confusion)
    assert len(drawn.labels) == MOST_LABELS
    assert drawn.labels[-1] == REST
    assert drawn.total == confusion.total == len(samples)


def test_it_is_drawn_for_tasks_with_labels_alone_folded_and_beside_its_table() -> None:
    plates = plates_of(view_named("quickstart"), "confusion")
    assert plates and all(plate.chart.title.startswith("status: ") for plate in plates)
    assert all(plate.folded and plate.table is not None for plate in plates)
    table = plates[0].table
    assert table is not None
    assert [column.head for column in table.columns] == ["label", "precision", "recall", "F1", "n"]
    assert page_text("quickstart").count('<details class="folded">') == len(plates)
    with style():
        figure = plates[0].chart.draw()
    words = {text.get_text() for text in figure.findobj(Text)}
    assert {*entry().labels} <= words
    assert NO_LABEL not in words
