"""The `bench` command: runs it, and turns a `BenchError` into one message and its exit code."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from bench.errors import EXIT_INTERRUPTED, BenchError, StoreError

RARELY = 50_000
"""New objects between two collections of the youngest; Python's 2 000 and less suit a server."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command; see `bench.errors` for what each means."""
    import click

    from bench.cli import bench
    from bench.cli.options import echo

    try:
        code = bench.main(
            args=list(arguments) if arguments is not None else None, prog_name="bench", standalone_mode=False
        )
    except BenchError as error:
        echo(f"bench: error: {error}", err=True)
        return error.exit_code
    except click.exceptions.Abort:
        echo("bench: interrupted", err=True)
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        echo("bench: interrupted", err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        echo(f"bench: error: {place}{error.strerror or error}; check the path and its permissions", err=True)
        return StoreError.exit_code
    return code if isinstance(code, int) else 0


def collect_rarely() -> None:
    """Has this process look for unreachable objects more rarely."""
    gc.set_threshold(RARELY, 20, 50)


def entry() -> int:
    """Runs the command of this process, with a garbage collector that suits it.

    Importing and reading make objects by the million that stay to the end. Collections are rarer then, and none looks
    through all of them once more when the process ends; each saves some tenths of a second.
    """
    collect_rarely()
    code = main()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(entry())
