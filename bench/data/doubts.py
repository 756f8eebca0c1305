"""What is doubtful of a task's data, from the facts that were counted when it was loaded: said, never mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.record import Doubt


def data_doubts(
    notes: Mapping[str, Any], train_overlap: int | None, rows: int, readings: tuple[str, ...] = ()
) -> list[Doubt]:
    """Returns the doubts of scored data: repeated inputs and ids, empty references, rows that were learnt.

    Args:
        notes: of the `Dataset`.
        train_overlap: scored inputs that are among those the model was trained on; None where that is not known.
        rows: that are scored.
        readings: the task's metrics.
    """
    found = (
        (
            "train_overlap",
            train_overlap,
            f"{train_overlap} of {rows} scored inputs are also in the data that the model was trained on",
            "take them out of one of the two splits; until then the score says what was learnt by heart",
        ),
        (
            "duplicate_inputs",
            notes.get("duplicates"),
            f"{notes.get('duplicates')} of {rows} inputs are repeated",
            "leave the repeats out, or give them a common 'group', since intervals take examples for independent",
        ),
        (
            "duplicate_ids",
            notes.get("duplicate_ids"),
            f"{notes.get('duplicate_ids')} of {rows} ids are repeated, and runs are compared by the ids of examples",
            "map 'id' to a column that tells the rows apart",
        ),
        (
            "empty_references",
            notes.get("empty_references"),
            f"{notes.get('empty_references')} of {rows} references are empty",
            "fill them in or leave the rows out; an empty reference can only be matched by an empty answer",
        ),
    )
    return [Doubt(code, message, remedy, readings) for code, count, message, remedy in found if count]
