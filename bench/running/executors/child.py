"""The inside of a cell's process: its log, its limits, its death with its parent; then the function.

The kernel enforces everything, so that no thread and no poll disturbs what is measured:

* Memory: RLIMIT_DATA, set to what the process has at its start plus the limit. It counts private writable
  memory (heap, anonymous mappings, thread stacks) as it is mapped, not as it is touched; file mappings, such
  as weights read from safetensors, and memory of devices do not count. Source: getrlimit(2), since Linux 4.7.
* Death: the pipe on which the parent's death shows is set to send SIGKILL to the process group (F_SETSIG and
  O_ASYNC). Source: fcntl(2). Outside Linux a thread that blocks on the pipe does the same.
"""

from __future__ import annotations

import ctypes
import faulthandler
import fcntl
import multiprocessing
import os
import resource
import select
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

from bench.plugins import load_object
from bench.running.executors.base import Answer, LastPhase
from bench.running.executors.outcome import Failure, failure_of

PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""


@dataclass(frozen=True, slots=True)
class Order:
    """One function to call."""

    target: str
    arguments: Mapping[str, object]
    log_path: str
    more: bool
    """Whether another order may follow; the function then gets `state=`."""


def main(pipe: Connection, memory_limit_bytes: int | None) -> None:
    """Answers orders from `pipe`, each with its phases and then its `Answer`, until one is the last or fails."""
    die_with_parent()
    base, state = data_bytes(), dict[str, object]()
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:  # no further one
            return
        answer = _carry_out(order, state, pipe, base, memory_limit_bytes)
        limit_memory(None)
        _send(pipe, answer)
        if not order.more or answer.failure is not None:
            pipe.close()
            return


def _carry_out(
    order: Order, state: dict[str, object], pipe: Connection, base: int, memory_limit_bytes: int | None
) -> Answer:
    log_to(Path(order.log_path))
    phase = LastPhase(lambda name: pipe.send(name))
    arguments = dict(order.arguments) | ({"state": state} if order.more else {})
    try:
        limit_memory(memory_limit_bytes, base)
        return Answer(load_object(order.target)(**arguments, notify=phase))
    except (Exception, SystemExit) as error:  # noqa: BLE001  the cell's boundary: recorded
        return _answer_to(error, phase.name, memory_limit_bytes)


def _answer_to(error: BaseException, phase: str, memory_limit_bytes: int | None) -> Answer:
    limit_memory(None)  # room for the report
    traceback.print_exception(error)
    return Answer(failure=failure_of(error, phase, memory_limit_bytes))


def _send(pipe: Connection, answer: Answer) -> None:
    try:
        message = ForkingPickler.dumps(answer)
    except Exception as error:  # noqa: BLE001  whatever a value's own pickling raises: recorded
        traceback.print_exception(error)
        reason = f"the answer cannot be sent to the parent: {type(error).__name__}: {error}"
        message = ForkingPickler.dumps(Answer(failure=Failure("failed", reason)))
    sys.stdout.flush()
    sys.stderr.flush()
    pipe.send_bytes(message)


def die_with_parent() -> None:
    """Makes this process, and all that it starts, end when the parent ends, by whatever means."""
    os.setsid()
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # of the forkserver, from which this was forked
        _kill_group_at_end_of(parent.sentinel)
    else:
        threading.Thread(target=_wait_and_kill, args=(parent.sentinel,), daemon=True).start()


def _kill_group_at_end_of(descriptor: int) -> None:
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([descriptor], [], [], 0)[0]:  # the parent ended before the kernel was told
        os.killpg(0, signal.SIGKILL)


def _wait_and_kill(descriptor: int) -> None:
    wait([descriptor])
    os.killpg(0, signal.SIGKILL)


def log_to(path: Path) -> None:
    """Sends everything that this process and its libraries print to `path`, also the stack of a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)


def limit_memory(limit_bytes: int | None, base_bytes: int | None = None) -> None:
    """Lets this process map `limit_bytes` more private memory than `base_bytes`; None lifts the limit.

    The base is what is mapped now, unless an earlier one is given: all calls of a process share one limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    base = data_bytes() if base_bytes is None else base_bytes
    soft = hard if limit_bytes is None else base + limit_bytes
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def data_bytes() -> int:
    """Returns the private writable memory that this process has mapped, in bytes; 0 outside Linux."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    found = next((line.split()[1] for line in lines if line.startswith("VmData:")), "0")
    return int(found) * 1024  # "kB" there is 1024 bytes: proc(5)
