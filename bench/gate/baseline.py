"""What a run is compared with: the run before, the best one, a tagged one, or one by its id."""

from __future__ import annotations

import numpy as np

from bench.errors import UsageError
from bench.history.effects import levels
from bench.history.series import History, Night
from bench.store import RunInfo, Store

TAG = "tag:"
RELATIVE = ("previous", "best")
"""Baselines that every candidate has of its own; any other names a run."""


def find_baseline(store: Store, history: History, candidate: RunInfo, asked: str) -> tuple[RunInfo | None, str]:
    """Find the baseline, and a remark; None with the reason where there is none.

    `previous` and `best` look among the complete runs of the suite that started before the candidate, those of
    its environment first; a tag or an id may be any run.

    Raises:
        UsageError: there is no such tag or run, or it is the candidate itself.
    """
    if asked in RELATIVE:
        night = _previous(history, candidate) if asked == "previous" else _best(history, candidate)
        if night is None:
            return None, f"there is no complete run of '{candidate.suite}' before {candidate.id}"
        return store.find(night.run_id), f"baseline {night.run_id} ({asked})"
    info = find_named(store, candidate.suite, asked)
    if info.id == candidate.id:
        raise UsageError(f"run {info.id} cannot be its own baseline; name another with --baseline")
    if info.suite != candidate.suite:
        raise UsageError(f"run {info.id} is of the suite '{info.suite}', and {candidate.id} of '{candidate.suite}'")
    return info, f"baseline {info.id}" + (f" ({asked})" if asked.startswith(TAG) else "")


def find_named(store: Store, suite: str, asked: str) -> RunInfo:
    """Find the run of a tag or an id.

    Raises:
        UsageError: there is none.
    """
    return store.tagged(suite, asked.removeprefix(TAG)) if asked.startswith(TAG) else store.find(asked)


def _earlier(history: History, candidate: RunInfo) -> list[Night]:
    """Return the complete nights before the candidate, those of another environment first, then by time; for a whole
    candidate the whole ones alone."""
    own = next((night.segment for night in history.nights if night.run_id == candidate.id), None)
    complete = [n for n in history.nights if n.started_at < candidate.started_at and n.status == "complete"]
    nights = [night for night in complete if candidate.is_partial or not night.is_partial]
    return sorted(nights, key=lambda night: (night.segment == own, night.started_at))


def _previous(history: History, candidate: RunInfo) -> Night | None:
    earlier = _earlier(history, candidate)
    return earlier[-1] if earlier else None


def _best(history: History, candidate: RunInfo) -> Night | None:
    """Find the night whose readings rank best on average, among the nights of its environment."""
    earlier = _earlier(history, candidate)
    if not earlier:
        return None
    same = [night for night in earlier if night.segment == earlier[-1].segment]
    ranks: dict[str, list[float]] = {night.run_id: [] for night in same}
    for series in history.series:
        points = [p for p in series.points if p.run_id in ranks and p.value is not None]
        values = levels(series, points) if points else None
        if values is None:
            continue
        good = values if series.larger_is_better else -values
        for point, value in zip(points, good, strict=True):
            ranks[point.run_id].append(float(np.mean(good < value) + np.mean(good == value) / 2))
    scored = [night for night in same if ranks[night.run_id]]
    return max(scored, key=lambda night: (float(np.mean(ranks[night.run_id])), night.started_at), default=earlier[-1])
