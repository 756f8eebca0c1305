"""From rows to examples: under the names that a task's kind expects, one by one, and counted on the way.

Of a large file no list is made. What reads its examples reads the file again, which takes no more memory than a row.
"""

from __future__ import annotations

import math
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from typing import overload

from bench.data.answers import KEEP_TEXT, Place, Value, encodable
from bench.data.base import OPTIONAL_COLUMNS, Column, Columns, Example
from bench.data.files import FileRows, marked
from bench.digest import ListHash
from bench.errors import DataError, nearest
from bench.suite import DataSpec

Row = Mapping[str, object]
MISSING = object()
HELD = 20_000
"""Examples that are kept in memory: some ten megabytes of usual texts. More are read again."""
FEW = 1000
"""Different expected texts and labels that are kept: more than any task has labels."""


class Builder:
    """Builds examples from the rows of one source."""

    def __init__(self, spec: DataSpec, columns: Columns, origin: str) -> None:
        self._columns = [
            (column, *_names(column, spec.columns.get(column.name, column.name))) for column in columns.all
        ]
        self._optional = [(name, spec.columns.get(name, name)) for name in OPTIONAL_COLUMNS]
        self._is_nested = any("." in wanted for _, wanted in self._optional)
        self._optional_names = frozenset(wanted for _, wanted in self._optional)
        self._origin = origin

    def build(self, place: int, number: int, row: Row) -> Example:
        """Build the example at a place from a row, numbered from 0.

        Raises:
            DataError: a column is not there, or its value is not what the kind reads.
        """
        values: dict[str, Value] = {}
        for column, wanted, names in self._columns:
            value = row.get(wanted, MISSING)
            if type(value) is str and value.isascii() and column.read in KEEP_TEXT:  # most values: nothing to read
                values[column.name] = value
                continue
            value = _first(row, names)
            if column.optional and (value is MISSING or value is None):
                values[column.name] = ""
                continue
            if value is MISSING:
                raise self._missing(number, row, column, wanted)
            values[column.name] = column.read(value, Place(self._origin, number, wanted), values)
        if not self._is_nested and self._optional_names.isdisjoint(row):  # as in most files
            return Example(place, str(number), values, None)
        identity, group = [self._text(number, name, reach(row, wanted)) for name, wanted in self._optional]
        return Example(place, identity if identity is not None else str(number), values, group)

    def _text(self, number: int, name: str, value: object) -> str | None:
        if value is MISSING or value is None:
            return None
        return encodable(str(value), Place(self._origin, number, name))

    def _missing(self, number: int, row: Row, column: Column, wanted: str) -> DataError:
        whole = wanted.rpartition(".")[0]
        inner = reach(row, whole) if whole else MISSING
        names = [f"{whole}.{name}" for name in inner] if isinstance(inner, dict) else list(map(str, row))
        return DataError(
            f"{self._origin}: row {number + 1} has no column '{wanted}' (it has: {', '.join(names)}); "
            f"{nearest(wanted, names)}; map it with 'columns: {{{column.name}: …}}'"
        )


def _names(column: Column, wanted: str) -> tuple[str, tuple[str, ...]]:
    """Return the name by which a column is mapped, and all under which it is looked up."""
    return wanted, (wanted, *column.aliases) if wanted == column.name else (wanted,)


def _first(row: Row, names: Sequence[str]) -> object:
    """Look up a column's value by the name that the suite maps, else by its own or another usual name."""
    for name in names:
        value = reach(row, name)
        if value is not MISSING:
            return value
    return MISSING


def reach(row: object, path: str) -> object:
    """Look up the value at a dotted path, or `MISSING`; a column whose own name has dots is found first.

    Not a number is what pandas writes where there is nothing: None.
    """
    if isinstance(row, dict):
        if path in row:
            return _no_nan(row[path])
        if "." not in path:
            return MISSING
    for part in path.split("."):
        if isinstance(row, list) and part.isdigit() and int(part) < len(row):
            row = row[int(part)]
        elif isinstance(row, dict) and part in row:
            row = row[part]
        else:
            return MISSING
    return _no_nan(row)


def _no_nan(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(slots=True)
class Examples(Sequence[Example]):
    """The examples of a source, built from its rows each time they are gone through."""

    rows: Iterable[Row]
    chosen: Sequence[int] | None
    """Numbers of the rows that are taken, ascending; None for all."""
    builder: Builder
    length: int = 0
    """Known once they were gone through."""

    def __iter__(self) -> Iterator[Example]:
        """Read the rows again, and build their examples."""
        build = self.builder.build
        for place, (number, row) in enumerate(self._numbered()):
            yield build(place, number, row)

    def _numbered(self) -> Iterator[tuple[int, Row]]:
        if self.chosen is None:
            yield from enumerate(self.rows)
        elif isinstance(self.rows, FileRows):
            yield from zip(self.chosen, self.rows.of(self.chosen), strict=True)
        else:
            yield from compress(enumerate(self.rows), marked(self.chosen))

    def __len__(self) -> int:
        """Count the examples."""
        return self.length

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        """Read the rows up to an example or several; whoever wants many in any order makes a tuple of all first."""
        if isinstance(index, slice):
            start, stop, step = index.indices(self.length)
            return tuple(islice(self, start, stop, step)) if step > 0 else tuple(self)[index]
        place = index + self.length if index < 0 else index
        if not 0 <= place < self.length:
            raise IndexError(index)
        return next(islice(self, place, None))


@dataclass(slots=True)
class Count:
    """What is counted of examples while they are read; nothing of them is kept but eight bytes of each hash."""

    columns: Columns
    labelled: bool = False
    """Whether what is expected are labels: one for each example, or a list of them."""
    may_be_none: bool = field(init=False)
    """Whether nothing may be right."""
    hash: ListHash = field(default_factory=ListHash)
    examples: int = 0
    grouped: int = 0
    """Examples that have a group."""
    first_without_group: int | None = None
    """Its place."""
    empty: int = 0
    inputs: array[int] = field(default_factory=lambda: array("q"))
    ids: array[int] = field(default_factory=lambda: array("q"))
    expected: frozenset[str] | None = None
    """The different expected texts, once all are counted; None when they are more than `FEW`."""
    _expected: set[str] = field(default_factory=set)
    _labels: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        reference = self.columns.reference
        self.may_be_none = reference is not None and reference.may_be_none

    def of(self, examples: Iterable[Example]) -> Sequence[Example] | None:
        """Count all examples, and return them; None when they are too many to be held."""
        held: list[Example] | None = []
        inputs, expected = tuple(column.name for column in self.columns.inputs), self.columns.expected
        for example in examples:
            self._add(example, inputs, expected)
            if held is not None:
                held.append(example)
                held = held if len(held) <= HELD else None
        self.expected = frozenset(self._expected) if len(self._expected) <= FEW else None
        return None if held is None else tuple(held)

    def _add(self, example: Example, inputs: Sequence[str], expected_name: str) -> None:
        values = example.columns
        self.hash.add([example.id, example.group, values])
        first = values[inputs[0]]
        alone = len(inputs) == 1 and type(first) is str
        self.inputs.append(hash(first if alone else hashable(values, inputs)))
        self.ids.append(hash(example.id))
        if example.group is not None:
            self.grouped += 1
        elif self.first_without_group is None:
            self.first_without_group = self.examples
        self.examples += 1
        expected = values[expected_name]
        text = expected if type(expected) is str else str(expected)
        if not self.may_be_none:
            self.empty += _is_empty(expected) if text is not expected else not text or text.isspace()
        if text not in self._expected and len(self._expected) <= FEW:
            self._expected.add(text)
        if self.labelled and len(self._labels) <= FEW:
            self._labels.update((expected,) if type(expected) is str else expected)

    def notes(self) -> dict[str, object]:
        """Return what a user must know of them."""
        alike = labels_alike(self._labels) if len(self._labels) <= FEW else []
        return {
            "duplicates": self.examples - _different(self.inputs),
            "duplicate_ids": self.examples - _different(self.ids),
            "empty_references": self.empty,
            **({"labels_alike": alike} if alike else {}),
        }


def labels_alike(labels: Iterable[str]) -> list[list[str]]:
    """Group labels that a reader would take for one: they differ in case, spaces, invisible characters, or in how an
    accent is written.

    >>> labels_alike(["pos", "Pos ", "neg"])
    [['Pos ', 'pos']]
    """
    groups: dict[str, list[str]] = {}
    for label in sorted(labels):
        plain = "".join(c for c in unicodedata.normalize("NFKC", label) if unicodedata.category(c) != "Cf")
        groups.setdefault(" ".join(plain.split()).casefold(), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def hashable(values: Mapping[str, Value], names: Sequence[str]) -> object:
    """Return some columns of an example as something that can be an element of a set."""
    if len(names) == 1 and type(value := values[names[0]]) is str:
        return value
    return tuple(tuple(value) if isinstance(value := values[name], list) else value for name in names)


def _is_empty(expected: Value) -> bool:
    if isinstance(expected, str):
        return not expected or expected.isspace()
    return not any(text.strip() for text in expected)


def _different(hashes: array[int]) -> int:
    """Count the different hashes; two different texts share one of 64 bits once in 30 million sets of a million."""
    if len(hashes) <= HELD:
        return len(set(hashes))
    import numpy as np

    ascending = np.sort(np.frombuffer(hashes, dtype=np.int64))
    return 1 + int(np.count_nonzero(ascending[1:] != ascending[:-1]))
