"""Runs each call in a fresh process, forked from a server that has imported torch and transformers once, or from one
without them.

Calls of the same share may follow one another in one process; the first that fails ends it, and the next one gets a
fresh process. The process of the next call is forked while the one before counts its arithmetic: there is nothing left
to disturb, and forking takes up to a tenth of what surrounds a cell.

The parent blocks in `multiprocessing.connection.wait` until the child speaks, ends or runs out of time: it
never polls.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Self

from bench.catalogue.phases import NOTHING_TIMED
from bench.running import server
from bench.running.executors import child as child_module
from bench.running.executors import wire
from bench.running.executors.base import Answer, Call, Executor, LastPhase, Place
from bench.running.executors.outcome import Failure, died, timed_out, unreadable
from bench.running.server import LIGHT, MEASURING, SCORING
from bench.running.targets import WORKER

GRACE_S = 5.0
"""Time that a process has to end, after its answer and between SIGTERM and SIGKILL: a guess."""


class LocalExecutor(Executor):
    """An executor with one process per call.

    It runs one call at a time: two would measure each other. The server belongs to the Python process, so `preload`
    counts for the first executor that starts a call.
    """

    name = "local"
    isolation = "process"

    def __init__(
        self,
        worker: str = WORKER,
        *,
        preload: tuple[str, ...] = MEASURING,
        clock: Callable[[], float] = time.monotonic,
        grace_s: float = GRACE_S,
    ) -> None:
        super().__init__(worker)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        server.preload(preload)
        server.preload(LIGHT, light=True)
        self._clock = clock
        self._grace_s = grace_s
        self._idle: _Child | None = None
        self._leaving: _Child | None = None
        """The process of the last call that went well; while it ends, its record is stored."""
        self._ahead: dict[tuple[int | None, bool], _Child] = {}
        """Processes that wait for their first order, by memory limit and server."""
        self._starting: set[bool] = set()

    @classmethod
    def open(cls, *, measuring: bool = True, place: Place | None = None) -> Self:
        """Make the executor; where cells are only scored, the server imports less."""
        return cls(preload=MEASURING if measuring else SCORING)

    def prepare(self, *, light: bool = False) -> None:
        """Start the server, or the one for models without torch."""
        server.ensure_running(light=light)
        self._starting.add(light)

    def attempt(self, call: Call) -> Answer:
        """Make a call, and return its outcome.

        Where it went well, its process may still be ending: it and all that it started are gone when the next call
        begins, and when this executor is closed. It stays, idle, when calls of the same share may follow.
        """
        self._see_off()
        self._wait_for_servers(call)
        child = self._take(call)
        answer = None
        try:
            if child.order(call):
                answer = self._listen(child, call)
            else:
                answer = Answer(failure=self._died(child, call, "start"))
        finally:
            if answer is None or answer.failure is not None:
                child.end(self._grace_s)
            elif call.share is not None:
                self._idle = child
            else:
                self._leaving = child
        return answer

    def close(self) -> None:
        """End the processes that wait for an order."""
        super().close()
        self._see_off()
        self._end_idle()
        while self._ahead:
            self._let_go(self._ahead.popitem()[1])

    def _wait_for_servers(self, call: Call) -> None:
        """Wait for what another server imports, once: it would disturb what is measured. The call waits for its own."""
        for light in self._starting - {call.light}:
            with server.forking(light=light):
                first = self._context.Process(target=server.nothing)
                first.start()
            first.join()
        self._starting.clear()

    def _see_off(self) -> None:
        """Wait until the process of the call before has ended: what it was given back would disturb the next one."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving.process.join(self._grace_s)
            leaving.end(self._grace_s)

    def _end_idle(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            self._let_go(idle)

    def _let_go(self, child: _Child) -> None:
        child.orders.close()  # it ends by itself when no further order can come
        child.process.join(self._grace_s)
        child.end(self._grace_s)

    def _fork_ahead(self, call: Call) -> None:
        """Fork a process for the next call, which will mostly be of the same kind."""
        kind = (call.memory_limit_bytes, call.light)
        if kind not in self._ahead:
            with suppress(OSError, EOFError):  # the next call meets the same, and fails by it; this one does well
                self._ahead[kind] = _Child(self._context, call, self._grace_s)

    def _take(self, call: Call) -> _Child:
        """Return the idle process of the call's share, or a fresh one."""
        idle = self._idle
        if idle is not None and call.share is not None and idle.suits(call):
            self._idle = None
            return idle
        self._end_idle()
        ahead = self._ahead.pop((call.memory_limit_bytes, call.light), None)
        if ahead is not None and ahead.process.is_alive():
            ahead.share = call.share
            return ahead
        if ahead is not None:  # somebody else ended it
            ahead.end(self._grace_s)
        return _Child(self._context, call, self._grace_s)

    def _listen(self, child: _Child, call: Call) -> Answer:
        """Return the child's answer, or the failure that its end or its time limit stands for."""
        phase = LastPhase(call.notify)
        deadline = None if call.timeout_s is None else self._clock() + call.timeout_s
        while True:
            left = None if deadline is None else deadline - self._clock()
            if left is not None and left <= 0:
                assert call.timeout_s is not None
                return Answer(failure=timed_out(call.timeout_s, phase.name))
            tick = call.tick()
            if not wait([child.answers], _soonest(left, tick)):
                continue
            try:
                messages = child.inbox.receive()
            except (EOFError, OSError):  # the child's end of the pipe is closed: it is gone, or in its last breath
                return Answer(failure=self._died(child, call, phase.name))
            except wire.WireError as error:
                return Answer(failure=unreadable(str(error)))
            for message in messages:
                if isinstance(message, Answer):
                    return message
                phase(message)
                if message == NOTHING_TIMED:
                    self._fork_ahead(call)

    def _died(self, child: _Child, call: Call, phase: str) -> Failure:
        child.process.join(self._grace_s)
        return died(child.process.exitcode, phase, call.log_path, call.memory_limit_bytes)


class _Child:
    """One process and the pipes to and from it."""

    def __init__(self, context: ForkServerContext, call: Call, grace_s: float) -> None:
        self.share, self.limit, self.light = call.share, call.memory_limit_bytes, call.light
        their_orders, self.orders = context.Pipe(duplex=False)
        self.answers, their_answers = context.Pipe(duplex=False)
        self.inbox = wire.Inbox(self.answers.fileno())
        self.process = context.Process(
            target=child_module.main, args=(their_orders, their_answers, call.memory_limit_bytes, grace_s)
        )
        try:
            server.ensure_running(light=call.light)
            with server.forking(light=call.light):
                self.process.start()
        except BaseException:
            self.end(grace_s)
            raise
        finally:
            their_orders.close()
            their_answers.close()

    def suits(self, call: Call) -> bool:
        """Say whether this process may run a call: the same share, limit and server, and still alive."""
        own = (self.share, self.limit, self.light)
        return own == (call.share, call.memory_limit_bytes, call.light) and self.process.is_alive()

    def order(self, call: Call) -> bool:
        """Send a call; return False where the process is gone."""
        more = call.share is not None
        order = child_module.Order(call.target, dict(call.arguments), str(call.log_path), more)
        try:
            self.orders.send(order)
        except OSError:
            return False
        return True

    def end(self, grace_s: float) -> None:
        """End the process, and every process that it started."""
        _end(self.process, grace_s)
        self.orders.close()
        self.answers.close()


def _soonest(*seconds: float | None) -> float | None:
    return min((value for value in seconds if value is not None), default=None)


def _end(process: ForkServerProcess, grace_s: float) -> None:
    """End a process that still lives: its supervisor ends what it started, and has twice the time for that."""
    if process.pid is None:
        return
    for number, time_s in ((signal.SIGTERM, 2 * grace_s), (signal.SIGKILL, grace_s)):
        if process.exitcode is not None:
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        process.kill() if number == signal.SIGKILL else process.terminate()
        process.join(time_s)
    with suppress(ValueError):  # still there after SIGKILL: stuck inside the kernel, which alone can end it
        process.close()
