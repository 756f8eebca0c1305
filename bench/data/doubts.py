"""Raise the doubts about a task's data, from the facts that were counted when it was loaded; nothing is corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.doubts import Evidence, examined
from bench.record import Doubt


def data_doubts(
    notes: Mapping[str, object],
    train_overlap: int | None,
    rows: int,
    readings: tuple[str, ...] = (),
    overlooked: Sequence[Mapping[str, object]] = (),
) -> list[Doubt]:
    """Examine the data with every catalogued doubt of the stage `data`.

    Args:
        notes: of the `Dataset`.
        train_overlap: scored inputs that are among those the model was trained on; None where that is not known.
        rows: that are scored.
        readings: the task's metrics.
        overlooked: references that metrics do not read (`bench.tasks.metrics.overlooked`).
    """
    counted = {"data": {**notes, "rows": rows}, "train_overlap": train_overlap, "overlooked": list(overlooked)}
    return examined("data", Evidence(metrics=readings, notes=counted))
