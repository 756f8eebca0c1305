"""How a cell is run: in a fresh process from a forkserver (`local`) or in this one (`inline`, for tests)."""

from bench.plugins import Table

EXECUTORS = Table(
    "executor",
    "bench.running.executors",
    {
        "local": "bench.running.executors.local:LocalExecutor",
        "inline": "bench.running.executors.inline:InlineExecutor",
    },
)
"""Executors by name."""
