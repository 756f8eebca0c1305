"""What a reader must know of how the candidates of a task were compared, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import READINGS, canonical
from bench.decision.board import Column
from bench.decision.draws import is_estimate
from bench.summary import Entry, Quantity
from bench.words.wording import capital, listed, spoken


def found_in(entry: Entry, column: Column) -> Quantity | None:
    """Returns what a cell has in a column; None for a cell that did not end well."""
    if entry.status != "ok":
        return None
    return entry.quality.get(column.name) or entry.efficiency.get(column.name)


def dropped(task: str, asked: str, good: Sequence[Entry]) -> str:
    """Returns why an objective is left out of a task's front."""
    if not good:
        return f"{asked} is not known: no model finished '{task}'."
    name = canonical(asked, on_gpu=any(entry.on_gpu for entry in good))
    if name in READINGS:
        reasons = {q.reason.sentence for entry in good if (q := entry.efficiency.get(name)) is not None and q.reason}
        why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        return f"{asked} was measured for no model on '{task}'{why}: it is left out of this front."
    return f"{asked} is not a metric of '{task}': it is left out of this front."


def taken_as_read(
    task: str,
    names: Sequence[str],
    columns: Sequence[Column],
    quantities: Sequence[Sequence[Quantity | None]],
    as_read: NDArray[np.bool_],
) -> list[str]:
    """Returns which columns are compared as if they had no noise, though they are not exact: a sentence for those of
    the same models."""
    found: dict[str, list[str]] = {}
    for c, column in enumerate(columns):
        known = [m for m, row in enumerate(quantities) if (q := row[c]) is not None and q.value is not None]
        fixed = [m for m in known if as_read[m, c]]
        if fixed:
            whose = "" if len(fixed) == len(known) else f" for {listed([names[m] for m in fixed])}"
            found.setdefault(whose, []).append(spoken(column.name))
    return [_varies(task, names, whose) for whose, names in found.items()]


def _varies(task: str, columns: Sequence[str], whose: str) -> str:
    if len(columns) == 1:
        return (
            f"How much {columns[0]} on '{task}' varies is not known{whose}: it is compared as it was read, so a small "
            "difference in it may be chance."
        )
    return (
        f"How much {listed(columns)} on '{task}' vary is not known{whose}: they are compared as they were read, so a "
        "small difference in one of them may be chance."
    )


def of_estimates(task: str, good: Sequence[Entry], columns: Sequence[Column], objectives: int) -> list[str]:
    """Returns which objectives are estimates, and for whom."""
    remarks = []
    for column in columns[:objectives]:
        sources: dict[bool, list[str]] = {}
        for entry in good:
            quantity = found_in(entry, column)
            if quantity is not None and quantity.value is not None and not column.is_quality:
                sources.setdefault(is_estimate(quantity), []).append(entry.candidate)
        if len(sources) > 1:
            remarks.append(
                f"{capital(spoken(column.name))} on '{task}' is an estimate for {', '.join(sources[True])} and "
                f"measured for {', '.join(sources[False])}: the estimates enter with their whole range, and a rank "
                "between the two kinds means less than one within them."
            )
        elif True in sources:
            remarks.append(
                f"{capital(spoken(column.name))} on '{task}' is an estimate for every model: read it as a ranking, "
                "not as a measurement."
            )
    return remarks
