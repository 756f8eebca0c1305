"""What a person reads when a command fails: one message, and for a fault of bench itself a file with the rest."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

import click

from bench.cli.output import remark
from bench.errors import EXIT_OK, BenchError, StoreError

DEBUG = "BENCH_DEBUG"
"""Environment variable: when it is set, tracebacks are printed as well."""
UNEXPECTED = BenchError.exit_code
MESSAGE_LIMIT = 300
"""Characters of a stranger's message that fit into one line of an error."""


def tell(error: Exception) -> int:
    """Say what failed, and return the exit code of the command.

    A message of bench, of the command line or of the operating system is shown as it is. Anything else was not
    foreseen: its traceback goes to a file, whose path is told.
    """
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    if isinstance(error, BenchError):
        remark(f"bench: error: {_without_passwords(str(error))}")
        return error.exit_code
    if isinstance(error, click.ClickException):
        remark(_usage(error))
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # whoever read the output has seen enough of it
        sys.stderr.close()
        return EXIT_OK
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        remark(f"bench: error: {place}{error.strerror or error}; check the path and its permissions")
        return StoreError.exit_code
    message = " ".join(_without_passwords(str(error)).split())[:MESSAGE_LIMIT]
    kind = type(error).__name__ + (f": {message}" if message else "")
    remark(f"bench: error: unexpected {kind}; {_logged(error)}. Please report it with that file")
    return UNEXPECTED


def _usage(error: click.ClickException) -> str:
    """Write a mistake on the command line as click does, with the usage of the command above it."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    lines = []
    if context is not None:
        lines = [context.get_usage(), f"Try '{context.command_path} --help' for help.", ""]
    return "\n".join([*lines, f"Error: {error.format_message()}"])


def _logged(error: Exception) -> str:
    """Write the traceback to a new file in the folder for temporary files; say where it is."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="bench-error-", suffix=".log")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as log:  # noqa: PTH123  a descriptor
            log.write(_without_passwords("".join(traceback.format_exception(error))))
    except OSError as refused:
        return f"its traceback could not be written ({refused.strerror}); set {DEBUG}=1 to print it"
    return f"the traceback is in {path}"


def _without_passwords(text: str) -> str:
    """Hide the passwords of addresses; the module that does it is imported only for a text that may hold one."""
    if not any(sign in text for sign in "@="):
        return text
    from bench.store.addresses import redact

    return redact(text)
