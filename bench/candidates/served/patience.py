"""Asks until there is an answer: bounded attempts, waits that grow, and no longer than a server asks for.

Only what is scored is asked for again. A timed request is sent once: its failure is what is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.candidates.served.client import Client
from bench.candidates.served.exchange import Ask, Exchange
from bench.candidates.served.keep import Spending
from bench.errors import EndpointError
from bench.suite.limits import parse_duration
from bench.units import format_quantity

FIRST_WAIT_S = 0.25
"""Before the second attempt; it doubles with each: a lost connection is back at once, a restarted server in seconds."""


@dataclass
class Patience:
    """Sends requests through a client, again where that may help."""

    client: Client
    spending: Spending
    retried: dict[str, int] = field(default_factory=dict)
    """Attempts that failed and were made again, by how they ended."""

    async def answer(self, ask: Ask) -> Exchange:
        """Send a request until it is answered.

        Raises:
            EndpointError: it is not, with why and what to do about it; or the budget is spent.
        """
        spec = self.client.spec
        for attempt in range(spec.retries + 1):
            exchange = await self.once(ask)
            if exchange.is_ok:
                return exchange
            if not exchange.may_pass or attempt == spec.retries:
                raise EndpointError(self._why(exchange, attempt + 1))
            wait_s = FIRST_WAIT_S * 2**attempt if exchange.retry_after_s is None else exchange.retry_after_s
            longest = parse_duration(spec.max_retry_wait)
            if exchange.retry_after_s is not None and wait_s > longest:
                raise EndpointError(
                    f"{spec.url} asks to wait {format_quantity(wait_s, 's')} ({exchange.problem}), longer than "
                    f"'server.max_retry_wait: {spec.max_retry_wait}'; raise it, or run the same command later"
                )
            self.retried[exchange.ending] = self.retried.get(exchange.ending, 0) + 1
            await asyncio.sleep(min(wait_s, longest))
        raise AssertionError("the last attempt returns or raises")

    async def once(self, ask: Ask, intended_ns: int | None = None) -> Exchange:
        """Send a request one time, whatever comes of it.

        Raises:
            EndpointError: the budget is spent.
        """
        self.spending.request()
        exchange = await self.client.send(ask, intended_ns)
        if not exchange.unread:
            self.spending.tokens(exchange.usage)
        return exchange

    @contextmanager
    def reading_later(self) -> Iterator[None]:
        """Only stamp what comes meanwhile; `read` is then called for each exchange. Where money is counted, it is read
        at once."""
        budget = self.client.spec.budget
        self.client.reads_later = budget is None or budget.max_cost is None
        try:
            yield
        finally:
            self.client.reads_later = False

    def read(self, exchange: Exchange) -> None:
        """Read what was only stamped, and count its tokens."""
        if exchange.unread:
            self.client.read(exchange)
            self.spending.tokens(exchange.usage)

    def check(self, exchange: Exchange) -> None:
        """Refuse a request without an answer.

        Raises:
            EndpointError: there is none, with why and what to do about it.
        """
        if not exchange.is_ok:
            raise EndpointError(self._why(exchange, 1))

    def _why(self, exchange: Exchange, attempts: int) -> str:
        spec = self.client.spec
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        remedies = {
            "unauthorised": f"see that the key in '{spec.api_key_env}' is valid"
            if spec.api_key_env
            else "name the variable with its key in 'api_key_env'",
            "refused": "see that 'url', 'model' and 'api' are those of the server, and that the prompt is not too long",
            "throttled": "lower 'batch_size', or raise 'server.retries'",
            "server_error": "look into the server's log",
            "unreachable": "see that the server runs and listens there",
            "timeout": "raise 'server.timeout' or 'server.silence', or lower max_new_tokens",
            "cut": "see why the server, or a proxy before it, ended the connection",
            "malformed": "see that 'url' and 'api' are those of a server with OpenAI's interface",
        }
        return f"{spec.url}: {exchange.problem}{tried}; {remedies[exchange.ending]}"
