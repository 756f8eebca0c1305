"""How many requests per second a server answers at most: a ladder of closed loops, each with twice as many requests
under way.

Where throughput no longer grows while the time in the server does, it is saturated: that is the slope by which a queue
shows itself. Little's law (requests under way = throughput × time in the server) holds in every rung of a sound
measurement; where it does not, the client was too slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure.load.level import NS_PER_S, Level, Send, closed_level

GROWTH = 1.05
"""Throughput of twice as many requests under way, below which a rung has nothing more to give."""
SLOWER = 1.5
"""Mean time in the server of twice as many requests under way, from which they wait for each other."""
LITTLE = 0.1
"""By how much Little's law may be off."""
MOST_UNDER_WAY = 512
SETTLING = 0.2
"""Share of a rung that is left out at its beginning, while its requests are sent together."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One closed loop."""

    concurrency: int
    rate: float
    """Answers per second."""
    mean_s: float
    """Mean time in the server."""
    failed: int

    @property
    def little(self) -> float:
        """Throughput × time in the server over requests under way: 1 where Little's law holds."""
        return self.rate * self.mean_s / self.concurrency


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the ladder found."""

    rate: float
    """Answers per second of the fastest rung."""
    rungs: tuple[Rung, ...]
    saturated: bool
    """Whether more requests under way gave no more answers; else the server may do more."""

    @property
    def lawful(self) -> bool:
        """Tell whether Little's law holds in every rung."""
        return all(abs(rung.little - 1) <= LITTLE for rung in self.rungs)

    @property
    def knee(self) -> int:
        """The fewest requests under way that give 95 % of the capacity."""
        return next(rung.concurrency for rung in self.rungs if rung.rate * GROWTH >= self.rate)


@dataclass(frozen=True, slots=True)
class Load:
    """What a load showed."""

    capacity: Capacity | None
    """None where the levels were given."""
    levels: tuple[Level, ...]
    """Open ones, in the order in which they were run; the control is the last."""
    order: tuple[int, ...]
    """Which example was sent at each place of a level, over and over."""


async def find_capacity(send: Send, rung_s: float, most: int = MOST_UNDER_WAY) -> Capacity:
    """Climb until the server is saturated.

    Args:
        send: sends one request.
        rung_s: seconds of each rung.
        most: requests under way at most.
    """
    rungs: list[Rung] = []
    concurrency, saturated = 1, False
    while concurrency <= most and not saturated:
        rungs.append(rung_of(await closed_level(send, concurrency, rung_s, least=4 * concurrency)))
        saturated = is_saturated(rungs)
        concurrency *= 2
    return Capacity(max(rung.rate for rung in rungs), tuple(rungs), saturated)


def is_saturated(rungs: Sequence[Rung]) -> bool:
    """Tell whether the last rung shows that there is no more to be had: no growth, and longer times or failures."""
    if len(rungs) < 2:
        return False
    before, last = rungs[-2:]
    return last.rate < GROWTH * before.rate and (last.mean_s >= SLOWER * before.mean_s or last.failed > before.failed)


def rung_of(level: Level) -> Rung:
    """Summarise a closed loop, its beginning left out.

    Answers are counted over the time from the end of the settling to the last moment at which all were under way.
    """
    assert level.concurrency is not None
    begun = min(row.exchange.sent_ns for row in level.requests)
    last_sent = max(row.exchange.sent_ns for row in level.requests)
    first = begun + int(SETTLING * (last_sent - begun))
    ended = [row for row in level.requests if row.exchange.is_ok and first < row.exchange.end_ns <= last_sent]
    failed = sum(not row.exchange.is_ok for row in level.requests)
    seconds = (last_sent - first) / NS_PER_S
    if not ended or seconds <= 0:
        good = [row for row in level.requests if row.exchange.is_ok]
        times = [row.latency_s for row in good]
        mean = sum(times) / len(times) if times else float("inf")
        return Rung(level.concurrency, len(good) / level.window_s, mean, failed)
    mean = sum(row.latency_s for row in ended) / len(ended)
    return Rung(level.concurrency, len(ended) / seconds, mean, failed)
