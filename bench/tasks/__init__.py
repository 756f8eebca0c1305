"""Kinds of tasks: the table of names, their default prompts, and how a prompt is rendered. Imports no kind
until loaded."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from bench.errors import InputError, nearest
from bench.registry import Table
from bench.suite import ModelSpec, TaskSpec

KINDS = Table(
    "kind of task",
    "bench.tasks",
    {
        "classification": "bench.tasks.classification:Classification",
        "summarisation": "bench.tasks.generation:Generation",
        "translation": "bench.tasks.generation:Generation",
        "language-modelling": "bench.tasks.language_modelling:LanguageModelling",
    },
)
"""Class of each kind, made with `(spec: TaskSpec, bound: Bound)`."""

VERSIONS = {"classification": 2, "summarisation": 2, "translation": 2, "language-modelling": 1}
"""Raised when a kind scores differently, so that old cells are not taken for new ones."""

INPUT_COLUMN = {
    "classification": "text",
    "summarisation": "document",
    "translation": "source",
    "language-modelling": "text",
}
"""What a model reads when no prompt applies."""

REFERENCE_COLUMN = {
    "classification": "label",
    "summarisation": "summary",
    "translation": "target",
    "language-modelling": "text",
}

PROMPTED_FAMILIES = ("causal-lm", "seq2seq", "transformer")
"""Families that read a prompt; the others read the input column alone."""

DEFAULT_PROMPTS: dict[tuple[str, str], str] = {
    ("classification", "causal-lm"): "{text}\nLabel:",
    ("classification", "seq2seq"): "classify: {text}",
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
    for _, name, _, _ in _parsed(template):
        if name is not None and name != INPUT_COLUMN[task.kind]:
            raise InputError(
                f"the prompt of task '{task.name}' names '{{{name}}}'; {nearest(name, [INPUT_COLUMN[task.kind]])} "
                "Write {{ and }} for braces."
            )
    return template


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
