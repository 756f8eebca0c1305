"""Runs each call in a fresh process, forked from a server that has imported torch and transformers once.

The parent blocks in `multiprocessing.connection.wait` until the child speaks, ends or runs out of time: it
never polls.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess

from bench.executors import child
from bench.executors.base import WORKER, Answer, Call, Executor, LastPhase
from bench.executors.outcome import died, timed_out

PRELOAD = "bench.executors.preload"

GRACE_S = 5.0
"""Time that a process has to end, after its answer and between SIGTERM and SIGKILL: a guess."""


class LocalExecutor(Executor):
    """An executor with one process per call.

    The server belongs to the Python process, so `preload` counts for the first executor that starts a call.
    """

    def __init__(
        self,
        worker: str = WORKER,
        *,
        preload: tuple[str, ...] = (PRELOAD,),
        clock: Callable[[], float] = time.monotonic,
        grace_s: float = GRACE_S,
    ) -> None:
        super().__init__(worker)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self._clock = clock
        self._grace_s = grace_s

    def attempt(self, call: Call) -> Answer:
        """Returns what became of a call, when its process and every process that it started are gone."""
        receiver, sender = self._context.Pipe(duplex=False)
        arguments = (sender, call.target, dict(call.arguments), str(call.log_path), call.memory_limit_bytes)
        process = self._context.Process(target=child.main, args=arguments)
        try:
            with _no_main_module():
                process.start()
            sender.close()
            return self._listen(process, receiver, call)
        finally:
            _end(process, self._grace_s)
            receiver.close()
            sender.close()

    def _listen(self, process: ForkServerProcess, receiver: Connection, call: Call) -> Answer:
        """Returns the child's answer, or the failure that its end or its time limit stands for."""
        phase = LastPhase(call.notify)
        deadline = None if call.timeout_s is None else self._clock() + call.timeout_s
        while True:
            left = None if deadline is None else deadline - self._clock()
            if left is not None and left <= 0:
                assert call.timeout_s is not None
                return Answer(failure=timed_out(call.timeout_s, phase.name))
            tick = call.tick()
            if not wait([receiver], _soonest(left, tick)):
                continue
            try:
                message = receiver.recv()
            except (
                EOFError,
                OSError,
            ):  # the child's end of the pipe is closed: it is gone, or in its last breath
                process.join(self._grace_s)
                return Answer(failure=died(process.exitcode, phase.name, call.log_path, call.memory_limit_bytes))
            if isinstance(message, Answer):
                process.join(self._grace_s)
                return message
            phase(message)


def _soonest(*seconds: float | None) -> float | None:
    return min((value for value in seconds if value is not None), default=None)


def _end(process: ForkServerProcess, grace_s: float) -> None:
    """Ends a process that still lives, and with it the group of processes that it leads."""
    if process.pid is None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.exitcode is not None:
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        process.kill() if number == signal.SIGKILL else process.terminate()
        process.join(grace_s)
    with suppress(ValueError):  # still there after SIGKILL: stuck inside the kernel, which alone can end it
        process.close()


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hides the parent's main module, which multiprocessing would otherwise import again in every child.

    Functions are found by `module:function`, never in the main module, and importing a user's script would
    run it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
