"""`serve: true`: a model of this process behind a small local server, so that it is loaded as one behind an API is.

aiohttp's server takes the requests in a thread; the model answers in this one, all that wait together, up to a batch
(one worker, dynamic batching). The client is a process of its own, as a user's would be. A request names an example,
and is answered as the task answers it, tokenised anew: of whatever kind, with labels as with texts. An answer comes
whole, so that its first token is its last. There is no cache of prompts that salts would keep from answering.
"""

from __future__ import annotations

import asyncio
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bench.candidates.served.exchange import Exchange
from bench.errors import EndpointError
from bench.measure.load.progress import load_of
from bench.measure.load.run import Load
from bench.record import Sample
from bench.suite import LoadSpec
from bench.tasks.base import Workload
from bench.tasks.batching import Batching
from bench.tasks.scoring import lengths_of

CLIENT = "bench.measure.load.remote"
WAIT_S = 0.02
"""Between two looks at whether the client has ended, while nothing is to be done."""
MOST_TOGETHER = 64
"""Requests that are taken from the queue at a time, where the batch is limited by tokens alone."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a local server answered."""

    batches: tuple[int, ...]
    """How many requests were answered together, each time."""
    wordless: frozenset[int]
    """Examples whose answer is no label and no text, but a likelihood: what came of them under load is empty."""

    def answer_of(self, example: int, exchange: Exchange) -> str | None:
        """Read the answer to an example; a likelihood is none."""
        return None if example in self.wordless else exchange.text


class LocalServer:
    """Answers requests for examples of a task."""

    def __init__(self, workload: Workload, limits: Batching) -> None:
        self._workload, self._limits, self._lengths = workload, limits, lengths_of(workload)
        self._waiting: queue.SimpleQueue[tuple[int, Future[Sample]]] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self.port = 0
        self.batches: list[int] = []
        """How many requests were answered together, each time."""
        self.wordless: set[int] = set()
        """Examples whose answer is no label and no text."""

    def __enter__(self) -> LocalServer:
        """Listen on a free port of the loopback."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(ready),), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        app = web.Application()
        app.router.add_post("/v1/completions", self._complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        self.port = runner.addresses[0][1]
        ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        answered: Future[Sample] = Future()
        self._waiting.put((int(body["prompt"]), answered))
        try:
            sample = await asyncio.wrap_future(answered)
        except Exception as error:  # noqa: BLE001  whatever the model raises: a failed request, as behind any server
            return web.json_response({"error": {"message": f"{type(error).__name__}: {error}"}}, status=500)
        usage = {"prompt_tokens": sample.input_tokens, "completion_tokens": sample.output_tokens}
        choice = {"index": 0, "text": sample.prediction or "", "finish_reason": "stop"}
        return web.json_response({"object": "text_completion", "choices": [choice], "usage": usage})

    def answer(self) -> None:
        """Answer what waits, together; return when a batch is done, or after a moment without any."""
        try:
            taken = [self._waiting.get(timeout=WAIT_S)]
        except queue.Empty:
            return
        most = self._limits.examples or MOST_TOGETHER
        while len(taken) < most and not self._waiting.empty():
            taken.append(self._waiting.get())
        for places in self._limits.split([self._lengths[index] for index, _ in taken]):
            self._batch([taken[place] for place in places])

    def _batch(self, taken: Sequence[tuple[int, Future[Sample]]]) -> None:
        indices = [index for index, _ in taken]
        self.batches.append(len(indices))
        try:
            samples = self._workload.samples(indices, self._workload.request(indices)(None))
        except Exception as error:  # noqa: BLE001  as above: told to those who asked
            for _, answered in taken:
                answered.set_exception(error)
            return
        self.wordless |= {sample.index for sample in samples if sample.prediction is None}
        for (_, answered), sample in zip(taken, samples, strict=True):
            answered.set_result(sample)


def load_locally(workload: Workload, limits: Batching, spec: LoadSpec, seed: int) -> tuple[Load, Served]:
    """Serve a bound task, and let a client of its own process load it.

    Returns:
        What it showed, and how the server answered.

    Raises:
        EndpointError: the client failed.
    """
    with (
        LocalServer(workload, limits) as server,
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile("w+") as out,
    ):
        json.dump(_order(server.port, len(workload.examples), spec, seed), asked)
        asked.seek(0)
        client = subprocess.Popen([sys.executable, "-m", CLIENT], stdin=asked, stdout=out)
        try:
            while client.poll() is None:
                server.answer()
        finally:
            client.kill()
            client.wait()
        out.seek(0)
        if client.returncode:
            raise EndpointError(f"the client of the local server ended with exit code {client.returncode}; see the log")
        return load_of(json.load(out)), Served(tuple(server.batches), frozenset(server.wordless))


def _order(port: int, examples: int, spec: LoadSpec, seed: int) -> dict[str, Any]:
    """Tell the client what to offer."""
    return {
        "url": f"http://127.0.0.1:{port}/v1",
        "examples": examples,
        "load": spec.model_dump(mode="json"),
        "seed": seed,
    }
