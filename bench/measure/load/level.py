"""One level of load: requests are sent when they are meant to be, or as many as are always under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.candidates.served.exchange import Exchange

NS_PER_S = 1_000_000_000
EARLY_NS = 300_000
"""How long before an instant the event loop wakes: its timer is late by up to so much, and then it yields until it is
time."""

Send = Callable[[int, int | None], Awaitable[Exchange]]
"""Sends the request of a number, counted through the whole load, with the moment for which it was intended."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One request of a level."""

    number: int
    """Its place in the schedule of the level."""
    exchange: Exchange

    @property
    def latency_s(self) -> float:
        """From the intended moment to the last byte; infinite where it failed."""
        exchange = self.exchange
        return (exchange.end_ns - exchange.intended_ns) / NS_PER_S if exchange.is_ok else float("inf")

    @property
    def ttft_s(self) -> float | None:
        """From the intended moment to the first text; infinite where it failed, None for an answer without text."""
        exchange = self.exchange
        if not exchange.is_ok:
            return float("inf")
        return None if exchange.first_ns is None else (exchange.first_ns - exchange.intended_ns) / NS_PER_S

    @property
    def tpot_s(self) -> float | None:
        """(Latency − TTFT) / (output tokens − 1), by the server's count; None below two tokens."""
        exchange = self.exchange
        if not exchange.is_ok:
            return float("inf")
        tokens = len(exchange.chunk_ns) if exchange.usage is None else exchange.usage.output_tokens
        if tokens < 2 or len(exchange.chunk_ns) < 2:
            return None
        return (exchange.chunk_ns[-1] - exchange.chunk_ns[0]) / NS_PER_S / (tokens - 1)

    @property
    def lag_s(self) -> float:
        """How much later than intended it was sent: the client's own part."""
        return (self.exchange.sent_ns - self.exchange.intended_ns) / NS_PER_S


@dataclass(frozen=True, slots=True)
class Level:
    """What one level showed."""

    offered_rate: float | None
    """Requests per second that were meant to be sent; None for a closed loop."""
    concurrency: int | None
    """Requests always under way in a closed loop; None for an open one."""
    window_s: float
    """Time in which requests were sent."""
    requests: tuple[Offered, ...]
    """In the order of their intended moments."""
    salted: bool = True


async def open_level(
    send: Send, instants: Sequence[float], window_s: float, rate: float, *, salted: bool = True
) -> Level:
    """Send requests at their instants, whatever became of those before, and wait for all.

    Args:
        send: sends one request, by its place.
        instants: seconds from the beginning.
        window_s: in which they lie.
        rate: that they were drawn for.
        salted: whether prompts have a beginning of their own.
    """
    begun = time.perf_counter_ns() + 10 * EARLY_NS
    tasks: list[asyncio.Task[Exchange]] = []
    loop = asyncio.get_running_loop()
    for place, instant in enumerate(instants):
        intended = begun + int(instant * NS_PER_S)
        await until(intended)
        tasks.append(loop.create_task(_sent(send, place, intended)))
    exchanges = await asyncio.gather(*tasks)
    rows = tuple(Offered(place, exchange) for place, exchange in enumerate(exchanges))
    return Level(rate, None, window_s, rows, salted)


async def _sent(send: Send, place: int, intended: int) -> Exchange:
    return await send(place, intended)


async def until(instant_ns: int) -> None:
    """Wait for an instant of `perf_counter_ns`; let others work to the last."""
    left = instant_ns - time.perf_counter_ns()
    if left > EARLY_NS:
        await asyncio.sleep((left - EARLY_NS) / NS_PER_S)
    while time.perf_counter_ns() < instant_ns:
        await asyncio.sleep(0)


async def closed_level(send: Send, concurrency: int, window_s: float, least: int = 0) -> Level:
    """Keep as many requests under way for a window, each sent when another ends.

    Args:
        send: sends one request, by its place.
        concurrency: requests under way.
        window_s: no request is sent after it.
        least: requests below which it goes on.
    """
    rows: list[Offered] = []
    begun = time.perf_counter_ns()
    end = begun + int(window_s * NS_PER_S)
    places = iter(range(1 << 62))
    started = 0

    async def work() -> None:
        nonlocal started
        while time.perf_counter_ns() < end or started < least:
            started += 1
            place = next(places)
            exchange = await send(place, None)
            rows.append(Offered(place, exchange))
            if not exchange.is_ok:
                await asyncio.sleep(FAILED_PAUSE_S)  # a server that refuses at once is not asked a million times

    await asyncio.gather(*(work() for _ in range(concurrency)))
    rows.sort(key=lambda row: row.number)
    return Level(None, concurrency, (time.perf_counter_ns() - begun) / NS_PER_S, tuple(rows))


FAILED_PAUSE_S = 0.05
