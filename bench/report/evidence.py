"""Doubts for people: the same doubt of several cells said once, with where it holds."""

from __future__ import annotations

from typing import Any

from bench.record import Doubt
from bench.report.text import REASON_LIMIT, cut, short
from bench.report.view import RunView
from bench.report.wording import listed, plural

SHOWN = 3
"""Places of a doubt that are named; the rest are counted."""


def doubt_groups(view: RunView) -> list[dict[str, Any]]:
    """Returns the doubts by code and remedy, those of most cells first."""
    found: dict[tuple[str, str], list[tuple[str, Doubt]]] = {}
    for entry in view.entries:
        for doubt in entry.doubts:
            found.setdefault((doubt.code, doubt.remedy), []).append((entry.cell.label, doubt))
    ordered = sorted(found.items(), key=lambda item: (-len({label for label, _ in item[1]}), item[0]))
    return [_group(code, remedy, held) for (code, remedy), held in ordered]


def _group(code: str, remedy: str, held: list[tuple[str, Doubt]]) -> dict[str, Any]:
    labels = list(dict.fromkeys(label for label, _ in held))
    message = held[0][1].message
    more = len({doubt.message for _, doubt in held}) - 1
    extra = f" (and {plural(more, 'similar message')})" if more > 0 else ""
    return {
        "code": code,
        "message": cut(message, REASON_LIMIT) + extra,
        "remedy": cut(remedy, REASON_LIMIT),
        "where": f"{plural(len(labels), 'cell')}: {listed([short(label) for label in labels], SHOWN)}",
        "count": len(held),
    }
