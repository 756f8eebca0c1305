"""Where runs are kept: a database of runs, cells and facts, with samples and timings beside it as Parquet.

It stores raw facts and knows no statistics, metrics or reports. `Store` is the only way in, `bench.store.export`
the way out.
"""

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
