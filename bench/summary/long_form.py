"""The readings of a run, one row for each, for programs that know nothing of bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.store.export import ReadingRow
from bench.summary.entry import LEVEL, Entry, Quantity, finite


def reading_rows(run: str, entries: Sequence[Entry]) -> list[ReadingRow]:
    """Make one row for each metric and reading of each cell, those without a value included.

    Args:
        run: its id.
        entries: of its cells.
    """
    return [row for entry in entries for row in _rows(run, entry)]


def _rows(run: str, entry: Entry) -> Iterator[ReadingRow]:
    sides: Mapping[str, Mapping[str, Quantity]] = {"quality": entry.quality, "efficiency": entry.efficiency}
    for about, quantities in sides.items():
        for name, quantity in quantities.items():
            yield ReadingRow(
                run=run,
                task=entry.cell.task,
                candidate=entry.candidate,
                model=entry.cell.model,
                variant=entry.cell.variant,
                about=about,
                reading=name,
                unit=quantity.unit,
                value=finite(quantity.value),
                low=finite(quantity.ci_low),
                high=finite(quantity.ci_high),
                n=quantity.n,
                level=LEVEL if quantity.is_at_level else None,
                higher_is_better=quantity.higher_is_better,
                source=quantity.source,
                reason=None if quantity.reason is None else quantity.reason.sentence,
            )
