"""The exceptions that a person can act on, and the exit code of each.

    BenchError                 1  anything unexpected that bench itself noticed
    ├── InputError             2  the user's input is wrong; nothing was written
    │   ├── SuiteError         2  ... in the suite file, at a line and column
    │   ├── DataError          2  ... in a data file, at a row
    │   └── UsageError         2  ... on the command line
    ├── EnvironmentLackError   3  this machine lacks something: a package, a device, a network
    │   ├── HubError           3  ... a file that the Hugging Face Hub should have served
    │   └── EndpointError      3  ... an answer that a server should have given
    ├── StoreError             4  the results folder or database cannot be read or written
    │   ├── UnreadableError    4  ... since it is missing, damaged or not of this bench: later it is no better
    │   └── RecordKeptError    4  ... so a finished record is kept in a file beside it
    ├── BusyError              7  another process holds the results folder, trains the checkpoint, or judges the night
    ├── UnsupportedError       -  a model cannot do a task (becomes a cell's status, never an exit)
    ├── AdmissionError         -  a candidate is not what it claims to be (its cell fails, never an exit)
    ├── FitError               1  training could not start or diverged
    └── StoppedError         130  a signal ended a training, which goes on later from what was kept

Exit codes without an exception: 0 every cell ok or unsupported; 5 the run finished, and at least one cell is failed,
skipped, oom or timeout; 6 a gate found a regression; 8 a night was stopped by its deadline before everything was
measured; 130 interrupted by the user.
"""

from __future__ import annotations

import difflib
import errno
import sys
from collections.abc import Iterable
from pathlib import Path

EXIT_OK = 0
EXIT_CELL_FAILED = 5
EXIT_REGRESSED = 6
EXIT_DEADLINE = 8
EXIT_INTERRUPTED = 130

OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "Cannot allocate memory",
    "can't allocate memory",
    "std::bad_alloc",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "Thread creation failed",
)
"""Pieces of what torch's CPU and CUDA allocators, the CUDA runtime and its libraries (which take memory beside torch's
allocator), libc, libstdc++ and libgomp say when memory is refused.

Source: torch c10/core/impl/alloc_cpu.cpp; c10/cuda/CUDACachingAllocator.cpp; cudaErrorMemoryAllocation of the CUDA
runtime API; cublasStatus_t; cudnnStatus_t; strerror(ENOMEM); GCC libgomp/team.c.
"""


class BenchError(Exception):
    """Something that bench noticed; `str()` says what failed, where, and what to do next."""

    exit_code = 1


class InputError(BenchError):
    """The user's input is wrong; nothing was written."""

    exit_code = 2


class SuiteError(InputError):
    """The suite file is wrong at a line and a column."""


class DataError(InputError):
    """A data file is wrong at a row."""


class UsageError(InputError):
    """The command line is wrong."""


class EnvironmentLackError(BenchError):
    """This machine lacks something: a package, a device, a network."""

    exit_code = 3


class HubError(EnvironmentLackError):
    """The Hugging Face Hub did not serve a file that is needed."""


class EndpointError(EnvironmentLackError):
    """A server does not answer, refuses to, or may not be asked further."""


class StoreError(BenchError):
    """The results folder or its database cannot be read or written."""

    exit_code = 4


class UnreadableError(StoreError):
    """What was stored is missing, damaged, or not of this bench; asking again later does not help."""


class RecordKeptError(StoreError):
    """The database did not take a finished record, which is kept in the file `path` beside it."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class BusyError(BenchError):
    """Another process holds the results folder, trains the same checkpoint, or judges the night."""

    exit_code = 7


class UnsupportedError(BenchError):
    """A model cannot do a task; becomes the status `unsupported` of the cell."""

    def __init__(self, message: str, abilities: Iterable[str] | None = None) -> None:
        super().__init__(message)
        self.abilities = None if abilities is None else tuple(sorted(abilities))
        """What the loaded model can do; None where that was not looked at."""


class AdmissionError(BenchError):
    """A candidate is not what it claims to be, or gave impossible values; becomes the status `failed`."""


class FitError(BenchError):
    """Training could not start, or diverged."""


class StoppedError(BenchError):
    """A signal ended a training; a later call goes on from what was kept."""

    exit_code = EXIT_INTERRUPTED


def closest(name: str, valid: Iterable[str]) -> str | None:
    """Find the valid name that is most like `name`; None where none is like it.

    >>> closest("acuracy", ["accuracy", "bleu"])
    'accuracy'
    """
    return next(iter(difflib.get_close_matches(name, sorted(valid), n=1, cutoff=0.6)), None)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Offer the valid name closest to `name`, or list the valid names.

    >>> nearest("acuracy", ["accuracy", "bleu"])
    "did you mean 'accuracy'?"
    >>> nearest("zzz", ["accuracy", "bleu"])
    'valid names: accuracy, bleu'
    """
    names = sorted(valid)
    close = closest(name, names)
    return f"did you mean '{close}'?" if close is not None else "valid names: " + ", ".join(names)


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an exception says that memory ran out, on the host or on a device."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, Exception) and any(piece in str(error) for piece in OUT_OF_MEMORY)
