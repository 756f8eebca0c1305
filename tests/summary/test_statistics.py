import numpy as np

from bench.summary import statistics
from bench.tasks.metrics import resolve
from tests.factories import Sketch, Task, make_samples


def cells() -> list[statistics.Answers]:
    found = []
    for task in (Task("en-de", "translation"), Task("title", "summarisation"), Task("topic")):
        metrics = {"translation": ["bleu", "chrf"], "summarisation": ["rougeL"], "classification": ["accuracy"]}
        scorers = resolve(metrics[task.kind], task.kind)
        labels = ("delayed", "delivered", "in transit", "lost")
        found += [statistics.Answers(make_samples(Sketch(m), task, 12), labels, scorers) for m in "abc"]
    return found


def test_texts_are_counted_per_metric() -> None:
    first, *_, last = cells()
    assert (first.texts, last.texts) == (24, 0)
    assert np.shape(first.statistics().rows["bleu"])[0] == 12
