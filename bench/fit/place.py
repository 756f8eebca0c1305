"""The folder of a fitted checkpoint: whether it may be written, and how a checkpoint gets there whole.

Training takes minutes to hours, so that a place that cannot be written is told before it, and a folder that holds
something else than a checkpoint of ours is never replaced.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BusyError, InputError
from bench.fit.job import PROVENANCE_FILE, FitJob


def check_place(job: FitJob) -> None:
    """Checks that the checkpoint can be put where the job says; makes the folder above it.

    Raises:
        InputError: the folder cannot be written, or holds files that no fit wrote.
    """
    output = job.output
    _restore(output)
    try:
        held = sorted(path.name for path in output.iterdir()) if output.exists() else []
        if held and PROVENANCE_FILE not in held:
            raise InputError(
                f"model '{job.model.name}': its checkpoint would replace '{output}', which holds {held[0]} and no "
                f"{PROVENANCE_FILE}, so it was not made by bench fit; name another place with 'fit: {{output: …}}' or "
                "--output, or move it away"
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        file = next((path for path in output.parents if path.is_file()), None)
        why = error.strerror if file is None else f"'{file}' is a file"
        raise InputError(
            f"model '{job.model.name}': its checkpoint cannot be written to '{output}' ({why}); name "
            "another place with 'fit: {output: …}', --output or --results"
        ) from error


def publish(output: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a folder under another name, then puts it at `output`; a kill leaves the old one or the new
    one."""
    fresh, old = output.with_name(f".{output.name}.new"), _aside(output)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh)
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    fresh.rename(output)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def held(job: FitJob) -> Iterator[None]:
    """Holds the place of a checkpoint while it is trained; the kernel frees it when this process ends.

    Raises:
        BusyError: another process trains it.
    """
    path = job.output.with_name(f".{job.output.name}.lock")
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"model '{job.model.name}': another process is training '{job.output}'; wait for its end, or name "
                "another place with 'fit: {output: …}', --output or --results"
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _aside(output: Path) -> Path:
    return output.with_name(f".{output.name}.old")


def _restore(output: Path) -> None:
    """Brings the old checkpoint back where a kill fell between the two renames."""
    if not output.exists() and _aside(output).is_dir():
        _aside(output).rename(output)
