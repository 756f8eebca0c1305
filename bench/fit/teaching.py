"""Knowledge distillation: what a student learns from another model of the suite.

Labels of a head are learnt from the teacher's scores of every training text, computed once; any family can teach
them. Texts are learnt token by token where teacher and student are of one family and share a vocabulary, and else
from the teacher's own generations (Kim and Rush, "Sequence-Level Knowledge Distillation", 2016).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.candidates import FAMILIES
from bench.candidates.interface import Context, Decoding, Model, check_parts
from bench.data.base import Dataset, Example
from bench.errors import BenchError, FitError
from bench.fit.job import FitJob, FitTask, Teacher, headed, learning_of
from bench.suite import VariantSpec
from bench.tasks import KINDS
from bench.tasks.choosing import ability_of, scoring_of

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

A = TypeVar("A")

BATCH = 32
"""Texts that the teacher reads at once: a guess that fits small machines."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A job with the teacher's answers in it, and what token-level distillation needs while training."""

    job: FitJob
    net: nn.Module | None = None
    """The teacher's module, for the tokens' distributions."""
    tokenizer: PreTrainedTokenizerBase | None = None
    """The teacher's, which a student trained from scratch takes over."""
    methods: tuple[str, ...] = ()
    """By task: `labels`, `tokens` or `generations`."""


def prepare(job: FitJob, device: str, notify: Callable[[str], None]) -> Lesson:
    """Prepare the lesson of a job; one without a teacher as it is.

    Raises:
        FitError: the teacher has no checkpoint, or knows other labels or tokens than the student is to learn.
    """
    teacher = job.teacher
    if teacher is None:
        return Lesson(job)
    _check_there(job, teacher)
    tasks, methods, net, tokenizer = [], [], None, None
    for task in job.tasks:
        model = _load(teacher, task, device)
        method = _method(job, task, model)
        notify(f"teacher '{teacher.name}' answers {len(task.train.examples)} examples of {task.spec.name} ({method})")
        methods.append(f"{task.spec.name}: {method}")
        if method == "tokens":
            net, tokenizer = model.facts().module, tokenizer_of(model)
            if net is not None:
                net.eval()
            tasks.append(task)
        elif method == "labels":
            tasks.append(replace(task, soft=_soft(teacher, task, model)))
        else:
            tasks.append(replace(task, train=_rewritten(job, teacher, task, model)))
    return Lesson(replace(job, tasks=tuple(tasks)), net, tokenizer, tuple(methods))


def tokenizer_of(model: Model) -> PreTrainedTokenizerBase | None:
    """Find the tokenizer of a loaded model; None for one that has none."""
    tokenizer: PreTrainedTokenizerBase | None = getattr(model, "tokenizer", None)
    return tokenizer


def _check_there(job: FitJob, teacher: Teacher) -> None:
    checkpoint = teacher.model.checkpoint
    if teacher.model.fit is not None and not Path(str(checkpoint)).is_dir():
        raise FitError(
            f"model '{job.model.name}': its teacher '{teacher.name}' has no checkpoint yet; run "
            f"'bench fit SUITE --only {teacher.name}' first"
        )


def _load(teacher: Teacher, task: FitTask, device: str) -> Model:
    texts = tuple(task.spec.label_names.get(label, label) for label in task.labels)
    scoring = scoring_of(teacher.model.family, task.spec)
    context = Context(device, ability_of(task.spec.kind, scoring), task.labels, texts, scoring=scoring)
    try:
        model = FAMILIES[teacher.model.family].load(teacher.model, VariantSpec(), context)
        check_parts(model)
    except BenchError as error:
        raise FitError(f"the teacher '{teacher.name}' cannot teach the task '{task.spec.name}': {error}") from error
    return model


def _method(job: FitJob, task: FitTask, model: Model) -> str:
    asked, teacher = job.training.distil, job.teacher
    assert teacher is not None
    if headed(job.model.family, task.spec):
        return "generations" if asked == "generations" else "labels"
    if asked == "generations":
        return "generations"
    why = _why_not_tokens(job, teacher, model)
    if why is None:
        return "tokens"
    if asked == "logits":
        raise FitError(f"model '{job.model.name}': {why}; set 'distil: generations' or 'auto'")
    return "generations"


def _why_not_tokens(job: FitJob, teacher: Teacher, model: Model) -> str | None:
    """Explain why the student cannot learn the teacher's distributions over tokens, or None where it can."""
    tokenizer = tokenizer_of(model)
    if teacher.model.family != job.model.family or tokenizer is None:
        return f"its teacher '{teacher.name}' is of the family {teacher.model.family}, not {job.model.family}"
    taught = tokenizer.get_vocab()
    shape = job.training.architecture
    if shape is not None:
        if len(taught) <= shape.vocab_size:
            return None
        return f"its vocabulary of {shape.vocab_size} is smaller than the {len(taught)} tokens of '{teacher.name}'"
    own = learning_of(job.model).tokenizer(job.model).get_vocab()
    if own == taught:
        return None
    return f"its vocabulary ({len(own)}) is not that of '{teacher.name}' ({len(taught)})"


def _asked(teacher: Teacher, task: FitTask, examples: Sequence[Example]) -> list[str]:
    template = teacher.templates[task.spec.name]
    return KINDS[task.spec.kind].texts(template, examples)


def _batched(texts: Sequence[str], model: Model, answer: Callable[[list[str]], Sequence[A]]) -> list[A]:
    """Collect the answer to each text, asked in batches of like lengths."""
    order = sorted(range(len(texts)), key=lambda place: model.length(texts[place]))
    answers: dict[int, A] = {}
    for at in range(0, len(order), BATCH):
        places = order[at : at + BATCH]
        answers.update(zip(places, answer([texts[place] for place in places]), strict=True))
    return [answers[place] for place in range(len(texts))]


def _soft(teacher: Teacher, task: FitTask, model: Model) -> dict[int, tuple[float, ...]]:
    examples = task.train.examples
    answers = _batched(_asked(teacher, task, examples), model, model.classify)
    return {example.index: tuple(answer.scores) for example, answer in zip(examples, answers, strict=True)}


def _rewritten(job: FitJob, teacher: Teacher, task: FitTask, model: Model) -> Dataset:
    """Replace the share `alpha` of the training split's references by the teacher's answers."""
    rng = random.Random(f"{job.training.seed}/teacher")
    chosen = [example for example in task.train.examples if rng.random() < job.training.alpha]
    answers = dict(zip([e.index for e in chosen], _answers(teacher, task, model, chosen), strict=True))
    column = KINDS[task.spec.kind].columns.expected
    examples = tuple(
        replace(example, columns=dict(example.columns) | {column: answers[example.index]})
        if answers.get(example.index)
        else example
        for example in task.train.examples
    )
    return replace(task.train, examples=examples, origin=f"{task.train.origin}, taught by {teacher.name}")


def _answers(teacher: Teacher, task: FitTask, model: Model, examples: Sequence[Example]) -> list[str]:
    kind = KINDS[task.spec.kind]
    if kind.labelled:
        rows = _batched(_asked(teacher, task, examples), model, model.classify)
        return [task.labels[max(range(len(row.scores)), key=row.scores.__getitem__)] for row in rows]
    if "generate" not in model.abilities:
        raise FitError(f"the teacher '{teacher.name}' writes no text, which '{task.spec.name}' would have to learn")
    decoding = Decoding(task.spec.max_new_tokens)
    if kind.ability == "log_likelihood":
        begun = [_first_half(kind.columns.reference_text(example)) for example in examples]
        rest = _batched(begun, model, lambda texts: model.generate(texts, decoding))
        return [f"{start} {answer.text.strip()}".strip() for start, answer in zip(begun, rest, strict=True)]
    answers = _batched(_asked(teacher, task, examples), model, lambda texts: model.generate(texts, decoding))
    return [answer.text for answer in answers]


def _first_half(text: str) -> str:
    words = text.split()
    return " ".join(words[: max(len(words) // 2, 1)])
