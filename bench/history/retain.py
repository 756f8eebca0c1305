"""Retention: summaries are written for every run that lacks them, and only then its raw timings are removed."""

from __future__ import annotations

from bench.errors import StoreError
from bench.history.remember import remember_missing
from bench.store import Store
from bench.store.retention import Pruning, plan_pruning, prune


def retain(store: Store, keep_nights: int, *, dry_run: bool = False) -> tuple[Pruning, dict[str, str]]:
    """Remove raw timings and answers but for the newest nights of each suite.

    Returns what went (with `dry_run`: what would go), and by run why another one that is as old keeps its rows:
    it has no summary, and none can be made.
    """
    pruning = plan_pruning(store, keep_nights)
    if dry_run:
        return pruning, {}
    problems: dict[str, str] = {}
    for run_id in pruning.runs:
        try:
            remember_missing(store, [run_id])
        except StoreError as error:
            problems[run_id] = str(error)
    if problems:
        pruning = plan_pruning(store, keep_nights, problems)
    prune(store, pruning)
    return pruning, problems
