"""Where runs are kept: a database of runs, cells and facts, with samples and timings beside it as Parquet.

It stores raw facts and knows no statistics, metrics or reports. `Store` is the only way in, `export_run` the
way out.
"""

from bench.store.archive import Store
from bench.store.export import EXPORT_FORMATS, export_run
from bench.store.kept import CanarySeconds, Summary
from bench.store.rescue import Imported, import_kept, open_or_beside
from bench.store.runs import RunInfo, RunStatus, StoredRun

__all__ = [
    "EXPORT_FORMATS",
    "CanarySeconds",
    "Imported",
    "RunInfo",
    "RunStatus",
    "Store",
    "StoredRun",
    "Summary",
    "export_run",
    "import_kept",
    "open_or_beside",
]
