"""History over the store: series of nights, what changed in them, and the gate that says whether a run is worse.

It reads summaries that outlive raw timings (`remember`), and knows no pages and no schedule.
"""

from bench.history.series import History, Night, Point, Series, read_history

__all__ = ["History", "Night", "Point", "Series", "read_history"]
