"""The pages of a suite's nights: `index.html` (how each night ended) and `trends.html` (every reading over them).

from bench.report.nights import NightRow, write_pages
write_pages(read_history(store, "suite"), {"20261124-023000-1a2b": NightRow("unchanged", …)}, folder)
"""

from bench.report.nights.pages import write_pages
from bench.report.nights.rows import NightRow

__all__ = ["NightRow", "write_pages"]
