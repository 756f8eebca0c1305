"""Doubts for people: the same doubt of several cells said once, with where it holds."""

from __future__ import annotations

from dataclasses import dataclass

from bench.record import Doubt
from bench.report.text import REASON_LIMIT, cut, short
from bench.report.view import RunView
from bench.report.wording import listed, plural

SHOWN = 3
"""Places of a doubt that are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class DoubtGroup:
    """The same doubt of several cells."""

    code: str
    message: str
    """Of the first cell, and how many others there are."""
    remedy: str
    where: str
    """How many cells, and the first of them."""
    count: int


def doubt_groups(view: RunView) -> list[DoubtGroup]:
    """Group the doubts by code and remedy, those of most cells first."""
    raised: dict[tuple[str, str], list[tuple[str, Doubt]]] = {}
    for entry in view.entries:
        for doubt in entry.doubts:
            raised.setdefault((doubt.code, doubt.remedy), []).append((entry.cell.label, doubt))
    ordered = sorted(raised.items(), key=lambda item: (-len({label for label, _ in item[1]}), item[0]))
    return [_group(code, remedy, held) for (code, remedy), held in ordered]


def _group(code: str, remedy: str, held: list[tuple[str, Doubt]]) -> DoubtGroup:
    labels = list(dict.fromkeys(label for label, _ in held))
    message = held[0][1].message
    more = len({doubt.message for _, doubt in held}) - 1
    extra = f" (and {plural(more, 'similar message')})" if more > 0 else ""
    return DoubtGroup(
        code=code,
        message=cut(message, REASON_LIMIT) + extra,
        remedy=cut(remedy, REASON_LIMIT),
        where=f"{plural(len(labels), 'cell')}: {listed([short(label) for label in labels], SHOWN)}",
        count=len(held),
    )
