"""A worker that also tells what its process has imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def run_and_tell(notify: Callable[[str], None], **arguments: Any) -> list[object]:
    """Run a cell; return what of the slow modules was imported, and the record's facts."""
    from bench.running.worker.cell import run_cell

    record = run_cell(notify=notify, **arguments)
    heavy = sorted({"torch", "transformers", "sklearn", "scipy.stats", "sqlalchemy"} & set(sys.modules))
    return [heavy, record.status, {fact.name: fact.value for fact in record.facts}, dict(record.environment)]
