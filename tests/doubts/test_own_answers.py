"""Doubts of what an own model gives: means for sums, probabilities for logarithms, answers that are none."""

from __future__ import annotations

from typing import Any

import pytest

from bench.doubts.answer_not_found import AnswerNotFound, MarkNotFound, NoLabelWritten
from bench.doubts.base import DoubtKind, Evidence
from bench.doubts.likelihood_is_mean import LikelihoodIsMean
from bench.doubts.scores_are_probabilities import ScoresAreProbabilities
from bench.record import Cell, Sample
from tests.jobs import make_job


def evidence(samples: list[Sample], metrics: tuple[str, ...], kind: str = "classification", **task: Any) -> Evidence:
    job = make_job("own", "t", kind, metrics=metrics, **task)
    model = job.model.model_copy(update={"family": "torch-module", "factory": "own:make"})
    job = job.model_copy(update={"model": model, "labels": ("yes", "no"), "scoring": "generated"})
    return Evidence(cell=Cell("own", "torch-module", "float32", "t", kind, job), samples=samples, metrics=metrics)


def kinds(of: type[DoubtKind], given: Evidence) -> list[type[DoubtKind]]:
    return [type(case) for case in of.examine(given)]


@pytest.mark.parametrize(
    ("nats", "sizes", "doubted"),
    [
        ([3.0] * 10, range(20, 120, 10), True),
        ([60.0 / size for size in range(20, 120, 10)], range(20, 120, 10), True),
        ([0.02 * size for size in range(20, 120, 10)], range(20, 120, 10), False),  # low, and a sum
        ([40.0] * 10, range(20, 120, 10), False),  # flat, and not low
        ([3.0] * 10, [100] * 10, True),
        ([60.0] * 10, [100] * 10, False),
        ([3.0] * 7, range(20, 90, 10), False),
    ],
)
def test_means_of_likelihoods(nats: list[float], sizes: Any, doubted: bool) -> None:
    pairs = enumerate(zip(nats, sizes, strict=True))
    samples = [Sample(i, str(i), "", None, nll=n, scored_tokens=s // 4, scored_bytes=s) for i, (n, s) in pairs]
    given = evidence(samples, ("perplexity",), "language-modelling")
    assert kinds(LikelihoodIsMean, given) == [LikelihoodIsMean] * doubted
    assert not kinds(LikelihoodIsMean, Evidence(samples=samples, metrics=("perplexity",)))


@pytest.mark.parametrize(
    ("scores", "metrics", "doubted"),
    [
        ((0.2, 0.8), ("accuracy", "ece"), True),
        ((0.2, 0.8), ("accuracy",), False),
        ((-1.6, -0.2), ("ece",), False),
        ((0.4, 0.8), ("ece",), False),
        (None, ("ece",), False),
    ],
)
def test_probabilities(scores: tuple[float, ...] | None, metrics: tuple[str, ...], doubted: bool) -> None:
    samples = [Sample(i, str(i), "yes", "yes", scores) for i in range(5)]
    assert kinds(ScoresAreProbabilities, evidence(samples, metrics)) == [ScoresAreProbabilities] * doubted


@pytest.mark.parametrize(
    ("written", "regex", "doubted"),
    [
        ("topic yes", "label: (.*)", AnswerNotFound),
        ("label: yes", "label: (.*)", None),
        ("no idea", None, NoLabelWritten),
        ("yes", None, None),
    ],
)
def test_answers_that_are_none(written: str, regex: str | None, doubted: type[DoubtKind] | None) -> None:
    taken = written.removeprefix("label: ") if regex else written
    raw = None if taken == written else written
    samples = [Sample(i, str(i), "no", taken, raw=raw) for i in range(5)]
    given = evidence(samples, ("accuracy",), **({"answer": {"regex": regex}} if regex else {}))
    assert kinds(AnswerNotFound, given) == ([doubted] if doubted else [])
    (case,) = AnswerNotFound.examine(given) if doubted else [None]
    assert case is None or ("5 of 5" in case.message and "'answer" in case.remedy)


@pytest.mark.parametrize(("with_mark", "doubted"), [(5, False), (3, True), (0, False)])
def test_answers_without_the_mark_that_others_have(with_mark: int, doubted: bool) -> None:
    """Reasoning that was cut is scored whole; where no answer has the mark, another model of the task may write it."""
    samples = [Sample(i, str(i), "no", "yes", raw="hm</think>yes" if i < with_mark else "yes") for i in range(5)]
    given = evidence(samples, ("accuracy",), answer={"after": "</think>"})
    assert kinds(AnswerNotFound, given) == [MarkNotFound] * doubted
    for case in AnswerNotFound.examine(given):
        assert "2 of 5" in case.message and "max_new_tokens" in case.remedy
