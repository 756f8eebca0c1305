"""The process between the parent and a cell's process: it lets nothing of a cell outlive it, and keeps its log small.

It is the leader that the parent knows. It forks the cell's process, adopts whatever that starts and leaves
behind (PR_SET_CHILD_SUBREAPER, so new sessions do not escape), copies what all of them print into the log up to a
largest size, and sleeps otherwise. When the cell's process ends, the parent ends, or SIGTERM comes, it kills all that
is left, and ends as the cell's process did. Outside Linux there is no adoption: the process group is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.host.prctl import adopt_orphans, die_with_parent

MAX_LOG_BYTES = 16 * 2**20
"""Of one cell's log: more than anybody reads."""
READ_BYTES = 2**16
SYNC = b"written?"
"""Asks for all that was printed so far to be in the log; the answer is the same."""
DESCRIPTORS = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
"""Lists the open descriptors of the process that reads it."""


def divide(grace_s: float) -> socket.socket:
    """Fork the cell's process off this one, which becomes its supervisor and does not return.

    Args:
        grace_s: seconds that the cell's process has from SIGTERM to SIGKILL.

    Returns:
        In the cell's process: where the supervisor takes the reading end of a pipe and the path of a log.
    """
    os.setsid()
    adopt_orphans()
    die_with_parent(signal.SIGTERM)  # the forkserver, from which this was forked
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wakeup, knock = os.pipe()
    os.set_blocking(knock, False)
    os.set_blocking(wakeup, False)
    stops: list[int] = []
    handlers = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, frame: stops.append(number)),
        signal.SIGCHLD: signal.signal(signal.SIGCHLD, _nothing),
    }
    old_knock = signal.set_wakeup_fd(knock)
    supervisor_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(old_knock)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for descriptor in (wakeup, knock):
            os.close(descriptor)
        ours.close()
        os.setsid()
        die_with_parent(signal.SIGKILL, supervisor_pid)
        return theirs
    theirs.close()
    return _Supervisor(pid, ours, (wakeup, knock), stops, grace_s).watch()


def settle(logs: socket.socket) -> None:
    """Wait, in the cell's process, until all that it printed is in its log."""
    with suppress(OSError):  # a candidate closed it: the log may be written a moment later
        logs.send(SYNC)
        logs.recv(len(SYNC))


def _nothing(number: int, frame: FrameType | None) -> None:
    """Take a signal, which then wakes up `select`."""


@dataclass(slots=True)
class _Log:
    """Where one cell's output goes."""

    source: int
    path: Path
    left: int = MAX_LOG_BYTES
    target: int = -1

    def open(self) -> None:
        """Begin the file anew."""
        os.set_blocking(self.source, False)
        self.target = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def copy(self) -> bool:
        """Copy what is there; return whether there was anything."""
        try:
            chunk = os.read(self.source, READ_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            return False
        with suppress(OSError):  # a full disk: the cell goes on without its log
            _write(self.target, chunk[: self.left])
            if 0 < self.left < len(chunk):
                _write(self.target, f"\n[bench: this log is cut here, after {MAX_LOG_BYTES // 2**20} MiB]\n".encode())
        self.left = max(0, self.left - len(chunk))
        return True

    def close(self) -> None:
        """Copy what is left, and close both ends."""
        while self.copy():
            pass
        os.close(self.source)
        os.close(self.target)


@dataclass(slots=True)
class _Supervisor:
    """Waits for the end of a cell's process."""

    pid: int
    logs: socket.socket
    wakeup: tuple[int, int]
    """A pipe into which every signal writes."""
    stops: list[int]
    """Signals that ask for an end."""
    grace_s: float
    log: _Log | None = None
    status: int | None = None
    """Of the cell's process, once it has ended; as `os.waitpid` gives it."""
    parent: list[int] = field(default_factory=list)
    """Descriptor that becomes readable when the parent ends."""

    def watch(self) -> NoReturn:
        """Sleep until the cell's process is to end, end it with all that it started, and end in the same way."""
        process = multiprocessing.parent_process()
        self.parent = [] if process is None else [process.sentinel]
        self._let_go()
        try:
            while self.status is None and not self.stops and not self._turn(None, self.parent):
                pass
            if self.stops:
                self._terminate()
            self._clear()
            if self.log is not None:
                self._take_logs()
                self.log.close()
        finally:
            self._end()

    def _let_go(self) -> None:
        """Close what the cell's process alone shall hold: its end must show to the parent."""
        keep = {0, 1, 2, self.logs.fileno(), *self.wakeup, *self.parent}
        for entry in list(DESCRIPTORS.iterdir()):
            if int(entry.name) not in keep:
                with suppress(OSError):
                    os.close(int(entry.name))

    def _turn(self, timeout_s: float | None, parent: list[int]) -> bool:
        """Wait for one event, and handle it; return whether the parent has ended."""
        sources: list[int | socket.socket] = [
            self.wakeup[0],
            self.logs,
            *parent,
            *([self.log.source] if self.log is not None else []),
        ]
        ready = select.select(sources, [], [], timeout_s)[0]
        if self.wakeup[0] in ready:
            os.read(self.wakeup[0], READ_BYTES)
            self._reap()
        if self.logs in ready:
            self._take_logs()
        elif self.log is not None and self.log.source in ready and not self.log.copy():
            self.log.close()  # nobody holds the other end
            self.log = None
        return any(descriptor in ready for descriptor in parent)

    def _take_logs(self) -> None:
        """Take the next log, if there is one."""
        self.logs.setblocking(False)
        try:
            path, descriptors, _, _ = socket.recv_fds(self.logs, 2**16, 1)
        except BlockingIOError:
            return
        if not descriptors:
            if path == SYNC:
                while self.log is not None and self.log.copy():
                    pass
                self.logs.send(SYNC)
            return
        if self.log is not None:
            self.log.close()
        self.log = _Log(descriptors[0], Path(os.fsdecode(path)))
        self.log.open()

    def _reap(self) -> None:
        """Collect every process that has ended."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.pid:
                    self.status = status

    def _terminate(self) -> None:
        """Ask the cell's process group to end, and wait as long as it may take."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.grace_s
        while self.status is None and (left := deadline - time.monotonic()) > 0:
            self._turn(left, [])

    def _clear(self) -> None:
        """Kill everything that is left of the cell, and what it leaves behind in its turn."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                for pid in children_of(os.getpid()):
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                pid, status = os.waitpid(-1, 0)
                if pid == self.pid:
                    self.status = status

    def _end(self) -> NoReturn:
        """End as the cell's process did."""
        status = self.status or 0
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number != signal.SIGKILL:
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def children_of(pid: int) -> list[int]:
    """List the processes whose parent is `pid`, in any session; none outside Linux."""
    children = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_bytes().rpartition(b")")[2].split()  # after the name, which may hold anything
        except OSError:
            continue  # it has just ended
        if fields and int(fields[1]) == pid:
            children.append(int(entry.parent.name))
    return children


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
