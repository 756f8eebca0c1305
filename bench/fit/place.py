"""The folder of a fitted checkpoint: whether it may be written, and by whom.

Training takes minutes to hours, so that a place that cannot be written is told before it, and a folder that holds
something else than a checkpoint of ours is never replaced.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import BusyError, InputError
from bench.fit.job import PROVENANCE_FILE, FitJob
from bench.store.files import restore_folder
from bench.store.locks import FileLock


def check_place(job: FitJob) -> None:
    """Check that the checkpoint can be put where the job says; make the folder above it.

    Raises:
        InputError: the folder cannot be written, or holds files that no fit wrote.
    """
    output = job.output
    restore_folder(output)
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


@contextmanager
def held(job: FitJob) -> Iterator[None]:
    """Hold the place of a checkpoint while it is trained; the kernel frees it when this process ends.

    Raises:
        BusyError: another process trains it.
    """
    lock = FileLock(job.output.with_name(f".{job.output.name}.lock"))
    if not lock.take():
        raise BusyError(
            f"model '{job.model.name}': another process is training '{job.output}'; wait for its end, or name "
            "another place with 'fit: {output: …}', --output or --results"
        )
    try:
        yield
    finally:
        lock.release()
