"""Load a task's examples: rows from a file, the Hub or a built-in corpus, under the names that the task's kind expects.

What a user must know of the data is counted, never corrected: duplicates, empty references, rows left out by a limit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.data.answers import Place, Value, encodable
from bench.data.base import OPTIONAL_COLUMNS, Column, Columns, Dataset, Example
from bench.digest import content_hash
from bench.errors import DataError, nearest
from bench.suite import DataSpec

Row = Mapping[str, object]
MISSING = object()


def load(spec: DataSpec, columns: Columns, *, base: Path, max_examples: int | None = None, seed: int = 42) -> Dataset:
    """Load the examples of one split.

    Args:
        spec: where they come from.
        columns: that the task's kind reads.
        base: folder that relative paths are relative to.
        max_examples: more rows are subsampled with `seed`; the data's order is kept.
        seed: of the subsample.

    Raises:
        DataError: a file is missing, a row cannot be read, or a column is not there.
        HubError: the Hub does not serve the data.
    """
    _check_mapping(spec, columns)
    rows, origin, notes = _rows(spec, base)
    if not rows:
        raise DataError(f"{origin}: no rows in the split '{spec.split}'; check the file and the split")
    chosen = _subsample(len(rows), max_examples, seed)
    examples = tuple(_example(place, row, rows[row], columns, spec, origin) for place, row in enumerate(chosen))
    _check_optional(spec, columns, rows, origin)
    _check_groups(examples, chosen, origin)
    kept = [[example.id, example.group, dict(example.columns)] for example in examples]
    counted = {
        "rows_available": len(rows),
        "duplicates": len(examples) - len({_input_key(example, columns) for example in examples}),
        "duplicate_ids": len(examples) - len({example.id for example in examples}),
        "empty_references": sum(_is_empty(columns.value(example)) for example in examples),
    }
    return Dataset(examples, content_hash(kept), origin, counted | notes)


def overlap(first: Dataset, second: Dataset, columns: Columns) -> int:
    """Count the inputs of `second` that occur in `first`: a model trained on the one must not be scored on those."""
    seen = {_input_key(example, columns) for example in first.examples}
    return sum(_input_key(example, columns) in seen for example in second.examples)


def _input_key(example: Example, columns: Columns) -> tuple[object, ...]:
    """Return the inputs of an example as something that can be an element of a set."""
    values = (example.columns.get(column.name) for column in columns.inputs)
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def _is_empty(reference: object) -> bool:
    texts = reference if isinstance(reference, list) else [reference]
    return not any(str(text).strip() for text in texts)


def _check_mapping(spec: DataSpec, columns: Columns) -> None:
    """Refuse `columns` that map a name which the kind does not have."""
    column_names = (*(column.name for column in columns.all), *OPTIONAL_COLUMNS)
    for name in spec.columns:
        if name not in column_names:
            raise DataError(
                f"'columns' maps '{name}', which this kind of task does not use; {nearest(name, column_names)}"
                f"{columns.scope}"
            )


def _check_optional(spec: DataSpec, columns: Columns, rows: Sequence[Row], origin: str) -> None:
    """Refuse a column that may be missing and is mapped to one that no row has."""
    for name in (*(column.name for column in columns.all if column.optional), *OPTIONAL_COLUMNS):
        wanted = spec.columns.get(name)
        if wanted is not None and all(_reach(row, wanted) is MISSING for row in rows):
            raise DataError(
                f"{origin}: no row has the column '{wanted}', which 'columns' maps to '{name}'; "
                f"{nearest(wanted, map(str, rows[0]))}"
            )


def _check_groups(examples: Sequence[Example], chosen: Sequence[int], origin: str) -> None:
    """Refuse data of which some rows have a group and others none: intervals could not be clustered."""
    without = [row for example, row in zip(examples, chosen, strict=True) if example.group is None]
    if 0 < len(without) < len(examples):
        raise DataError(
            f"{origin}: row {without[0] + 1} has no 'group', and {len(examples) - len(without)} of {len(examples)} "
            "rows have one; give every row a group (its id, where it stands alone), or leave the column out"
        )


def _rows(spec: DataSpec, base: Path) -> tuple[Sequence[Row], str, dict[str, object]]:
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


def _subsample(count: int, most: int | None, seed: int) -> list[int]:
    if most is None or count <= most:
        return list(range(count))
    return sorted(random.Random(seed).sample(range(count), most))


def _example(place: int, number: int, row: Row, columns: Columns, spec: DataSpec, origin: str) -> Example:
    values: dict[str, Value] = {}
    for column in columns.all:
        wanted = spec.columns.get(column.name, column.name)
        value = _raw(row, column, wanted)
        if column.optional and (value is MISSING or value is None):
            values[column.name] = ""
            continue
        if value is MISSING:
            present = ", ".join(map(str, row))
            raise DataError(
                f"{origin}: row {number + 1} has no column '{wanted}' (it has: {present}); "
                f"{nearest(wanted, map(str, row))} Map it with 'columns: {{{column.name}: …}}'"
            )
        values[column.name] = column.read(value, Place(f"{origin}: row {number + 1}", wanted), values)
    optional = {name: _reach(row, spec.columns.get(name, name)) for name in OPTIONAL_COLUMNS}
    identity, group = (
        None if value is MISSING or value is None else encodable(str(value), f"{origin}: row {number + 1}: '{name}'")
        for name, value in optional.items()
    )
    return Example(place, identity if identity is not None else str(number), values, group)


def _raw(row: Row, column: Column, wanted: str) -> object:
    """Look up a column's value by the name that the suite maps, else by its own or another usual name."""
    value = _reach(row, wanted)
    if value is not MISSING or wanted != column.name:
        return value
    values = (_reach(row, name) for name in column.aliases)
    return next((value for value in values if value is not MISSING), MISSING)


def _reach(row: object, path: str) -> object:
    """Look up the value at a dotted path, or `MISSING`; a column whose own name has dots is found first.

    Not a number is what pandas writes where there is nothing: None.
    """
    if isinstance(row, Mapping) and path in row:
        return None if _is_nan(row[path]) else row[path]
    for part in path.split("."):
        if isinstance(row, list) and part.isdigit() and int(part) < len(row):
            row = row[int(part)]
        elif isinstance(row, Mapping) and part in row:
            row = row[part]
        else:
            return MISSING
    return None if _is_nan(row) else row


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
