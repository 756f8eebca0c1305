"""Names, amounts and differences in plain words: what every sentence about results is made of."""

from __future__ import annotations

from collections.abc import Sequence

from bench.decision.board import Board, Column
from bench.metrics.catalogue import words_of
from bench.units import format_number, format_quantity

POINTS = 100.0
"""Points in a ratio of 1: people say "2 points of accuracy" for 0.02."""

NEARLY_NEVER = 0.01
"""A chance below this, or as near to certainty, is not told more exactly: draws do not show it."""

MOST_OTHERS = 5
"""Names in a list that a reader takes in; with more, four are named and the others counted."""

_OTHERS = {"share_of_best": "quality"}


def spoken(name: str) -> str:
    """Name a reading or metric as it reads inside a sentence.

    >>> spoken("latency_p95_s"), spoken("throughput_examples_per_s"), spoken("macro_f1")
    ('p95 latency', 'throughput (examples)', 'macro F1')
    """
    return _OTHERS.get(name) or words_of(name).phrase


def capital(text: str) -> str:
    """Give a text a capital at its start.

    >>> capital("energy per example")
    'Energy per example'
    """
    return text[:1].upper() + text[1:]


def amount(column: Column, value: float) -> str:
    """Write a value with its unit."""
    if column.name == "share_of_best":
        return f"{100 * value:.1f} % of the best"
    return format_quantity(value, column.unit)


def size(column: Column, difference: float) -> str:
    """Write the size of a difference: points for a ratio, else the quantity."""
    if column.unit == "ratio" and column.is_quality:
        points = abs(difference) * POINTS
        return f"{points:.1f} points" if points >= 0.05 else f"{points:.2g} points"
    if column.unit == "score":
        return format_number(abs(difference))
    return format_quantity(abs(difference), column.unit)


def difference(column: Column, delta: float) -> str:
    """Say how one candidate differs from another in one column, e.g. `12.0 ms lower p95 latency`."""
    return f"{size(column, delta)} {'higher' if delta > 0 else 'lower'} {spoken(column.name)}"


def differences(board: Board, row: int, other: int, most: int | None = None) -> str:
    """Say how `row` differs from `other` over the objectives, or the first `most` that differ, as one phrase; equal
    ones are left out."""
    deltas = [(board.columns[c], float(board.values[row, c] - board.values[other, c])) for c in range(board.objectives)]
    every = [difference(column, delta) for column, delta in deltas if delta != 0]
    parts = every[:most]
    others = ", among others" if len(parts) < len(every) else ""
    return f"{listed(parts)}{others}" if parts else "the same value in every objective"


def trade(board: Board, row: int, other: int) -> str:
    """Say what choosing `row` instead of `other` costs, then what it brings; equal objectives are left out."""
    worse: list[str] = []
    better: list[str] = []
    for c, column in enumerate(board.columns[: board.objectives]):
        delta = float(board.values[row, c] - board.values[other, c])
        if delta != 0:
            (better if delta * column.sign > 0 else worse).append(difference(column, delta))
    if worse and better:
        return f"with {listed(worse)}, but {listed(better)}"
    if not worse and not better:
        return "with the same value in every objective"
    whole = len(worse or better) == board.objectives > 1
    return f"{('worse' if worse else 'better') + ' in all:' if whole else 'with'} {listed(worse or better)}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Join words: `a, b and c`.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def percent(share: float) -> str:
    """Write a share as a percentage that never rounds to certainty.

    >>> percent(0.9997), percent(1.0), percent(0.615)
    ('over 99 %', '100 %', '62 %')
    """
    if 0.99 < share < 1:
        return "over 99 %"
    if 0 < share < 0.01:
        return "under 1 %"
    return f"{100 * share:.0f} %"


def chance(share: float) -> str:
    """Write a chance that was counted in draws: however many there are, they never show certainty.

    >>> chance(1.0), chance(0.0), chance(0.615)
    ('over 99 %', 'under 1 %', '62 %')
    """
    return percent(min(max(share, NEARLY_NEVER / 2), 1 - NEARLY_NEVER / 2))


def duration(seconds: float) -> str:
    """Write a duration for people, e.g. `about 3 min`."""
    if seconds < 1:
        return "under a second"
    for limit, factor, unit in ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (float("inf"), 3600.0, "h")):
        if seconds < limit:
            return f"about {seconds / factor:.0f} {unit}"
    return ""


def some(names: Sequence[str]) -> str:
    """Join the first few names, and count the rest.

    >>> some(["a", "b", "c", "d", "e", "f"])
    'a, b, c, d and 2 others'
    """
    if len(names) <= MOST_OTHERS:
        return listed(names)
    return listed([*names[: MOST_OTHERS - 1], f"{len(names) - MOST_OTHERS + 1} others"])


def where(board: Board) -> str:
    """Name what a board is about: the task in quotes, or `all tasks together`."""
    return f"'{board.task}'" if board.task else "all tasks together"


def are(count: int) -> str:
    """Choose `is` or `are`."""
    return "is" if count == 1 else "are"
