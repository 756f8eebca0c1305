"""What an exception, a signal or a limit means: the cell's status, and a reason that a person can act on."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from bench.errors import OUT_OF_MEMORY, BenchError, UnsupportedError, is_out_of_memory
from bench.record import Status
from bench.units import format_quantity

LOG_TAIL_BYTES = 4096
"""How much of a dead process's log is searched for those messages."""

KILLED_HINT = "perhaps the kernel's out-of-memory killer: see `dmesg`, and try a smaller batch_size or model"

MORE_MEMORY = "raise memory_limit, or try a smaller batch_size, a smaller model or a variant of lower precision"
MORE_TIME = "raise timeout_s, or lower max_examples, max_new_tokens or the measuring profile"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no value."""

    status: Status
    reason: str
    """One line, without the log's path."""
    error: type[BenchError] = BenchError
    """What to raise for it."""
    abilities: tuple[str, ...] | None = None
    """Of a model that was loaded and cannot do its task: what it can do."""
    lost: tuple[str, ...] = ()
    """Machines that were lost while it ran: it is not tried on yet another one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, or why it did not."""

    value: object = None
    failure: Failure | None = None
    checked: bool = False
    """Whether a record's types and ranges are known to be right."""


def failure_of(error: BaseException, phase: str, memory_limit_bytes: int | None) -> Failure:
    """Returns the failure that an exception inside the function stands for."""
    if isinstance(error, UnsupportedError):
        return Failure("unsupported", _line(str(error)), UnsupportedError, error.abilities)
    if isinstance(error, BenchError):
        return Failure("failed", _line(str(error)), type(error))
    if is_out_of_memory(error):
        return out_of_memory(_summary(error), phase, memory_limit_bytes)
    return Failure("failed", f"{_summary(error)}, in phase {phase}")


def out_of_memory(detail: str, phase: str, memory_limit_bytes: int | None) -> Failure:
    """Returns the failure of a process that asked for more memory than there is, or than it may have."""
    if memory_limit_bytes is None:
        return Failure("oom", f"out of memory in phase {phase}: {detail}; {MORE_MEMORY}")
    limit = format_quantity(memory_limit_bytes, "bytes")
    return Failure("oom", f"over the memory limit of {limit} in phase {phase}: {detail}; {MORE_MEMORY}")


def timed_out(timeout_s: float, phase: str) -> Failure:
    """Returns the failure of a process that took too long."""
    return Failure("timeout", f"not finished after {format_quantity(timeout_s, 's')}, in phase {phase}; {MORE_TIME}")


def died(exit_code: int | None, phase: str, log_path: Path, memory_limit_bytes: int | None) -> Failure:
    """Returns the failure of a process that ended without an answer."""
    found = next((piece for piece in OUT_OF_MEMORY if piece in log_tail(log_path)), None)
    if found is not None:
        return out_of_memory(f"the process died of '{found}'", phase, memory_limit_bytes)
    if exit_code is not None and exit_code < 0:
        name = signal_name(-exit_code)
        hint = f"; {KILLED_HINT}" if -exit_code == signal.SIGKILL else ""
        return Failure("failed", f"the process was ended by {name} in phase {phase}{hint}")
    return Failure("failed", f"the process ended with exit code {exit_code} in phase {phase} and gave no answer")


def unreadable(why: str) -> Failure:
    """Return the failure of a process whose answer is not one."""
    hint = "look for code of the candidate that gives impossible counts, or writes into files that it did not open"
    return Failure("failed", _line(f"what its process answered cannot be taken: {why}; {hint}"))


def signal_name(number: int) -> str:
    """Returns the name of a signal.

    >>> signal_name(9), signal_name(250)
    ('SIGKILL', 'signal 250')
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def log_tail(path: Path) -> str:
    """Returns the end of a log; nothing when there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - LOG_TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _summary(error: BaseException) -> str:
    """Returns what a traceback's last line says: the class and the message."""
    message = _line(str(error))
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


REASON_LENGTH = 500
"""Characters of a reason; the whole message is in the log."""


def _line(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1] + "…"
