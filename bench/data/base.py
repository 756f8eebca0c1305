"""What a data source hands to a task: rows with the columns that the task's kind expects, and facts about
them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS: dict[str, tuple[str, ...]] = {
    "classification": ("text", "label"),
    "summarisation": ("document", "summary"),
    "translation": ("source", "target"),
    "language-modelling": ("text",),
    "multiple-choice": ("question", "choices", "answer"),
}
"""Columns that each kind of task needs."""

OPTIONAL_COLUMNS = ("id", "group")


@dataclass(frozen=True, slots=True)
class Example:
    """One row, under the names that the task's kind expects."""

    index: int
    id: str
    columns: Mapping[str, Any]
    """The kind's columns; values are str, except `choices` (list of str)."""
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The examples of one split, and what is known of them."""

    examples: tuple[Example, ...]
    hash: str
    """SHA-256 over the rows as used (after column mapping and subsampling)."""
    origin: str
    """For people: the path, the Hub name with revision, or the generator with its version."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """`rows_available`, `duplicates`, `empty_references`, `python_version`, …"""
