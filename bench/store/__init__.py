"""Where runs are kept: a database of runs, cells and facts, with samples and timings beside it as Parquet.

It stores raw facts and knows no statistics, metrics or reports. `Store` is the only way in, `bench.store.export`
the way out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.store.archive import Store
    from bench.store.canaries import CanarySeconds
    from bench.store.encoding import Document
    from bench.store.reader import Choice
    from bench.store.rescue import Imported, import_kept, open_or_beside
    from bench.store.runs import RunInfo, RunStatus, StoredRun
    from bench.store.summaries import Summary, SummaryRow

__all__ = [
    "CanarySeconds",
    "Choice",
    "Document",
    "Imported",
    "RunInfo",
    "RunStatus",
    "Store",
    "StoredRun",
    "Summary",
    "SummaryRow",
    "import_kept",
    "open_or_beside",
]

_PLACES = {
    "CanarySeconds": "canaries",
    "Choice": "reader",
    "Document": "encoding",
    "Imported": "rescue",
    "RunInfo": "runs",
    "RunStatus": "runs",
    "Store": "archive",
    "StoredRun": "runs",
    "Summary": "summaries",
    "SummaryRow": "summaries",
    "import_kept": "rescue",
    "open_or_beside": "rescue",
}
"""Where each is: a cell's process, which writes files alone, is spared the database's half second."""


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
