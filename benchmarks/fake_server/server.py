"""The server itself: HTTP/1.1 on asyncio's streams, so that it can break the protocol wherever a test wants it to."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.fake_server.behaviour import HOSTILE_TEXT, Behaviour, Fault, answer_to, scored, tokens_of

MODEL = "fake-1"
SPIN_S = 0.0004
"""The event loop is woken so much before an instant, and yields until it is there: a timer alone is late by the
granularity of the poll."""
REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
REASONS |= {429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(slots=True)
class Ask:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    arrived_s: float


class Hangup(Exception):  # noqa: N818  it is no error: the server means it
    """The connection is closed, without an answer."""


@dataclass
class Fake:
    """A server, bound to a free port of the loopback."""

    behaviour: Behaviour
    port: int = 0
    answered: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The address below which a client finds the interface."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> asyncio.Server:
        """Listen; the port is known afterwards."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=1 << 24, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def hang_up(self) -> None:
        """Close every connection at once, as a server that is killed does."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, Hangup, asyncio.CancelledError):
            while True:
                ask = await _read(reader)
                await self._handle(ask, writer)
        self._writers.discard(writer)
        with suppress(Exception):
            writer.close()

    async def _handle(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        if ask.method == "GET":
            known = ask.path.endswith(("/models", "/health"))
            body = {"object": "list", "data": [{"id": MODEL, "object": "model"}]} if known else _problem("no such page")
            _whole(writer, 200 if known else 404, body)
            await writer.drain()
            return
        request = json.loads(ask.body or b"{}")
        number, self.answered = self.answered, self.answered + 1
        self.behaviour.bodies.append(request)
        self.behaviour.headers.append(ask.headers)
        if self._is_refused(number, ask, writer):
            await writer.drain()
            return
        prompt = prompt_of(request)
        fault = self.behaviour.fault_of(number, prompt)
        if await self._fails(fault, writer):
            return
        if request.get("echo") and not ask.path.endswith("/chat/completions"):
            _whole(writer, 200, self._echo(prompt, request))
            await writer.drain()
            return
        await self._answer(number, ask, request, prompt, fault, writer)

    def _is_refused(self, number: int, ask: Ask, writer: asyncio.StreamWriter) -> bool:
        given, behaviour = ask.headers.get("authorization", ""), self.behaviour
        expired = behaviour.expires_after is not None and number >= behaviour.expires_after
        if behaviour.key is None or (given == f"Bearer {behaviour.key}" and not expired):
            return False
        _whole(writer, 401, _problem(f"Incorrect API key provided: {given}. It may have expired."))
        return True

    async def _fails(self, fault: Fault | None, writer: asyncio.StreamWriter) -> bool:
        if fault is Fault.REFUSED:
            raise Hangup
        if fault is Fault.SLOW_HEADERS:
            await asyncio.sleep(self.behaviour.slow_s)
        statuses = {Fault.ERROR_500: 500, Fault.ERROR_400: 400, Fault.THROTTLED: 429, Fault.REDIRECT: 307}
        status = statuses.get(fault) if fault is not None else None
        if status is None:
            return False
        headers = {429: {"Retry-After": self.behaviour.retry_after}, 307: {"Location": "http://127.0.0.1:9/v1"}}
        _whole(writer, status, _problem(f"made to fail with {status}"), headers.get(status, {}))
        await writer.drain()
        return True

    def _echo(self, prompt: str, request: Mapping[str, Any]) -> dict[str, object]:
        choice: dict[str, object] = {"index": 0, "text": prompt, "finish_reason": "length", "logprobs": None}
        if self.behaviour.echoes and request.get("logprobs") is not None:
            pairs = scored(prompt)
            offsets = [len("".join(token for token, _ in pairs[:place])) for place in range(len(pairs))]
            choice["logprobs"] = {
                "tokens": [token for token, _ in pairs],
                "token_logprobs": [nats for _, nats in pairs],
                "text_offset": offsets,
                "top_logprobs": None,
            }
        tokens = len(tokens_of(prompt))
        return {"id": "e", "object": "text_completion", "model": MODEL, "choices": [choice], "usage": _usage(tokens, 0)}

    def _tokens(self, prompt: str, request: Mapping[str, Any], fault: Fault | None) -> list[str]:
        if fault is Fault.HUGE:
            return ["x" * self.behaviour.huge_bytes]
        if fault is Fault.HOSTILE:
            return tokens_of(HOSTILE_TEXT)
        answer = self.behaviour.answer or answer_to
        tokens = tokens_of(answer(prompt))
        if self.behaviour.tokens is not None:
            tokens = (tokens * self.behaviour.tokens)[: self.behaviour.tokens]
        most = request.get("max_tokens") or request.get("max_completion_tokens") or 16
        return _until_stop(tokens[:most], request.get("stop") or [])

    async def _answer(
        self,
        number: int,
        ask: Ask,
        request: Mapping[str, Any],
        prompt: str,
        fault: Fault | None,
        writer: asyncio.StreamWriter,
    ) -> None:
        tokens = self._tokens(prompt, request, fault)
        truth = self.behaviour.serve(number, ask.arrived_s, prompt, max(1, len(tokens)))
        chat = ask.path.endswith("/chat/completions")
        usage = None if fault is Fault.NO_USAGE else _usage(len(tokens_of(prompt)), len(tokens))
        if usage is not None and fault is Fault.WRONG_USAGE:
            usage["completion_tokens"] += 1000
        if not request.get("stream"):
            await _until(truth.token_s[-1])
            _whole(writer, 200, _completed(chat, "".join(tokens), usage))
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        asked_usage = (request.get("stream_options") or {}).get("include_usage")
        stream = Stream(writer, chat, fault, usage if asked_usage else None)
        await stream.send(tokens, truth.token_s)


@dataclass
class Stream:
    """One answer by server-sent events."""

    writer: asyncio.StreamWriter
    chat: bool
    fault: Fault | None
    usage: dict[str, int] | None

    async def send(self, tokens: list[str], instants: tuple[float, ...]) -> None:
        """Send every token at its instant, then the usage and the end."""
        if self.chat:
            self._event(_chunk(True, "", role=True))
        async for piece in self._pieces(tokens, instants):
            self._event(_chunk(self.chat, piece))
            if self.fault is Fault.DUPLICATED:
                self._event(_chunk(self.chat, ""))
            await self.writer.drain()
        self._event(_chunk(self.chat, "", finish="content_filter" if self.fault is Fault.FILTERED else "stop"))
        if self.usage is not None:
            self._event({"id": "s", "model": MODEL, "choices": [], "usage": self.usage})
        self._line(b"data: [DONE]\n\n")
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def _pieces(self, tokens: list[str], instants: tuple[float, ...]) -> AsyncIterator[str]:
        held = ""
        for place, (token, instant) in enumerate(zip(tokens, instants, strict=False)):
            await _until(instant)
            await self._break(place, len(tokens))
            held += token
            if self.fault is Fault.TWO_TOKENS_A_CHUNK and place % 2 == 0 and place + 1 < len(tokens):
                continue
            yield held
            held = ""

    async def _break(self, place: int, count: int) -> None:
        """Do what the fault asks for before a token."""
        half = place == max(1, count // 2)
        if self.fault is Fault.CUT and half:
            await self.writer.drain()
            self.writer.transport.abort()
            raise Hangup
        if self.fault is Fault.SILENT and place == 1:
            await self.writer.drain()
            await asyncio.sleep(3600)
        if self.fault is Fault.INVALID_UTF8 and half:
            self._line(b'data: {"id":"s","choices":[{"index":0,"text":"\xff\xfe","delta":{"content":"\xff\xfe"}}]}\n\n')
        if self.fault is Fault.NO_JSON and half:
            self._line(b"data: {oops\n\n")
        if self.fault is Fault.ERROR_IN_STREAM and half:
            self._event({"error": {"message": "the engine died", "type": "server_error"}})
        if self.fault is Fault.EMPTY_CHUNKS:
            self._line(b": keep-alive\n\n")
            self._event(_chunk(self.chat, ""))

    def _event(self, value: object) -> None:
        self._line(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _line(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def _until(instant_s: float) -> None:
    left = instant_s - time.perf_counter()
    if left > SPIN_S:
        await asyncio.sleep(left - SPIN_S)
    while time.perf_counter() < instant_s:
        await asyncio.sleep(0)


async def _read(reader: asyncio.StreamReader) -> Ask:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    arrived = time.perf_counter()
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Ask(method, path.partition("?")[0], headers, body, arrived)


def prompt_of(request: Mapping[str, Any]) -> str:
    """Find the text of a request."""
    if "messages" in request:
        return str(request["messages"][-1]["content"])
    return str(request.get("prompt", ""))


def _until_stop(tokens: list[str], stops: list[str]) -> list[str]:
    text = "".join(tokens)
    ends = [text.find(stop) for stop in ([stops] if isinstance(stops, str) else stops) if stop in text]
    return tokens_of(text[: min(ends)]) if ends else tokens


def _usage(prompt: int, answer: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _problem(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "made_up", "code": None}}


def _completed(chat: bool, text: str, usage: dict[str, int] | None) -> dict[str, object]:
    said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    whole: dict[str, object] = {"id": "c", "model": MODEL, "choices": [{"index": 0, "finish_reason": "stop", **said}]}
    return whole if usage is None else whole | {"usage": usage}


def _chunk(chat: bool, text: str, finish: str | None = None, role: bool = False) -> dict[str, object]:
    delta: dict[str, object] = {"role": "assistant"} if role else {"content": text} if text else {}
    said: dict[str, object] = {"delta": delta} if chat else {"text": text}
    kind = "chat.completion.chunk" if chat else "text_completion"
    return {"id": "s", "object": kind, "model": MODEL, "choices": [{"index": 0, "finish_reason": finish, **said}]}


def _whole(
    writer: asyncio.StreamWriter, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> None:
    content = json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} {REASONS[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    lines += ["X-Engine-Version: fake 1.0", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


@contextmanager
def running(behaviour: Behaviour | None = None, port: int = 0) -> Iterator[Fake]:
    """Run a server in a thread of its own until the block ends."""
    fake = Fake(behaviour or Behaviour(), port)
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await fake.start()
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            fake.hang_up()

    def work() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(_ended(loop))
        loop.close()

    task = loop.create_task(serve())
    thread = threading.Thread(target=work, name="fake-server", daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the fake server did not start")
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    others = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)
