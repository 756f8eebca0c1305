"""Whether a stored cell can be run again as it was: its weights, its source and its data are still what they were."""

from __future__ import annotations

from pathlib import Path

from bench.candidates.checkpoint import files_hash
from bench.errors import BenchError
from bench.planning.identity import loaded_identity
from bench.record import Cell
from bench.suite import CellJob


def why_gone(cell: Cell) -> str | None:
    """Explain why a cell of an earlier run cannot be run again as it was; None when it can."""
    try:
        job = cell.to_run()
        if job.data_path is None or not Path(job.data_path).is_file():
            return f"the data that it was scored on is no longer at {job.data_path}"
        now = _weights_now(job, str(cell.identity.get("weights")))
    except (BenchError, OSError, ValueError) as error:
        return f"its weights cannot be found: {error}"
    if now == cell.identity.get("weights"):
        return None
    place = job.model.checkpoint or job.model.factory or job.model.name
    return f"{place} is no longer what it was then (its hash has changed)"


def _weights_now(job: CellJob, then: str) -> str:
    """Identify the weights as they are now."""
    if job.model.fit is None:
        return loaded_identity(job.model, Path(job.suite_folder or ""))
    folder = Path(str(job.model.checkpoint))
    if folder.is_dir() and folder.name.endswith(f"-{then[:12]}"):
        return then  # trained under the results folder, whose name holds the fit's id
    return files_hash(folder)
