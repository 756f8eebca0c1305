"""The inside of a cell's process: its log, its limits; then the function.

`bench.running.executors.supervisor` stands between this process and the parent. The kernel enforces the memory limit,
so that no thread and no poll disturbs what is measured: RLIMIT_DATA, set to what the process has at its start plus the
limit. It counts private writable memory (heap, anonymous mappings, thread stacks) as it is mapped, not as it is
touched; file mappings, such as weights read from safetensors, and memory of devices do not count. Source: getrlimit(2),
since Linux 4.7.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import resource
import socket
import stat
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path

from bench.plugins import load_object
from bench.running import server
from bench.running.executors import supervisor, wire
from bench.running.executors.base import LastPhase
from bench.running.executors.outcome import Answer, Failure, failure_of
from bench.running.executors.relied import Relied
from bench.running.executors.supervisor import DESCRIPTORS


@dataclass(frozen=True, slots=True)
class Order:
    """One function to call."""

    target: str
    arguments: Mapping[str, object]
    log_path: str
    more: bool
    """Whether another order may follow; the function then gets `state=`."""


def main(orders: Connection, answers: Connection, memory_limit_bytes: int | None, grace_s: float) -> None:
    """Carry out orders, each with its phases and then its answer, until one is the last or fails.

    Args:
        orders: from the parent, which alone writes there.
        answers: to the parent; see `wire`.
        memory_limit_bytes: private memory that the function may map.
        grace_s: seconds from SIGTERM to SIGKILL.
    """
    server.take_signals()
    logs = supervisor.divide(grace_s)
    let_go_of_pipes({orders.fileno(), answers.fileno(), logs.fileno()})
    relied, base, state = Relied.now(), data_bytes(), dict[str, object]()
    while True:
        try:
            order: Order = orders.recv()
        except EOFError:  # no further one
            return
        log_to(Path(order.log_path), logs)
        answer = _carry_out(order, state, answers, base, memory_limit_bytes)
        changed = relied.changed()
        if changed and answer.failure is None:
            relied.restore()
            answer = Answer(failure=Failure("failed", changed))
        limit_memory(None)
        _send(answers, answer, logs)
        if not order.more or answer.failure is not None:
            answers.close()
            return


def _carry_out(
    order: Order, state: dict[str, object], answers: Connection, base: int, memory_limit_bytes: int | None
) -> Answer:
    phase = LastPhase(lambda name: wire.send(answers.fileno(), wire.phase_frame(name)))
    arguments = dict(order.arguments) | ({"state": state} if order.more else {})
    try:
        limit_memory(memory_limit_bytes, base)
        return Answer(load_object(order.target)(**arguments, notify=phase))
    except (Exception, SystemExit) as error:  # noqa: BLE001  the cell's boundary: recorded
        limit_memory(None)  # room for the report
        traceback.print_exception(error)
        return Answer(failure=failure_of(error, phase.name, memory_limit_bytes))


def _send(answers: Connection, answer: Answer, logs: socket.socket) -> None:
    try:
        frame = wire.answer_frame(answer)
    except Exception as error:  # noqa: BLE001  whatever a candidate's value raises: recorded
        traceback.print_exception(error)
        reason = f"the answer cannot be sent to the parent: {type(error).__name__}: {error}"
        frame = wire.answer_frame(Answer(failure=Failure("failed", reason)))
    sys.stdout.flush()
    sys.stderr.flush()
    supervisor.settle(logs)
    wire.send(answers.fileno(), frame)


def let_go_of_pipes(own: set[int]) -> None:
    """Put nothing in the place of pipes and sockets that came with the fork.

    What a candidate writes there would end the server.

    Args:
        own: descriptors that stay, beside the standard ones, the parent's sentinel and the tracker of semaphores.
    """
    parent = multiprocessing.parent_process()
    keep = own | {0, 1, 2, resource_tracker.getfd()} | (set() if parent is None else {parent.sentinel})
    nothing = os.open(os.devnull, os.O_RDWR)
    for entry in list(DESCRIPTORS.iterdir()):
        descriptor = int(entry.name)
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue  # the listing's own
        if descriptor not in keep and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def log_to(path: Path, logs: socket.socket) -> None:
    """Send everything that this process and its libraries print to `path`, also the stack of a crash.

    Args:
        path: the log, which begins anew.
        logs: takes the reading end of a pipe, whose other end is what is printed to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reading, descriptor = os.pipe()
    socket.send_fds(logs, [os.fsencode(path.absolute())], [reading])
    os.close(reading)
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
