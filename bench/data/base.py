"""What a data source hands to a task: rows with the columns that the task's kind expects, and facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

COLUMNS: dict[str, tuple[str, ...]] = {
    "classification": ("text", "label"),
    "summarisation": ("document", "summary"),
    "translation": ("source", "target"),
    "language-modelling": ("text",),
    "multiple-choice": ("question", "choices", "answer"),
    "question-answering": ("question", "answers"),
}
"""Columns that each kind of task needs, the reference last."""

EXTRA_COLUMNS: dict[str, tuple[str, ...]] = {"question-answering": ("context",)}
"""Columns of a kind that may be missing: then they are empty."""

OPTIONAL_COLUMNS = ("id", "group")


Value = str | list[str]


@dataclass(frozen=True, slots=True)
class Example:
    """One row, under the names that the task's kind expects."""

    index: int
    id: str
    columns: Mapping[str, Value]
    """The kind's columns; values are texts, except `choices` and `answers` (lists of texts)."""
    group: str | None = None


def input_columns(kind: str) -> tuple[str, ...]:
    """Name the columns that a model is given; the text itself where there is no reference.

    >>> input_columns("multiple-choice"), input_columns("language-modelling")
    (('question', 'choices'), ('text',))
    """
    return (COLUMNS[kind][:-1] or COLUMNS[kind]) + EXTRA_COLUMNS.get(kind, ())


@dataclass(frozen=True, slots=True)
class Dataset:
    """The examples of one split, and what is known of them."""

    examples: tuple[Example, ...]
    hash: str
    """SHA-256 over the rows as used (after column mapping and subsampling)."""
    origin: str
    """For people: the path, the Hub name with revision, or the generator with its version."""
    notes: Mapping[str, object] = field(default_factory=dict)
    """`rows_available`, `duplicates`, `empty_references`, `python_version`, …"""


def reference_text(example: Example, kind: str) -> str:
    """Read the expected text: the first right answer where there are several, empty where there is none."""
    value = example.columns[COLUMNS[kind][-1]]
    if isinstance(value, str):
        return value
    return str(value[0]) if value else ""


def shown_input(example: Example, kind: str) -> str:
    """Write the input as a person reads it: choices one a line, a question before its context."""
    first = str(example.columns[COLUMNS[kind][0]])
    choices = [f"({place}) {choice}" for place, choice in enumerate(example.columns.get("choices", ()), start=1)]
    return "\n".join([first, *choices, *([str(example.columns["context"])] if example.columns.get("context") else [])])
