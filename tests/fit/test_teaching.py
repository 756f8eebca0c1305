"""What a student learns from a teacher, with tiny ones that were really fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.candidates.interface import Classified, Generated
from bench.errors import FitError
from bench.fit import teaching
from bench.fit.job import FitJob, Teacher
from bench.fit.session import fit
from bench.fit.teaching import prepare
from bench.suite import FitSpec, ModelSpec
from tests.fit.jobs import COLOURS, SHAPE, TEMPLATES, make_job


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teachers")


def fitted(family: str, kinds: tuple[str, ...], folder: Path, steps: int = 80) -> Teacher:
    """Returns a teacher that was fitted, once per session."""
    output = folder / "-".join((family, *kinds))
    if not output.is_dir():
        fit(make_job(family, output, kinds, steps=steps), lambda _: None)
    spec = ModelSpec(name="big", family=family, checkpoint=str(output))
    return Teacher("big", spec, "identity", {kind: TEMPLATES[kind] for kind in kinds})


def student(family: str, kinds: tuple[str, ...], teacher: Teacher, output: Path, **changes: Any) -> FitJob:
    return replace(make_job(family, output, kinds, teacher="big", **changes), teacher=teacher)


def test_a_head_learns_the_scores_of_a_teacher_of_another_family(folder: Path, tmp_path: Path) -> None:
    teacher = fitted("encoder", ("classification",), folder)
    job = student("transformer", ("classification",), teacher, tmp_path / "out", alpha=1.0)
    lesson = prepare(job, "cpu", lambda _: None)
    assert lesson.methods == ("classification: labels",) and lesson.net is None
    soft = lesson.job.tasks[0].soft
    assert soft is not None and len(soft) == 60
    for example in job.tasks[0].train.examples:
        scores = soft[example.index]
        assert list(COLOURS)[max(range(3), key=scores.__getitem__)] == example.columns["label"]
    provenance = fit(job, lambda _: None)
    assert provenance["final_validation_accuracy"] > 0.9  # with alpha 1 it never saw a label
    taught = provenance["teacher"]
    assert taught["name"] == "big" and taught["methods"] == ["classification: labels"]
    assert len(taught["weights_hash"]) == 64 and taught["cost"]["wall_s"] > 0


@pytest.mark.parametrize(
    ("family", "kind"),
    [("causal-lm", "language-modelling"), ("seq2seq", "translation"), ("transformer", "translation")],
)
def test_texts_are_learnt_token_by_token_within_a_family(family: str, kind: str, folder: Path, tmp_path: Path) -> None:
    teacher = fitted(family, (kind,), folder)
    job = student(family, (kind,), teacher, tmp_path / "out", alpha=1.0, steps=30)
    lesson = prepare(job, "cpu", lambda _: None)
    assert lesson.methods == (f"{kind}: tokens",) and lesson.net is not None
    provenance = fit(job, lambda _: None)
    assert provenance["validation_curve"][-1][1] < provenance["validation_curve"][0][1]
    plain = make_job(family, tmp_path / "plain", (kind,), steps=30)
    fit(plain, lambda _: None)
    assert (job.output / "model.safetensors").read_bytes() != (plain.output / "model.safetensors").read_bytes()


def test_other_vocabularies_are_taught_by_generations_or_refused(folder: Path, tmp_path: Path) -> None:
    teacher = fitted("seq2seq", ("translation",), folder)
    job = student("transformer", ("translation",), teacher, tmp_path / "out", alpha=1.0)
    lesson = prepare(job, "cpu", lambda _: None)
    assert lesson.methods == ("translation: generations",) and lesson.net is None
    model = teaching._load(teacher, job.tasks[0], "cpu")
    examples = lesson.job.tasks[0].train.examples
    asked = [f"german: {example.columns['source']}" for example in examples]
    from bench.candidates.interface import Decoding

    alone = [model.generate([text], Decoding(12))[0].text for text in asked[:8]]
    assert [example.columns["target"] for example in examples[:8]] == [
        text or old.columns["target"] for text, old in zip(alone, job.tasks[0].train.examples, strict=False)
    ]
    kept = job.tasks[0].validation
    assert lesson.job.tasks[0].validation is kept
    strict = student("transformer", ("translation",), teacher, tmp_path / "x", distil="logits")
    with pytest.raises(FitError, match=r"of the family seq2seq, not transformer.*distil: generations"):
        prepare(strict, "cpu", lambda _: None)


def test_a_student_from_a_checkpoint_with_another_vocabulary_is_told(folder: Path, tmp_path: Path) -> None:
    teacher = fitted("seq2seq", ("translation",), folder)
    shape = SHAPE.model_copy(update={"vocab_size": 340})
    fit(make_job("seq2seq", tmp_path / "other", steps=1, warmup_steps=0, architecture=shape), lambda _: None)
    start = {"start": "checkpoint", "architecture": None, "distil": "logits"}
    job = student("seq2seq", ("translation",), teacher, tmp_path / "out", **start)
    spec = job.model.model_copy(update={"checkpoint": str(tmp_path / "other")})
    with pytest.raises(FitError, match=r"its vocabulary \(\d+\) is not that of 'big'"):
        prepare(replace(job, model=spec), "cpu", lambda _: None)
    same = job.model.model_copy(update={"checkpoint": teacher.model.checkpoint})
    assert prepare(replace(job, model=same), "cpu", lambda _: None).methods == ("translation: tokens",)


class FakeTeacher:
    """Answers `blue` to all, and continues each text with one word."""

    abilities = frozenset({"classify", "generate"})
    tokenizer: Any = None

    def length(self, text: str) -> int:
        return len(text)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        return [Classified((0.1, 0.2, 0.7), 1) for _ in texts]

    def generate(self, texts: Sequence[str], decoding: Any) -> list[Generated]:
        return [Generated(f"after {text.split()[-1]}", 1, 1) for text in texts]


def test_generations_take_the_share_alpha_of_the_references(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(teaching, "_load", lambda *_: FakeTeacher())
    teacher = Teacher("big", ModelSpec(name="big", family="seq2seq", checkpoint="c"), "i", TEMPLATES)
    job = student("encoder", ("classification",), teacher, tmp_path / "o", distil="generations", alpha=0.5)
    lesson = prepare(job, "cpu", lambda _: None)
    old, new = job.tasks[0].train.examples, lesson.job.tasks[0].train.examples
    changed = sum(a.columns["label"] != b.columns["label"] for a, b in zip(old, new, strict=True))
    assert 10 < changed < 30  # 40 are not blue already; about half of them
    assert {b.columns["label"] for a, b in zip(old, new, strict=True) if a.columns != b.columns} == {"blue"}
    assert prepare(job, "cpu", lambda _: None).job.tasks[0].train.examples == new
    text = student("causal-lm", ("language-modelling",), teacher, tmp_path / "o", alpha=1.0)
    said = prepare(text, "cpu", lambda _: None).job.tasks[0].train.examples[4].columns["text"]
    assert said == "box 4 after 4"


def test_a_teacher_that_knows_other_labels_or_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    teacher = fitted("encoder", ("classification",), folder)
    job = student("encoder", ("classification",), teacher, tmp_path / "out")
    task = replace(job.tasks[0], labels=("red", "green", "violet"))
    with pytest.raises(FitError, match=r"cannot teach the task 'classification'.*violet"):
        prepare(replace(job, tasks=(task,)), "cpu", lambda _: None)
    spec = ModelSpec(
        name="big", family="encoder", checkpoint=str(tmp_path / "none"), fit=FitSpec(recipe=Path("r.yaml"))
    )
    with pytest.raises(FitError, match=r"has no checkpoint yet.*--only big"):
        prepare(replace(job, teacher=replace(teacher, model=spec)), "cpu", lambda _: None)
