"""Sends requests over HTTP and notes when what came. It retries nothing, and no error of the network leaves it.

The key is read from its variable when a client is made, and stands in no message: what a server says is searched for
it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bench.candidates.served.api import message_of, piece_of
from bench.candidates.served.events import END, Events, EventsError
from bench.candidates.served.exchange import Ask, Ending, Exchange
from bench.errors import EnvironmentLackError
from bench.suite import EndpointSpec
from bench.suite.limits import parse_duration
from bench.text import terminal_text

if TYPE_CHECKING:
    import aiohttp

MOST_BYTES = 1 << 26
"""Of one answer with all that the protocol puts around it."""
MOST_CHARACTERS = 1 << 20
"""Of the text of one answer: a thousand pages."""
CLOSING_S = 0.01
"""For connections to be closed in: aiohttp closes them in the event loop's next rounds."""
LAST = f"data: {END}".encode()
"""How the bytes of a stream end: within a text there would be a quote behind it."""
SHORTEST_KEY = 4
"""Characters below which a key is not searched for: it would be found in every word."""
HIDDEN = "…"
VERSION_HEADERS = ("x-engine-version", "x-vllm-version", "openai-version", "x-compute-type", "server")
SHOWN = 300

Clock = Callable[[], int]


def key_of(spec: EndpointSpec) -> str | None:
    """Read the key of an endpoint from its variable; None where it needs none.

    Raises:
        EnvironmentLackError: the variable is not set, or empty.
    """
    if spec.api_key_env is None:
        return None
    key = os.environ.get(spec.api_key_env, "").strip()
    if not key:
        raise EnvironmentLackError(
            f"the key of {spec.url} is to be in the variable '{spec.api_key_env}', which is not set; "
            f"export {spec.api_key_env}=…, or leave 'api_key_env' out of a server that asks for none"
        )
    if not key.isascii() or not key.isprintable():
        raise EnvironmentLackError(f"what the variable '{spec.api_key_env}' holds is no key; look at it")
    return key


class Client:
    """A connection pool to one server."""

    def __init__(self, spec: EndpointSpec, now: Clock = time.perf_counter_ns) -> None:
        self.spec = spec
        self._key = key_of(spec)
        self._now = now
        self.on_chunk: Callable[[], None] | None = None
        """Called right after each chunk of an answer is there."""
        self.reads_later = False
        """Whether streams are only stamped while they come, and read by `read` when there is time: under load, what the
        client does between two instants makes it late for the next."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Do nothing yet: the pool is made with the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
            await asyncio.sleep(CLOSING_S)

    def _pool(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            spec = self.spec
            headers = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity", **spec.headers}
            if self._key is not None:
                bearer = spec.api_key_header.lower() == "authorization"
                headers[spec.api_key_header] = f"Bearer {self._key}" if bearer else self._key
            limits = aiohttp.ClientTimeout(
                total=parse_duration(spec.timeout),
                sock_connect=parse_duration(spec.connect_timeout),
                sock_read=parse_duration(spec.silence),
            )
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=limits, headers=headers)
        return self._session

    def hide(self, text: str) -> str:
        """Take the key out of a text of the server's."""
        if self._key is None or len(self._key) < SHORTEST_KEY:
            return text
        return text.replace(self._key, HIDDEN)

    def shown(self, text: str) -> str:
        """Make a text of the server's safe to show: one line, without the key and what a terminal would obey."""
        return terminal_text(self.hide(" ".join(text.split()))[:SHOWN], keep="")

    async def send(self, ask: Ask, intended_ns: int | None = None) -> Exchange:
        """Send a request, and return what came of it; only a cancellation is raised.

        Args:
            ask: the request.
            intended_ns: when it should have been sent; by default now.
        """
        import aiohttp

        sent = self._now()
        exchange = Exchange(sent if intended_ns is None else intended_ns, sent)
        try:
            await self._exchange(ask, exchange)
        except TimeoutError as error:
            self.fail(exchange, "timeout", str(error) or f"no answer within {self.spec.timeout}")
        except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError) as error:
            self.fail(exchange, "cut" if exchange.status else "unreachable", str(error))
        except aiohttp.ClientPayloadError:
            self.fail(exchange, "cut", "the connection ended within the answer")
        except (aiohttp.ClientOSError, ConnectionError) as error:
            self.fail(exchange, "cut" if exchange.status else "unreachable", str(error) or type(error).__name__)
        except EventsError as error:
            self.fail(exchange, "malformed", f"the answer holds {error}")
        except (aiohttp.ClientError, ValueError) as error:
            self.fail(exchange, "malformed", str(error) or type(error).__name__)
        exchange.end_ns = self._now()
        exchange.text = self.hide(exchange.text)
        return exchange

    def fail(self, exchange: Exchange, ending: Ending, problem: str) -> None:
        """Note how a request failed."""
        exchange.ending, exchange.problem = ending, self.shown(problem)

    def _address(self, path: str) -> str:
        before, mark, query = self.spec.url.partition("?")
        return f"{before.rstrip('/')}/{path}{mark}{query}"

    async def _exchange(self, ask: Ask, exchange: Exchange) -> None:
        async with self._pool().post(self._address(ask.path), json=ask.body, allow_redirects=False) as response:
            exchange.status = response.status
            exchange.version = _version(response.headers)
            if response.status != 200:
                body = await _limited(response)
                self._refused(exchange, response.status, response.headers.get("Retry-After"), body)
            elif ask.streams and "text/event-stream" in response.headers.get("Content-Type", ""):
                await self._stream(response, exchange)
            else:
                self._whole(exchange, await _limited(response))

    def _refused(self, exchange: Exchange, status: int, wait: str | None, body: bytes) -> None:
        try:
            message = message_of(json.loads(body))
        except ValueError:
            message = body[:SHOWN].decode("utf-8", "replace")
        exchange.retry_after_s = wait_of(wait)
        self.fail(exchange, ending_of(status), f"status {status}" + (f": {message}" if message.strip() else ""))

    def _whole(self, exchange: Exchange, content: bytes) -> None:
        """Read an answer that came in one piece."""
        value = json.loads(content.decode("utf-8", "replace"))
        if not isinstance(value, dict):
            raise ValueError("the answer is no JSON object")
        self.add(exchange, value, self._now())
        exchange.whole = value

    async def _stream(self, response: aiohttp.ClientResponse, exchange: Exchange) -> None:
        reading, size = _Reading(self, exchange), 0
        while not reading.ended:
            received = await response.content.readany()
            now = self._now()
            if not received:
                break
            size += len(received)
            if size > MOST_BYTES:
                raise EventsError(f"more than {MOST_BYTES:,} bytes")
            if self.reads_later:
                exchange.unread.append((now, received))
                if received.rstrip().endswith(LAST):
                    break
            else:
                reading.feed(now, received)
        if not self.reads_later:
            reading.close()
        await _drained(response)

    def read(self, exchange: Exchange) -> None:
        """Read a stream that was only stamped while it came; nothing is left to do for any other answer."""
        pieces, exchange.unread = exchange.unread, []
        if not pieces:
            return
        reading = _Reading(self, exchange)
        try:
            for now, received in pieces:
                reading.feed(now, received)
            if exchange.is_ok:
                reading.close()
        except EventsError as error:
            self.fail(exchange, "malformed", f"the answer holds {error}")
        except ValueError as error:
            self.fail(exchange, "malformed", str(error) or type(error).__name__)
        exchange.text = self.hide(exchange.text)

    def add(self, exchange: Exchange, value: object, now: int) -> None:
        """Add one chunk, or a whole answer, to what came of a request."""
        piece = piece_of(self.spec, value)
        if piece.problem is not None and exchange.is_ok:
            self.fail(exchange, "server_error", f"an error within the answer: {piece.problem}")
        if piece.is_token:
            exchange.chunk_ns.append(now)
            if self.on_chunk is not None:
                self.on_chunk()
        exchange.text += piece.text
        if len(exchange.text) > MOST_CHARACTERS:
            raise EventsError(f"a text of more than {MOST_CHARACTERS:,} characters")
        exchange.finish = piece.finish or exchange.finish
        exchange.usage = piece.usage or exchange.usage
        exchange.served_model = piece.model or exchange.served_model

    async def ready(self, address: str | None = None) -> str | None:
        """Ask whether the server is there; returns why not, or None."""
        import aiohttp

        try:
            patience = aiohttp.ClientTimeout(total=5)
            async with self._pool().get(
                address or self._address("models"), allow_redirects=False, timeout=patience
            ) as response:
                return None if response.status == 200 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self.shown(str(error) or type(error).__name__)


class _Reading:
    """One stream of events, read piece by piece."""

    def __init__(self, client: Client, exchange: Exchange) -> None:
        self._client, self._exchange, self._events = client, exchange, Events()
        self.ended = False

    def feed(self, now: int, received: bytes) -> None:
        """Read bytes that came at an instant; raises `EventsError` or `ValueError` where they are none of the
        protocol."""
        for data in self._events.feed(received):
            self.ended = self.ended or data.strip() == END
            if not self.ended:
                self._client.add(self._exchange, json.loads(data), now)

    def close(self) -> None:
        """Take note that nothing more comes."""
        if not self.ended and self._exchange.finish is None:
            self._client.fail(self._exchange, "cut", "the stream ended without saying why")


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    while received := await response.content.readany():
        content += received
        if len(content) > MOST_BYTES:
            raise EventsError(f"more than {MOST_BYTES:,} bytes")
    return bytes(content)


async def _drained(response: aiohttp.ClientResponse) -> None:
    """Read what is left behind the end, so that the connection can be used again; nothing, mostly."""
    try:
        async with asyncio.timeout(0.05):
            await response.content.readany()
    except (TimeoutError, OSError):
        response.close()


def _version(headers: object) -> str | None:
    """Collect what headers tell about the server."""
    get = getattr(headers, "get", None)
    stated = [] if get is None else [f"{name}: {get(name)}" for name in VERSION_HEADERS if get(name)]
    return terminal_text("; ".join(stated)[:SHOWN], keep="") or None


def ending_of(status: int) -> Ending:
    """Tell what a status of HTTP other than 200 means for a request.

    >>> ending_of(401), ending_of(404), ending_of(429), ending_of(503)
    ('unauthorised', 'refused', 'throttled', 'server_error')
    """
    if status in (401, 403):
        return "unauthorised"
    if status == 429:
        return "throttled"
    if status == 408:
        return "timeout"
    return "server_error" if status >= 500 else "refused"


def wait_of(header: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date of HTTP; None where it says nothing.

    >>> wait_of("1.5"), wait_of("soon"), wait_of("Wed, 21 Oct 2015 07:28:00 GMT")
    (1.5, None, 0.0)
    """
    if header is None:
        return None
    try:
        seconds = float(header)
        return max(0.0, seconds) if seconds < float("inf") else None
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
