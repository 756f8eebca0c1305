import numpy as np
import pytest

from bench.metrics.catalogue import resolve
from bench.summary import statistics
from tests.factories import Sketch, Task, make_samples


def cells() -> list[statistics.Answers]:
    found = []
    for task in (Task("en-de", "translation"), Task("title", "summarisation"), Task("topic")):
        metrics = {"translation": ["bleu", "chrf"], "summarisation": ["rougeL"], "classification": ["accuracy"]}
        scorers = resolve(metrics[task.kind], task.kind)
        labels = ("delayed", "delivered", "in transit", "lost")
        found += [statistics.Answers(make_samples(Sketch(m), task, 12), labels, scorers) for m in "abc"]
    return found


def test_forked_processes_count_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = statistics.of_each(cells())
    monkeypatch.setattr(statistics, "MANY_TEXTS", 1)
    monkeypatch.setattr(statistics, "affinity", lambda: [0, 1])
    monkeypatch.setattr(statistics, "_may_fork", lambda: True)
    asked = []
    monkeypatch.setattr(statistics, "ProcessPoolExecutor", _noting(asked, statistics.ProcessPoolExecutor))
    forked = statistics.of_each(cells())
    assert asked == [2]
    assert [list(c.rows) for c in forked] == [list(c.rows) for c in alone]
    assert all((f.rows[k] == a.rows[k]).all() for f, a in zip(forked, alone, strict=True) for k in a.rows)


def _noting(asked: list[int], pool: type) -> object:
    def make(workers: int, *args: object, **options: object) -> object:
        asked.append(workers)
        return pool(workers, *args, **options)

    return make


def test_a_process_with_threads_does_not_fork() -> None:
    import threading

    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(statistics._may_fork()))
    thread.start()
    thread.join()
    assert seen == [False]


def test_texts_are_counted_per_metric() -> None:
    first, *_, last = cells()
    assert (first.texts, last.texts) == (24, 0)
    assert np.shape(first.statistics().rows["bleu"])[0] == 12
