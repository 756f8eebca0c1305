"""The gate: is this run worse than its baseline?"""

from __future__ import annotations

from bench.executors.base import Executor
from bench.history.verdict import AlarmNote, FrontChange, GateResult, Line, Verdict
from bench.store import Store

__all__ = ["AlarmNote", "FrontChange", "GateResult", "Line", "Verdict", "gate"]


def gate(store: Store, candidate: str, baseline: str = "previous", *, executor: Executor | None = None) -> GateResult:
    """Returns what the gate says of a run.

    Args:
        store: where the runs are.
        candidate: a run, as `Store.find` takes it.
        baseline: `previous`, `best`, `tag:NAME` or a run.
        executor: runs the interleaved rerun; None for no rerun, and then no efficiency reading can fail.

    Raises:
        UsageError: there is no such run, or no such tag.
    """
    raise NotImplementedError
