"""What a load has shown before its server was lost: whole levels and the capacity, which are not asked for again.

A level that was under way is offered anew: a part of a window says nothing of its queue. Between processes a load goes
in the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from bench.candidates.served.exchange import Exchange, Usage
from bench.candidates.served.keep import Answers
from bench.measure.load.capacity import Capacity, Load, Rung
from bench.measure.load.level import Level, Offered

Kept: TypeAlias = Mapping[str, Any]
"""What a journal keeps of a load: JSON that this module wrote."""


class Progress:
    """Levels and capacity of one load, kept beside the answers of its cell; without `answers` nothing is kept."""

    def __init__(self, answers: Answers | None = None, name: str = "load") -> None:
        self._answers, self._name = answers, name
        self.reused = 0
        """Levels that were there already."""

    def _find(self, what: str) -> Kept | None:
        return None if self._answers is None else self._answers.look_up(f"{self._name}/{what}")

    def _keep(self, what: str, value: Mapping[str, object]) -> None:
        if self._answers is not None:
            self._answers.keep(f"{self._name}/{what}", value)

    def capacity(self) -> Capacity | None:
        """Read the capacity that an earlier attempt found."""
        kept = self._find("capacity")
        return None if kept is None else _capacity(kept)

    def keep_capacity(self, capacity: Capacity) -> Capacity:
        """Keep what the ladder found, and return it."""
        self._keep("capacity", asdict(capacity))
        return capacity

    def level(self, number: int) -> Level | None:
        """Read a level that an earlier attempt offered."""
        kept = self._find(f"level/{number}")
        if kept is None:
            return None
        self.reused += 1
        return _level(kept)

    def keep_level(self, number: int, level: Level) -> Level:
        """Keep a whole level, and return it."""
        self._keep(f"level/{number}", _document(level))
        return level


def document_of(load: Load) -> dict[str, object]:
    """Write a load as JSON-able values."""
    capacity = None if load.capacity is None else asdict(load.capacity)
    return {"capacity": capacity, "levels": [_document(level) for level in load.levels], "order": list(load.order)}


def load_of(document: Kept) -> Load:
    """Read a load back."""
    capacity = None if document["capacity"] is None else _capacity(document["capacity"])
    return Load(capacity, tuple(_level(level) for level in document["levels"]), tuple(document["order"]))


def _capacity(kept: Kept) -> Capacity:
    return Capacity(kept["rate"], tuple(Rung(**rung) for rung in kept["rungs"]), kept["saturated"])


def _level(kept: Kept) -> Level:
    rows = tuple(Offered(place, _exchange(row)) for place, row in enumerate(kept["rows"]))
    return Level(kept["rate"], None, kept["window_s"], rows, kept["salted"])


def _document(level: Level) -> dict[str, object]:
    rows = [_row(row.exchange) for row in level.requests]
    return {"rate": level.offered_rate, "window_s": level.window_s, "salted": level.salted, "rows": rows}


def _row(exchange: Exchange) -> dict[str, object]:
    usage = None if exchange.usage is None else [exchange.usage.input_tokens, exchange.usage.output_tokens]
    instants = [exchange.intended_ns, exchange.sent_ns, exchange.end_ns]
    return {
        "instants": instants,
        "chunks": exchange.chunk_ns,
        "ending": exchange.ending,
        "text": exchange.text,
        "usage": usage,
        "finish": exchange.finish,
        "served_model": exchange.served_model,
    }


def _exchange(row: Kept) -> Exchange:
    usage = None if row["usage"] is None else Usage(*row["usage"])
    intended_ns, sent_ns, end_ns = row["instants"]
    return Exchange(
        intended_ns,
        sent_ns,
        end_ns,
        list(row["chunks"]),
        row["ending"],
        text=row["text"],
        finish=row.get("finish"),
        usage=usage,
        served_model=row.get("served_model"),
    )
