"""The family `linear`: what scikit-learn's own pipeline says, what is kept, and what goes wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from bench.candidates.heads import ARRAYS_FILE, Head, Kept, write_heads
from bench.errors import EnvironmentLackError, FitError, UnsupportedError
from bench.fit.session import fit
from tests.fit.jobs import COLOURS, make_task
from tests.fit.solved import load_fitted, solver_job

TEXTS = ["box 7 is red", "green boxes", "nothing known at all", ""]


def silent(_: str) -> None:
    pass


@pytest.mark.parametrize("solver", ["logistic", "svm"])
def test_the_scores_are_those_of_scikit_learn(solver: str, tmp_path) -> None:
    job = solver_job("linear", tmp_path / "out", solver=solver, characters=0, words=1, c=3.0)
    provenance = fit(job, silent)
    assert provenance["final_validation_accuracy"] == 1.0
    examples = job.tasks[0].train.examples
    vectoriser = TfidfVectorizer(sublinear_tf=True)
    matrix = vectoriser.fit_transform([str(example.columns["text"]) for example in examples])
    right = (
        LogisticRegression(C=3.0, max_iter=2000) if solver == "logistic" else LinearSVC(C=3.0, random_state=42)
    ).fit(matrix, [list(COLOURS).index(str(example.columns["label"])) for example in examples])
    wanted = vectoriser.transform(TEXTS)
    scores = right.predict_log_proba(wanted) if solver == "logistic" else right.decision_function(wanted)
    answers = [answer.scores for answer in load_fitted(job).classify(TEXTS)]
    np.testing.assert_allclose(answers, scores, atol=1e-3)


@pytest.mark.parametrize("solver", ["logistic", "svm"])
def test_two_labels_have_a_score_each_and_their_order_is_the_tasks(solver: str, tmp_path) -> None:
    task = make_task("classification")
    two = [example for example in task.train.examples if example.columns["label"] != "blue"]
    data = type(task.train)(tuple(two), "two", "made here")
    short = type(task)(task.spec, task.template, data, data, ("red", "green"))
    job = solver_job("linear", tmp_path / "out", (short,), solver=solver)
    fit(job, silent)
    texts = ["it is red", "it is green"]
    forth = load_fitted(job, labels=("red", "green")).classify(texts)
    back = load_fitted(job, labels=("green", "red")).classify(texts)
    assert [int(np.argmax(answer.scores)) for answer in forth] == [0, 1]
    np.testing.assert_allclose([a.scores for a in forth], [a.scores[::-1] for a in back], atol=1e-6)


def test_a_search_without_a_space_tries_what_the_family_says_and_keeps_the_best(tmp_path) -> None:
    told: list[str] = []
    job = solver_job("linear", tmp_path / "out", search={"method": "random", "trials": 2}, folds=2)
    provenance = fit(job, told.append)
    assert len(provenance["search"]["trials"]) == 2
    assert set(provenance["search"]["values"]) == {"c", "words", "characters", "min_count", "solver"}
    assert len(provenance["folds"]["folds"]) == 2
    assert any(line.startswith("trial 1/2") for line in told)


def test_the_same_fit_twice_gives_the_same_bytes(tmp_path) -> None:
    jobs = [solver_job("linear", tmp_path / name) for name in "ab"]
    for job in jobs:
        fit(job, silent)
    first, second = ((job.output / ARRAYS_FILE).read_bytes() for job in jobs)
    assert first == second


def test_what_cannot_be_learnt_or_loaded_says_why(tmp_path) -> None:
    job = solver_job("linear", tmp_path / "out")
    one = job.tasks[0].train.examples[:1]
    data = type(job.tasks[0].train)(one, "one", "made here")
    with pytest.raises(FitError, match=r"tiny-linear.*the label 'red'.*nothing to tell apart"):
        fit(
            solver_job(
                "linear",
                tmp_path / "none",
                (type(job.tasks[0])(job.tasks[0].spec, job.tasks[0].template, data, data, job.tasks[0].labels),),
            ),
            silent,
        )
    fit(job, silent)
    with pytest.raises(UnsupportedError, match=r"none of its heads \(classify red, green, blue\).*bench fit"):
        load_fitted(job, labels=("hot", "cold"))
    (job.output / ARRAYS_FILE).write_bytes(b"half")
    with pytest.raises(EnvironmentLackError, match=r"holds no whole .*run `bench fit` again"):
        load_fitted(job)


def test_labels_and_weights_of_two_models_are_not_put_together(tmp_path) -> None:
    job = solver_job("linear", tmp_path / "out")
    fit(job, silent)
    heads = job.output / "heads.json"
    whole = heads.read_text(encoding="utf-8")
    swapped = json.loads(whole)
    swapped["heads"][0]["labels"].reverse()
    heads.write_text(json.dumps(swapped), encoding="utf-8")
    with pytest.raises(EnvironmentLackError, match=r"not the one that was written with heads\.safetensors"):
        load_fitted(job)
    heads.write_text(whole, encoding="utf-8")
    load_fitted(job)


def test_weights_that_are_no_numbers_are_refused(tmp_path) -> None:
    head = Head("tag", ("O", "B"), "logistic", np.full((1, 2), np.nan, np.float32), np.zeros(2, np.float32))
    write_heads(tmp_path / "nan", [head], [{}], {})
    with pytest.raises(EnvironmentLackError, match="no numbers"):
        Kept.read("m", tmp_path / "nan")
