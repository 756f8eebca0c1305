"""How a cell is run: in a fresh process from a forkserver (`local`) or in this one (`inline`, for tests)."""

from bench.registry import Table

EXECUTORS = Table(
    "executor",
    "bench.executors",
    {
        "local": "bench.executors.local:LocalExecutor",
        "inline": "bench.executors.inline:InlineExecutor",
    },
)
"""Executors by name."""
