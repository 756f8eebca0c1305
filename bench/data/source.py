"""Loads a task's examples: rows from a file, the Hub or a built-in corpus, under the names that the task's
kind expects.

What a user must know of the data is counted, never mended: duplicates, empty references, rows left out by a
limit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.data.answers import answers_of, choices_of, right_choice
from bench.data.base import COLUMNS, EXTRA_COLUMNS, OPTIONAL_COLUMNS, Dataset, Example, input_columns
from bench.digest import content_hash
from bench.errors import DataError, nearest
from bench.suite import DataSpec

Row = Mapping[str, Any]
MISSING = object()


def load(spec: DataSpec, kind: str, *, base: Path, max_examples: int | None = None, seed: int = 42) -> Dataset:
    """Returns the examples of one split.

    Args:
        spec: where they come from.
        kind: of the task, a key of `COLUMNS`.
        base: folder that relative paths are relative to.
        max_examples: more rows are subsampled with `seed`; the data's order is kept.
        seed: of the subsample.

    Raises:
        DataError: a file is missing, a row cannot be read, or a column is not there.
        HubError: the Hub does not serve the data.
    """
    _check_mapping(spec, kind)
    rows, origin, notes = _rows(spec, base)
    if not rows:
        raise DataError(f"{origin}: no rows in the split '{spec.split}'; check the file and the split")
    chosen = _subsample(len(rows), max_examples, seed)
    examples = tuple(_example(place, row, rows[row], kind, spec, origin) for place, row in enumerate(chosen))
    _check_optional(spec, kind, rows, origin)
    _check_groups(examples, chosen, origin)
    reference = COLUMNS[kind][-1]
    kept = [[example.id, example.group, dict(example.columns)] for example in examples]
    inputs = [_input_hash(example, kind) for example in examples]
    counted = {
        "rows_available": len(rows),
        "duplicates": len(inputs) - len(set(inputs)),
        "duplicate_ids": len(examples) - len({example.id for example in examples}),
        "empty_references": sum(_is_empty(example.columns[reference]) for example in examples),
    }
    return Dataset(examples, content_hash(kept), origin, counted | notes)


def overlap(first: Dataset, second: Dataset, kind: str) -> int:
    """Returns how many inputs of `second` occur in `first`: a model trained on the one must not be scored on
    those."""
    seen = {_input_hash(example, kind) for example in first.examples}
    return sum(_input_hash(example, kind) in seen for example in second.examples)


def _input_hash(example: Example, kind: str) -> str:
    return content_hash([example.columns.get(name) for name in input_columns(kind)])


def _is_empty(reference: Any) -> bool:
    texts = reference if isinstance(reference, list) else [reference]
    return not any(str(text).strip() for text in texts)


def _check_mapping(spec: DataSpec, kind: str) -> None:
    """Raises `DataError` when `columns` maps a name that the kind does not have."""
    known = (*COLUMNS[kind], *EXTRA_COLUMNS.get(kind, ()), *OPTIONAL_COLUMNS)
    for name in spec.columns:
        if name not in known:
            raise DataError(f"'columns' maps '{name}', which {kind} does not use; {nearest(name, known)}")


def _check_optional(spec: DataSpec, kind: str, rows: Sequence[Row], origin: str) -> None:
    """Raises `DataError` when a column that may be missing is mapped to one that no row has."""
    for name in (*EXTRA_COLUMNS.get(kind, ()), *OPTIONAL_COLUMNS):
        wanted = spec.columns.get(name)
        if wanted is not None and all(_reach(row, wanted) is MISSING for row in rows):
            raise DataError(
                f"{origin}: no row has the column '{wanted}', which 'columns' maps to '{name}'; "
                f"{nearest(wanted, map(str, rows[0]))}"
            )


def _check_groups(examples: Sequence[Example], chosen: Sequence[int], origin: str) -> None:
    """Raises `DataError` when some rows have a group and others none: intervals could not be clustered."""
    without = [row for example, row in zip(examples, chosen, strict=True) if example.group is None]
    if 0 < len(without) < len(examples):
        raise DataError(
            f"{origin}: row {without[0] + 1} has no 'group', and {len(examples) - len(without)} of {len(examples)} "
            "rows have one; give every row a group (its id, where it stands alone), or leave the column out"
        )


def _rows(spec: DataSpec, base: Path) -> tuple[Sequence[Row], str, dict[str, Any]]:
    """Returns rows, their origin for people, and facts about the source."""
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
        facts = {"python_version": pydocs.python_version()}
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


def _example(place: int, number: int, row: Row, kind: str, spec: DataSpec, origin: str) -> Example:
    columns = {name: _value(row, name, number, spec, origin) for name in COLUMNS[kind]}
    for name in EXTRA_COLUMNS.get(kind, ()):
        there = _reach(row, spec.columns.get(name, name)) not in (MISSING, None)
        columns[name] = _value(row, name, number, spec, origin) if there else ""
    if "choices" in columns:
        where = f"{origin}: row {number + 1}: '{spec.columns.get('answer', 'answer')}'"
        columns["answer"] = right_choice(columns["answer"], columns["choices"], where)
    optional = {name: _reach(row, spec.columns.get(name, name)) for name in OPTIONAL_COLUMNS}
    identity, group = (None if value is MISSING or value is None else str(value) for value in optional.values())
    return Example(place, identity if identity is not None else str(number), columns, group)


def _value(row: Row, name: str, number: int, spec: DataSpec, origin: str) -> Any:
    wanted = spec.columns.get(name, name)
    value = _reach(row, wanted)
    if value is MISSING and wanted == "answers":
        value = _reach(row, "answer")
    if value is MISSING:
        present = ", ".join(map(str, row))
        raise DataError(
            f"{origin}: row {number + 1} has no column '{wanted}' (it has: {present}); "
            f"{nearest(wanted, map(str, row))} Map it with 'columns: {{{name}: …}}'"
        )
    where = f"{origin}: row {number + 1}: '{wanted}'"
    if name == "choices":
        return choices_of(value, where)
    if value is None:
        raise DataError(f"{where} is empty (null); give it a text or leave the row out")
    if name == "answers":
        return answers_of(value, where)
    if isinstance(value, (dict, list)):
        raise DataError(f"{where} is a {type(value).__name__}, not a text; name a part of it, such as '{wanted}.0'")
    return value if name == "answer" else str(value)


def _reach(row: Any, path: str) -> Any:
    """Returns the value at a dotted path, or `MISSING`; a column whose own name has dots is found first.

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


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
