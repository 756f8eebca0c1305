"""What a data source hands to a task: rows with the columns that the task's kind expects, and facts about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.data.answers import Reader, Value, read_text

OPTIONAL_COLUMNS = ("id", "group")
"""Columns that every kind of task may have."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a kind of task reads."""

    name: str
    read: Reader = read_text
    """From the raw value to what the example holds."""
    optional: bool = False
    """Whether it may be missing: then it is the empty text."""
    may_be_none: bool = False
    """Whether an empty list is an answer, and not a missing one."""
    joined: bool = False
    """Whether a list is read as one line, such as the tokens of a sentence."""
    aliases: tuple[str, ...] = ()
    """Other names under which data sets have it, where the suite maps none."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind of task."""

    inputs: tuple[Column, ...]
    """What a model is given; the first is the input, read alone where no prompt applies."""
    reference: Column | None = None
    """What is expected; None where it is the input itself."""

    @property
    def input(self) -> str:
        """Name of the input's column."""
        return self.inputs[0].name

    @property
    def expected(self) -> str:
        """Name of the column that holds what is expected."""
        return self.input if self.reference is None else self.reference.name

    @property
    def all(self) -> tuple[Column, ...]:
        """Every column, in the order in which they are read: those that may be missing come last."""
        own = (*self.inputs, *(() if self.reference is None else (self.reference,)))
        return tuple(sorted(own, key=lambda column: column.optional))

    @property
    def scope(self) -> str:
        """Say, for a message, that a kind with one input reads nothing beside it; empty for other kinds."""
        if len(self.inputs) > 1:
            return ""
        return f" A model is given the column '{self.input}' alone; a pair of texts is the kind 'sentence-pairs'."

    def value(self, example: Example) -> object:
        """Look up what is expected: a text, or the list of all right answers."""
        return example.columns[self.expected]

    def reference_text(self, example: Example) -> str:
        """Look up the expected text: the first right answer where there are several, empty where there is none."""
        value = example.columns[self.expected]
        if isinstance(value, str):
            return value
        return str(value[0]) if value else ""

    def several(self, example: Example) -> tuple[str, ...] | None:
        """List all the right texts of an example; None where it has a single one."""
        value = example.columns[self.expected]
        return None if isinstance(value, str) else tuple(value)

    def shown(self, example: Example) -> str:
        """Write the input as a person reads it: choices one a line, a question before its context."""
        lines: list[str] = []
        for column in self.inputs:
            value = example.columns[column.name]
            if isinstance(value, list) and column.joined:
                lines.append(" ".join(value))
            elif isinstance(value, list):
                lines += [f"({place}) {choice}" for place, choice in enumerate(value, start=1)]
            elif value or not lines:
                lines.append(str(value))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Example:
    """One row, under the names that the task's kind expects."""

    index: int
    id: str
    columns: Mapping[str, Value]
    """The kind's columns; values are texts, except `choices`, `answers` and several references (lists of texts)."""
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The examples of one split, and what is known of them."""

    examples: Sequence[Example]
    """A tuple; of a large file they are read when they are asked for."""
    hash: str
    """SHA-256 over the rows as used (after column mapping and subsampling)."""
    origin: str
    """For people: the path, the Hub name with revision, or the generator with its version."""
    notes: Mapping[str, object] = field(default_factory=dict)
    """`rows_available`, `duplicates`, `empty_references`, `python_version`, …"""
    expected: frozenset[str] | None = field(default=None, compare=False)
    """The different expected texts, where they are few, as labels are; None where they are many or not known."""

    inputs: Sequence[int] | None = field(default=None, compare=False)
    """A hash of each input, of this process alone, where the examples were counted."""

    def expected_texts(self, columns: Columns) -> frozenset[str]:
        """Return the different expected values, as texts."""
        if self.expected is not None:
            return self.expected
        return frozenset(str(columns.value(example)) for example in self.examples)
