"""Load a task's examples: rows from a file, the Hub or a built-in corpus, under the names that the task's kind expects.

What a user must know of the data is counted, never corrected: duplicates, empty references, rows left out by a limit.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.base import OPTIONAL_COLUMNS, Columns, Dataset
from bench.data.examples import MISSING, Builder, Count, Examples, Row, hashable, reach
from bench.errors import DataError, nearest
from bench.suite import DataSpec


def load(
    spec: DataSpec,
    columns: Columns,
    *,
    base: Path,
    max_examples: int | None = None,
    seed: int = 42,
    whole: Dataset | None = None,
    labelled: bool = False,
) -> Dataset:
    """Load the examples of one split.

    Every row is read, also where a limit leaves most of them out; a large file is never held whole.

    Args:
        spec: where they come from.
        columns: that the task's kind reads.
        base: folder that relative paths are relative to.
        max_examples: more rows are subsampled with `seed`; the data's order is kept.
        seed: of the subsample.
        whole: the same split without a limit, where it was loaded before: then all rows have been read.
        labelled: whether what is expected are labels, one or a list of them.

    Raises:
        DataError: a file is missing, a row cannot be read, or a column is not there.
        HubError: the Hub does not serve the data.
    """
    _check_mapping(spec, columns)
    rows, origin, notes = _rows(spec, base)
    survey = _Survey(rows, _mapped_optional(spec, columns))
    available = _available(survey, max_examples) if whole is None else len(whole.examples)
    chosen = _subsample(available, max_examples, seed)
    examples = Examples(survey if available is None else rows, chosen, Builder(spec, columns, origin))
    count = Count(columns, labelled)
    held = count.of(examples)
    if not count.examples:
        raise DataError(f"{origin}: no rows in the split '{spec.split}'; check the file and the split")
    if whole is None:
        survey.check_optional(origin)
    _check_groups(count, chosen, origin)
    examples.length = count.examples
    counted = {"rows_available": count.examples if available is None else available, **count.notes()}
    return Dataset(held or examples, count.hash.finish(), origin, counted | notes, count.expected, count.inputs)


def _available(survey: _Survey, max_examples: int | None) -> int | None:
    """Count the rows, where it matters how many there are before they are taken."""
    return None if max_examples is None else sum(1 for _ in survey)


@dataclass(slots=True)
class _Survey:
    """Rows, of which it is noted while they are read which columns that may be missing are there."""

    rows: Iterable[Row]
    wanted: dict[str, str]
    """By the kind's name of a column that may be missing: the name that it is mapped to, until a row has it."""
    names: list[str] = field(default_factory=list)
    """Of the first row."""

    def __iter__(self) -> Iterator[Row]:
        """Read the rows."""
        if self.wanted:
            return self._noted()
        return iter(self.rows)

    def _noted(self) -> Iterator[Row]:
        for row in self.rows:
            if self.wanted:
                self.names = self.names or list(map(str, row))
                self.wanted = {name: path for name, path in self.wanted.items() if reach(row, path) is MISSING}
            yield row

    def check_optional(self, origin: str) -> None:
        """Refuse a column that may be missing and is mapped to one that no row has."""
        for name, path in self.wanted.items():
            raise DataError(
                f"{origin}: no row has the column '{path}', which 'columns' maps to '{name}'; "
                f"{nearest(path, self.names)}"
            )


def _mapped_optional(spec: DataSpec, columns: Columns) -> dict[str, str]:
    """Return the columns that may be missing and are mapped, each with the name that it is mapped to."""
    optional = (*(column.name for column in columns.all if column.optional), *OPTIONAL_COLUMNS)
    return {name: spec.columns[name] for name in optional if spec.columns.get(name) is not None}


def overlap(first: Dataset, second: Dataset, columns: Columns) -> int:
    """Count the inputs of `second` that occur in `first`: a model trained on the one must not be scored on those."""
    seen = set(_input_hashes(first, columns))
    return sum(value in seen for value in _input_hashes(second, columns))


def _input_hashes(dataset: Dataset, columns: Columns) -> Iterable[int]:
    """Give a hash of each input; those that were taken while the examples were counted, where they were."""
    if dataset.inputs is not None:
        return dataset.inputs
    names = [column.name for column in columns.inputs]
    return (hash(hashable(example.columns, names)) for example in dataset.examples)


def _check_mapping(spec: DataSpec, columns: Columns) -> None:
    """Refuse `columns` that map a name which the kind does not have."""
    column_names = (*(column.name for column in columns.all), *OPTIONAL_COLUMNS)
    for name in spec.columns:
        if name not in column_names:
            raise DataError(
                f"'columns' maps '{name}', which this kind of task does not use; {nearest(name, column_names)}"
                f"{columns.scope}"
            )


def _check_groups(count: Count, chosen: Sequence[int] | None, origin: str) -> None:
    """Refuse data of which some rows have a group and others none: intervals could not be clustered."""
    place = count.first_without_group
    if count.grouped and place is not None:
        row = place if chosen is None else chosen[place]
        raise DataError(
            f"{origin}: row {row + 1} has no 'group', and {count.grouped} of {count.examples} "
            "rows have one; give every row a group (its id, where it stands alone), or leave the column out"
        )


def _rows(spec: DataSpec, base: Path) -> tuple[Iterable[Row], str, dict[str, object]]:
    """Read the rows; give them with their origin for people and facts about the source."""
    if spec.path is not None:
        from bench.data import files

        path = files.find(base / spec.path.expanduser(), spec.split)
        return files.read(path), str(path), {}
    if spec.hub is not None:
        from bench.data import hub

        origin = f"{spec.hub}/{spec.config or 'default'}/{spec.split}@{spec.revision or 'main'}"
        return hub.read(spec.hub, spec.config, spec.split, spec.revision), origin, {"revision": spec.revision}
    if spec.builtin == "pydocs":
        from bench.data import pydocs

        config = spec.config or "text"
        facts: dict[str, object] = {"python_version": pydocs.python_version()}
        return (
            pydocs.rows(config, spec.split),
            f"pydocs/{config}/{spec.split} of Python {pydocs.python_version()}",
            facts,
        )
    from bench.data import waybills

    facts = {"babel_version": waybills.babel_version()}
    return waybills.rows(spec.split), f"waybills/{spec.split} version {waybills.VERSION}", facts


def _subsample(count: int | None, most: int | None, seed: int) -> Sequence[int] | None:
    """Choose rows by their numbers, in their order; None where all are taken."""
    if count is None or most is None or count <= most:
        return None
    return sorted(random.Random(seed).sample(range(count), most))
