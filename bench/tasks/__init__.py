"""Kinds of tasks: the table of names, their default prompts, and how a prompt is rendered. Imports no kind
until loaded."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from bench.errors import InputError, nearest
from bench.plugins import Table
from bench.suite import ModelSpec, TaskSpec

KINDS = Table(
    "kind of task",
    "bench.tasks",
    {
        "classification": "bench.tasks.classification:Classification",
        "multiple-choice": "bench.tasks.multiple_choice:MultipleChoice",
        "question-answering": "bench.tasks.question_answering:QuestionAnswering",
        "summarisation": "bench.tasks.generation:Generation",
        "translation": "bench.tasks.generation:Generation",
        "language-modelling": "bench.tasks.language_modelling:LanguageModelling",
    },
)
"""Class of each kind, made with `(spec: TaskSpec, bound: Bound)`."""

VERSIONS = {
    "classification": 4,
    "multiple-choice": 2,
    "question-answering": 2,
    "summarisation": 3,
    "translation": 3,
    "language-modelling": 2,
}
"""Raised when a kind scores differently, so that old cells are not taken for new ones."""

INPUT_COLUMN = {
    "classification": "text",
    "multiple-choice": "question",
    "question-answering": "question",
    "summarisation": "document",
    "translation": "source",
    "language-modelling": "text",
}
"""What a model reads when no prompt applies."""

PROMPT_COLUMNS = {"question-answering": ("question", "context")}
"""What a prompt may name, where that is more than the input column."""

REFERENCE_COLUMN = {
    "classification": "label",
    "multiple-choice": "answer",
    "question-answering": "answers",
    "summarisation": "summary",
    "translation": "target",
    "language-modelling": "text",
}

GENERATED_LABEL = "bench.tasks.generated_label:GeneratedLabel"
"""Class of a classification whose label is written, not scored."""

NEEDED_ABILITY = {
    "classification": "classify",
    "multiple-choice": "choose",
    "question-answering": "generate",
    "summarisation": "generate",
    "translation": "generate",
    "language-modelling": "log_likelihood",
}
"""What a model must be able to do, unless a label is generated."""

LIKELIHOODS = ("likelihood", "likelihood-per-token", "likelihood-per-byte")

CHOICE_SCORINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("classification", "encoder"): ("head",),
    ("classification", "causal-lm"): (*LIKELIHOODS, "generated", "head"),
    ("classification", "seq2seq"): (*LIKELIHOODS, "generated"),
    ("classification", "transformer"): ("head", *LIKELIHOODS, "generated"),
    ("classification", "torch-module"): ("head", "generated"),
    ("multiple-choice", "causal-lm"): LIKELIHOODS,
    ("multiple-choice", "seq2seq"): LIKELIHOODS,
    ("multiple-choice", "transformer"): LIKELIHOODS,
    ("multiple-choice", "torch-module"): ("likelihood", "likelihood-per-byte"),
}
"""Kind and family → the values of `scoring` that it can do, its own way first."""

PROMPTED_FAMILIES = ("causal-lm", "seq2seq", "transformer")
"""Families that read a prompt; the others read the input column alone."""

DEFAULT_PROMPTS: dict[tuple[str, str], str] = {
    ("classification", "causal-lm"): "{text}\nLabel:",
    ("classification", "seq2seq"): "classify: {text}",
    ("multiple-choice", "causal-lm"): "{question}\nAnswer:",
    ("question-answering", "causal-lm"): "{context}\nQuestion: {question}\nAnswer:",
    ("question-answering", "seq2seq"): "question: {question} context: {context}",
    ("question-answering", "transformer"): "question: {question} context: {context}",
    ("question-answering", "torch-module"): "{context}\n{question}",
    ("summarisation", "causal-lm"): "{document}\nSummary:",
    ("summarisation", "seq2seq"): "summarize: {document}",
    ("summarisation", "transformer"): "summarize: {document}",
    ("translation", "causal-lm"): "{source}\nTranslation:",
    ("translation", "seq2seq"): "translate: {source}",
    ("translation", "transformer"): "translate: {source}",
}
"""Kind and family → template; where there is none the input column is read as it is."""


def template_for(model: ModelSpec, task: TaskSpec) -> str:
    """Returns the prompt template of a model on a task: the model's own, else the task's, else the default.

    Raises:
        InputError: the template names a column that the kind does not have.
    """
    plain = "{" + INPUT_COLUMN[task.kind] + "}"
    chosen = model.prompts.get(task.name)
    if chosen is None and isinstance(task.prompt, dict):
        chosen = task.prompt.get(model.family)
    if chosen is None and isinstance(task.prompt, str) and model.family in PROMPTED_FAMILIES:
        chosen = task.prompt
    template = chosen or DEFAULT_PROMPTS.get((task.kind, model.family), plain)
    known = PROMPT_COLUMNS.get(task.kind, (INPUT_COLUMN[task.kind],))
    for _, name, _, _ in _parsed(template):
        if name is not None and name not in known:
            raise InputError(
                f"the prompt of task '{task.name}' names '{{{name}}}'; {nearest(name, known)} "
                "Write {{ and }} for braces."
            )
    return template


def scoring_of(family: str, task: TaskSpec) -> str:
    """Returns how a family chooses its answers on a task: the suite's way, else the family's; empty where nothing is
    chosen, or by a rule."""
    ways = CHOICE_SCORINGS.get((task.kind, family))
    asked = task.scoring.get(family) if isinstance(task.scoring, dict) else task.scoring
    return "" if ways is None else asked or ways[0]


def why_not_scored(family: str, task: TaskSpec) -> str | None:
    """Returns why a family cannot choose as the suite asks, or None when it can."""
    ways = CHOICE_SCORINGS.get((task.kind, family), ())
    asked = scoring_of(family, task)
    if not asked or asked in ways:
        return None
    return (
        f"'scoring: {asked}' of {task.kind} is not for the family '{family}', which does {', '.join(ways)}; give one "
        "scoring per family, such as 'scoring: {causal-lm: likelihood-per-byte}'"
    )


def ability_of(kind: str, scoring: str) -> str:
    """Returns what a model must be able to do for a task of a kind."""
    return "generate" if scoring == "generated" else NEEDED_ABILITY[kind]


def _parsed(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"the prompt {template!r} is no template: {error}; write {{{{ and }}}} for braces") from error


def render(template: str, columns: Mapping[str, Any]) -> str:
    """Returns the template with its columns filled in.

    >>> render("translate: {source}", {"source": "a {b}", "target": "c"})
    'translate: a {b}'
    """
    return template.format_map(columns)
