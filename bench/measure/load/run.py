"""The whole load of one served model: warm-up, capacity, levels at shares of it, a level without salt as a control."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.candidates.served.exchange import Ask, Ending, Exchange
from bench.candidates.served.patience import Patience
from bench.errors import EndpointError
from bench.measure.heap import frozen_heap
from bench.measure.load.arrivals import Arrivals, schedule
from bench.measure.load.capacity import Capacity, find_capacity
from bench.measure.load.capacity import Load as Load
from bench.measure.load.level import Level, Send, closed_level, open_level
from bench.measure.load.progress import Progress

SHARES = (0.3, 0.6, 0.8, 0.95)
"""Of the capacity, where the suite says `levels: auto`: light, usual, busy, and just before the queue grows."""
WARM_UP = 4
"""Requests of the warm-up for each that is under way."""
LOST: frozenset[Ending] = frozenset({"unreachable", "cut", "timeout", "server_error", "unauthorised"})
"""How the last request of a level ends where the server, the network or the key may be gone."""
WARM_UNDER_WAY = 8
"""Requests under way in the warm-up at most: a warm-up that floods the server leaves it a queue to work off."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is offered, and how."""

    prompts: tuple[str, ...]
    """Of the examples."""
    ask: Callable[[str], Ask]
    """Makes the request of a prompt."""
    arrivals: Arrivals = "poisson"
    trace: tuple[float, ...] = ()
    window_s: float = 10.0
    seed: int = 42
    salted: bool = True
    """Whether every request has a beginning of its own, so that no cache of prompts answers for the model."""


def salt(seed: int, level: int, place: int) -> str:
    """Make the beginning that only one request has.

    >>> salt(1, 0, 0) == salt(1, 0, 0), salt(1, 0, 0) == salt(1, 1, 0)
    (True, False)
    """
    return f"{random.Random(f'{seed}:{level}:{place}').getrandbits(32):08x} "


def order_of(count: int, seed: int) -> tuple[int, ...]:
    """Shuffle the examples: the same order for every candidate and every level."""
    order = list(range(count))
    random.Random(f"load:{seed}").shuffle(order)
    return tuple(order)


class Generator:
    """Offers load to one server.

    A level in which the server was lost is no level: whoever asks for one gets it whole, or an error.
    """

    def __init__(self, patience: Patience, asked: Asked) -> None:
        self._patience, self._asked = patience, asked
        self.order = order_of(len(asked.prompts), asked.seed)

    def _send(self, level: int, *, salted: bool) -> Send:
        asked, order = self._asked, self.order

        async def send(place: int, intended_ns: int | None) -> Exchange:
            prompt = asked.prompts[order[place % len(order)]]
            begin = salt(asked.seed, level, place) if salted else ""
            return await self._patience.once(asked.ask(begin + prompt), intended_ns)

        return send

    async def warm_up(self) -> None:
        """Open connections and let the server allocate, with few requests under way."""
        await closed_level(self._send(-1, salted=self._asked.salted), WARM_UNDER_WAY, 0.0, WARM_UP * WARM_UNDER_WAY)

    async def capacity(self, rung_s: float, most: int) -> Capacity:
        """Find out how much the server can do.

        Raises:
            EndpointError: the server is not there any more.
        """
        found = await find_capacity(self._send(-2, salted=self._asked.salted), rung_s, most)
        if found.rungs[-1].failed:
            await self._still_there("the ladder to its capacity")
        return found

    async def _still_there(self, behind: str) -> None:
        """Ask a server that answered the last request of some load with an error once more, patiently.

        Raises:
            EndpointError: there is no answer either.
        """
        begin = salt(self._asked.seed, -3, 0) if self._asked.salted else ""
        try:
            await self._patience.answer(self._asked.ask(begin + self._asked.prompts[0]))
        except EndpointError as error:
            raise EndpointError(f"lost under load, in {behind}: {error}") from error

    async def level(self, number: int, rate: float, *, salted: bool | None = None) -> Level:
        """Offer one open level.

        Raises:
            EndpointError: the server, the network or the key did not outlive it.
        """
        asked = self._asked
        with_salt = asked.salted if salted is None else salted
        instants = schedule(asked.arrivals, rate, asked.window_s, asked.seed, asked.trace)
        send = self._send(number, salted=with_salt)
        with frozen_heap(), self._patience.reading_later():
            level = await open_level(send, instants, asked.window_s, rate)
        for row in level.requests:
            self._patience.read(row.exchange)
        if level.requests and level.requests[-1].exchange.ending in LOST:
            await self._still_there(f"the level at {rate:.4g} requests a second")
        return replace(level, salted=with_salt)


async def run_load(
    patience: Patience,
    asked: Asked,
    rates: Sequence[float] | None = None,
    *,
    rung_s: float = 2.0,
    most: int = 512,
    progress: Progress | None = None,
) -> Load:
    """Warm up, find the capacity where no rates are given, and offer every level.

    Args:
        patience: to the server; its requests are sent once each.
        asked: what is offered.
        rates: requests per second of each level; None for shares of the capacity.
        rung_s: seconds of a rung of the ladder.
        most: requests under way at most on the ladder.
        progress: what an earlier attempt found before its server was lost; that is not asked for again.

    Raises:
        EndpointError: the server is lost; what it did before is kept in `progress`.
    """
    generator, kept = Generator(patience, asked), progress or Progress()
    await generator.warm_up()
    capacity = None
    if rates is None:
        capacity = kept.capacity() or kept.keep_capacity(await generator.capacity(rung_s, most))
        rates = [share * capacity.rate for share in SHARES] if capacity.rate > 0 else []
    plan = [(rate, asked.salted) for rate in rates] + ([(min(rates), False)] if asked.salted and rates else [])
    levels = [
        kept.level(number) or kept.keep_level(number, await generator.level(number, rate, salted=salted))
        for number, (rate, salted) in enumerate(plan)
    ]
    return Load(capacity, tuple(levels), generator.order)
