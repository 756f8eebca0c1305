"""Fits with teachers: their order, their identity, and the mistakes that are told before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BenchError, SuiteError
from bench.planning import fit_jobs, make_plan, open_suite

RECIPE = """start: scratch
architecture: {layers: 1, d_model: 32, heads: 2, d_ff: 64, max_length: 64, vocab_size: 300}
steps: 10
learning_rate: 1.0e-3
warmup_steps: 2
"""
LABELS = ("red", "green")


def write(folder: Path, models: str) -> str:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for split, count in (("train", 30), ("validation", 8), ("test", 8)):
        rows = [{"text": f"{split} {n} is {LABELS[n % 2]}", "label": LABELS[n % 2]} for n in range(count)]
        (data / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "r.yaml").write_text(RECIPE)
    suite = folder / "suite.yaml"
    suite.write_text(
        f"name: s\nmodels:\n{models}tasks:\n  - {{name: colour, kind: classification, data: {{path: data}}}}\n"
    )
    return str(suite)


STUDENT = "  - {name: student, family: encoder, fit: {recipe: r.yaml, teacher: big}}\n"
BIG = "  - {name: big, family: transformer, fit: {recipe: r.yaml}}\n"


def test_the_teacher_is_fitted_first_even_when_only_the_student_is_asked_for(tmp_path: Path) -> None:
    located = open_suite(write(tmp_path, STUDENT + BIG))
    assert [job.model.name for job in make_plan(located, tmp_path / "results").fits] == ["big", "student"]
    jobs = fit_jobs(located, tmp_path / "results", only=["student"])
    assert [job.model.name for job in jobs] == ["big", "student"]
    teacher = jobs[1].teacher
    assert teacher is not None and teacher.model.checkpoint == str(jobs[0].output) and teacher.identity == jobs[0].id


def test_a_teacher_that_is_there_is_not_fitted_again_and_keeps_the_students_identity(tmp_path: Path) -> None:
    located = open_suite(write(tmp_path, STUDENT + BIG))
    before = fit_jobs(located, tmp_path / "results", only=["student"])
    before[0].output.mkdir(parents=True)
    (before[0].output / "provenance.json").write_text(json.dumps({"fit_id": before[0].id}))
    after = fit_jobs(located, tmp_path / "results", only=["student"])
    assert [job.model.name for job in after] == ["student"] and after[0].id == before[1].id
    (before[0].output / "provenance.json").write_text(json.dumps({"fit_id": "another"}))
    assert fit_jobs(located, tmp_path / "results", only=["student"])[0].id != before[1].id


def test_the_identity_includes_the_teacher(tmp_path: Path) -> None:
    alone = fit_jobs(open_suite(write(tmp_path, STUDENT.replace(", teacher: big", ""))), tmp_path)[0]
    taught = fit_jobs(open_suite(write(tmp_path, STUDENT + BIG)), tmp_path, only=["student"])[1]
    other = BIG.replace("transformer", "encoder")
    retaught = fit_jobs(open_suite(write(tmp_path, STUDENT + other)), tmp_path, only=["student"])[1]
    assert len({alone.id, taught.id, retaught.id}) == 3


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (STUDENT.replace("big", "bgi") + BIG, "the teacher 'bgi' is no model.*big"),
        (STUDENT + BIG.replace("r.yaml}", "r.yaml, teacher: student}"), "circle: student → big → student"),
        (STUDENT.replace("big", "student"), "circle: student → student"),
        (STUDENT + "  - {name: big, family: baseline, strategy: majority}\n", "is a baseline"),
    ],
)
def test_mistakes_are_told_with_their_place(models: str, said: str, tmp_path: Path) -> None:
    located = open_suite(write(tmp_path, models))
    with pytest.raises(SuiteError, match=f"models.*{said}"):
        make_plan(located, tmp_path / "results")


def test_no_scored_row_is_in_a_job(tmp_path: Path) -> None:
    located = open_suite(write(tmp_path, BIG))
    (tmp_path / "r.yaml").write_text(
        RECIPE + "folds: 2\nsearch: {method: random, trials: 2, space: {learning_rate: [1.0e-3]}}\n"
    )
    job = fit_jobs(located, tmp_path / "results")[0]
    texts = [e.columns["text"] for t in job.tasks for data in (t.train, t.validation) for e in data.examples]
    assert len(texts) == 38 and not any(text.startswith("test") for text in texts)
    (tmp_path / "r.yaml").write_text(RECIPE + "train_split: test\n")
    with pytest.raises(SuiteError, match="learns from the split 'test', which this task scores"):
        fit_jobs(located, tmp_path / "results")


def test_a_factorys_source_and_options_identify_its_fit(tmp_path: Path) -> None:
    own = "  - {name: own, family: torch-module, factory: 'mine:build', options: {n: 1}, fit: {recipe: f.yaml}}\n"
    (tmp_path / "mine.py").write_text("x = 1\n")
    path = write(tmp_path, own)
    (tmp_path / "f.yaml").write_text("start: factory\nsteps: 10\nlearning_rate: 0.01\nwarmup_steps: 0\n")
    first = fit_jobs(open_suite(path), tmp_path)[0]
    assert first.base == tmp_path.resolve()
    (tmp_path / "mine.py").write_text("x = 2\n")
    second = fit_jobs(open_suite(path), tmp_path)[0]
    write(tmp_path, own.replace("n: 1", "n: 2"))
    third = fit_jobs(open_suite(path), tmp_path)[0]
    assert len({first.id, second.id, third.id}) == 3


def plan_error(folder: Path, recipe: str, models: str = BIG) -> str:
    located = open_suite(write(folder, models))
    (folder / "r.yaml").write_text(recipe)
    with pytest.raises(BenchError) as caught:
        make_plan(located, folder / "results")
    return str(caught.value)


def test_what_would_stop_a_training_is_told_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = plan_error(tmp_path, RECIPE + "folds: 31\n")
    assert "models[0].fit" in said and "'folds: 31' needs 31 examples of colour" in said and "there are 30" in said
    tpe = RECIPE + "search: {method: tpe, trials: 2, space: {learning_rate: [1.0e-3]}}\n"
    monkeypatch.setattr("bench.planning.fit_checks.importlib.util.find_spec", lambda _: None)
    assert "model 'big': a search by 'tpe' needs Optuna" in plan_error(tmp_path, tpe)
    (tmp_path / "data" / "dev.jsonl").write_text(json.dumps({"text": "a", "label": "violet"}))
    said = plan_error(tmp_path, RECIPE + "train_split: dev\n")
    assert "tasks[0].data" in said and "has the label 'violet', which the scored data have not" in said


def test_a_checkpoint_of_other_training_data_is_stale(tmp_path: Path) -> None:
    path = write(tmp_path, BIG.replace("r.yaml}", "r.yaml, output: made}"))
    job = fit_jobs(open_suite(path), tmp_path / "results")[0]
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "config.json").write_text('{"labels": ["green", "red"]}')
    said = {"fit_id": job.id, "recipe_hash": job.recipe_hash, "data_hash": job.data_hash}
    (tmp_path / "made" / "provenance.json").write_text(json.dumps(said))

    def stale() -> bool:
        return make_plan(open_suite(path), tmp_path / "results").cells[0].to_run().stale_checkpoint

    assert not stale()
    with (tmp_path / "data" / "train.jsonl").open("a") as stream:
        stream.write("\n" + json.dumps({"text": "one more is red", "label": "red"}))
    assert stale()


def test_what_changed_since_the_first_checkpoints_is_in_the_identity_where_it_counts(tmp_path: Path) -> None:
    def identity(recipe: str, models: str = BIG, scoring: str = "") -> str:
        path = write(tmp_path, models)
        (tmp_path / "r.yaml").write_text(recipe)
        if scoring:
            text = Path(path).read_text()
            Path(path).write_text(text.replace("kind: classification,", f"kind: classification, scoring: {scoring},"))
        return fit_jobs(open_suite(path), tmp_path / "results")[0].id

    assert identity(RECIPE) == identity(RECIPE, scoring="head")
    assert identity(RECIPE) != identity(RECIPE, scoring="likelihood")
    assert identity(RECIPE) != identity(RECIPE + "accumulation: 2\n")
