"""Whether a stored cell can be run again as it was: its weights, its source and its data are still what they were."""

from __future__ import annotations

import json
from pathlib import Path

from bench.candidates.checkpoint import files_hash
from bench.errors import BenchError
from bench.planning.checks import loaded_identity
from bench.record import Cell
from bench.suite import ModelSpec


def why_gone(cell: Cell) -> str | None:
    """Returns why a cell of an earlier run cannot be run again as it was; None when it can."""
    data = Path(str(cell.payload.get("data_path", "")))
    if not data.is_file():
        return f"the data that it was scored on is no longer at {data}"
    try:
        spec = ModelSpec.model_validate_json(json.dumps(cell.payload["model"]))
        now = _weights_now(spec, cell)
    except (BenchError, OSError, ValueError, KeyError) as error:
        return f"its weights cannot be found: {error}"
    if now == cell.identity.get("weights"):
        return None
    place = spec.checkpoint or spec.factory or spec.name
    return f"{place} is no longer what it was then (its hash has changed)"


def _weights_now(spec: ModelSpec, cell: Cell) -> str:
    """Returns what identifies the weights as they are now."""
    then = str(cell.identity.get("weights"))
    if spec.fit is None:
        return loaded_identity(spec, Path(str(cell.payload.get("suite_folder", ""))))
    folder = Path(str(spec.checkpoint))
    if folder.is_dir() and folder.name.endswith(f"-{then[:12]}"):
        return then  # trained under the results folder, whose name holds the fit's id
    return files_hash(folder)
