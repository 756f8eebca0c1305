"""Where runs are kept: a database of runs, cells and facts, with samples and timings beside it as Parquet.

It stores raw facts and knows no statistics, metrics or reports. `Store` is the only way in, `bench.store.export`
the way out.
"""

from bench.store.archive import Store
from bench.store.kept import SUMMARY_COLUMNS, CanarySeconds, Summary
from bench.store.rescue import Imported, import_kept, open_or_beside
from bench.store.runs import RunInfo, RunStatus, StoredRun

__all__ = [
    "SUMMARY_COLUMNS",
    "CanarySeconds",
    "Imported",
    "RunInfo",
    "RunStatus",
    "Store",
    "StoredRun",
    "Summary",
    "import_kept",
    "open_or_beside",
]
