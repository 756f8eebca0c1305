"""What happened to one shipment: facts drawn by a seeded generator, before any wording.

The draws use `random.Random.random` alone, the one method whose sequence Python promises to keep, so that the
corpus is the same on every platform and Python version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache
from operator import attrgetter
from random import Random
from typing import Any, TypeVar

from bench.data import waybills_words as words
from bench.data.waybills_words import Pair

T = TypeVar("T")

YEAR = 2025
FIRST_DEPARTURE = date(YEAR, 2, 3)
"""Late enough for an earlier month of the same year to be mentioned."""
DEPARTURE_DAYS = 285
"""Departures run to mid-November, so that every date of a note lies in one year."""
WINDOW_SHARE = 0.2
"""Share of notes that promise a span of days instead of one day."""
MID_MONTH = (10, 17)
"""Days of the month on which most promises fall. Event and promise then lie in one month, and the day of the
event alone says something of the status. Without that a 0.2 M encoder stayed at chance on the dated classes
for 1000 steps; with it the encoder left chance in the first hundreds (notes without asides: 0.82 of three
classes in 80 s)."""
MID_MONTH_SHARE = 0.85
"""Share of shipments with such a promise; for the rest any date will do, and months may differ."""


def pick(rng: Random, items: Sequence[T]) -> T:
    """Pick one of `items`, all equally likely."""
    return items[int(rng.random() * len(items))]


def between(rng: Random, low: int, high: int) -> int:
    """Draw an integer from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


@dataclass(frozen=True, slots=True)
class Facts:
    """One shipment, and the side matters that a note may mention."""

    status: str
    """One of `STATUSES`; for the dated ones it follows from `event`, `promised` and `promised_end`."""
    commodity: int
    package: str
    count: int
    number: int
    """Of the waybill, four digits."""
    origin: str
    destination: str
    consignee: str
    mode: Pair
    departure: date
    promised: date
    promised_end: date
    """Equal to `promised` unless a span of days was promised."""
    event: date
    """Arrival for dated statuses and damage; last sight of a lost shipment; the start of a customs hold."""
    affected: int
    """Damaged packages."""
    condition: Pair
    paper: Pair
    lost_in: str
    weight_t: float
    """Gross weight in tonnes."""
    value: int
    currency: str
    distance_km: int
    loading_h: int
    temperature_c: int
    via: tuple[str, ...]
    invoice: date
    next_departure: date
    other_destination: str
    other_status: str
    other_days: int
    """How late or early the earlier shipment was."""
    other_month: int
    office: str

    @property
    def days(self) -> int:
        """Days between the promise and the arrival: positive when late, negative when early, 0 within it."""
        if self.event > self.promised_end:
            return (self.event - self.promised_end).days
        return min(0, (self.event - self.promised).days)

    def key(self) -> str:
        """SHA-256 (hex) of the facts."""
        return hashlib.sha256(repr(_values(self)).encode()).hexdigest()


_values = attrgetter(*(each.name for each in fields(Facts)))
"""All fields in order, as they are: `dataclasses.astuple` copies each, for half the time of making the corpus."""


def _event(rng: Random, status: str, promise: tuple[date, date], departure: date) -> date:
    start, end = promise
    if status == "delayed":
        return end + timedelta(days=between(rng, 1, 12))
    if status == "early":
        return start - timedelta(days=between(rng, 1, min(8, (start - departure).days - 2)))
    if status == "on_time":
        return start + timedelta(days=between(rng, 0, (end - start).days))
    if status == "damaged":
        return start + timedelta(days=between(rng, -2, 4))
    return departure + timedelta(days=between(rng, 1, 6))


def _dates(rng: Random, status: str) -> tuple[date, date, date, date]:
    """Departure, first and last promised day, event."""
    mid_month = rng.random() < MID_MONTH_SHARE
    while True:
        departure = FIRST_DEPARTURE + timedelta(days=between(rng, 0, DEPARTURE_DAYS - 1))
        promised = departure + timedelta(days=between(rng, 6, 16))
        window = between(rng, 1, 4) if rng.random() < WINDOW_SHARE else 0
        promised_end = promised + timedelta(days=window)
        event = _event(rng, status, (promised, promised_end), departure)
        one_month = promised.month == promised_end.month == event.month
        if not mid_month or (one_month and MID_MONTH[0] <= promised.day <= MID_MONTH[1]):
            return departure, promised, promised_end, event


@cache
def _apart_from(*codes: str, overseas: bool = False) -> tuple[str, ...]:
    """List the countries of Europe, and those overseas if asked for, except `codes`."""
    countries = (*words.EUROPE, *(words.OVERSEAS if overseas else ()))
    return tuple(country for country in countries if country not in codes)


def draw(rng: Random) -> Facts:
    """Draw the facts of one shipment."""
    status = pick(rng, words.STATUSES)
    commodity = between(rng, 0, len(words.COMMODITIES) - 1)
    origin = pick(rng, words.EUROPE)
    destination = pick(rng, _apart_from(origin, overseas=True))
    overseas = destination in words.OVERSEAS
    departure, promised, promised_end, event = _dates(rng, status)
    count = between(rng, 6, 60)
    elsewhere = _apart_from(origin, destination)
    via = _distinct(rng, elsewhere, between(rng, 1, 3))
    return Facts(
        status=status,
        commodity=commodity,
        package=pick(rng, words.COMMODITIES[commodity].packages),
        count=count,
        number=between(rng, 1000, 9999),
        origin=origin,
        destination=destination,
        consignee=pick(rng, words.CONSIGNEES),
        mode=pick(rng, words.SEA_MODES if overseas else words.LAND_MODES),
        departure=departure,
        promised=promised,
        promised_end=promised_end,
        event=event,
        affected=between(rng, 2, min(12, count - 1)),
        condition=pick(rng, words.CONDITIONS),
        paper=pick(rng, words.PAPERS),
        lost_in=pick(rng, elsewhere),
        via=via,
        **_side_matters(rng, destination, (departure, promised_end), elsewhere),
    )


def _side_matters(rng: Random, destination: str, dates: tuple[date, date], elsewhere: Sequence[str]) -> dict[str, Any]:
    """Invent what a note may mention besides; `dates` are the departure and the last promised day."""
    departure, promised_end = dates
    overseas = destination in words.OVERSEAS
    return {
        "weight_t": between(rng, 3, 48) / 2,
        "value": between(rng, 4, 99) * 500,
        "currency": pick(rng, words.CURRENCIES),
        "distance_km": (between(rng, 400, 999) if overseas else between(rng, 40, 299)) * 10,
        "loading_h": between(rng, 2, 9),
        "temperature_c": between(rng, 2, 12),
        "invoice": departure - timedelta(days=between(rng, 1, 20)),
        "next_departure": promised_end + timedelta(days=between(rng, 10, 21)),
        "other_destination": pick(rng, _apart_from(destination)),
        "other_status": pick(rng, words.STATUSES),
        "other_days": between(rng, 2, 9),
        "other_month": between(rng, 1, departure.month - 1),
        "office": pick(rng, elsewhere),
    }


def _distinct(rng: Random, items: Sequence[str], count: int) -> tuple[str, ...]:
    left = list(items)
    chosen = []
    for _ in range(count):
        chosen.append(left.pop(int(rng.random() * len(left))))
    return tuple(chosen)
