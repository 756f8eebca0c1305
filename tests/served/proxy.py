"""A proxy before a server, whose network a test cuts: connections end, or stay and carry nothing any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Network = Literal["up", "cut", "silent"]


@dataclass
class Proxy:
    """Carries bytes between a client and a server of the loopback, as long as the network is up."""

    target: int
    port: int = 0
    network: Network = "up"
    """`cut`: every connection ends at once, and new ones too; `silent`: they stay, and nothing arrives."""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def url(self) -> str:
        """Where a client finds the server behind it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def set(self, network: Network) -> None:
        """Change the network, from any thread."""
        self.network = network
        if network == "cut":
            self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self._writers)])

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.network == "cut":
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(1 << 16):
                if self.network == "up":
                    writer.write(content)
                    await writer.drain()
        writer.transport.abort()

    async def serve(self, ready: threading.Event) -> None:
        """Listen until cancelled."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()


@contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own until the block ends."""
    proxy, ready = Proxy(target), threading.Event()
    task = proxy._loop.create_task(proxy.serve(ready))

    def work() -> None:
        with suppress(asyncio.CancelledError):
            proxy._loop.run_until_complete(task)
        proxy._loop.run_until_complete(_ended(proxy._loop))
        proxy._loop.close()

    thread = threading.Thread(target=work, name="proxy", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    left = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
