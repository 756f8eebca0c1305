"""Stored runs of synthetic records, for tests of what happens to them later."""

from dataclasses import replace
from datetime import UTC, datetime

from bench.store import RunInfo, Store

SETTINGS = {
    "name": "suite",
    "models": [{"name": name, "family": "encoder", "checkpoint": "x"} for name in ("a", "b")],
    "tasks": [{"name": "topic", "kind": "classification", "data": {"path": "x.jsonl"}, "metrics": ["accuracy"]}],
    "objectives": ["accuracy", "latency_p50_s", "peak_memory_bytes"],
}


def store_run(results, records, *, url=None, night=1, suite="suite", restrictions=None):
    """Stores a finished run of the night of that day of November; returns its id."""
    when = datetime(2026, 11, night, 2, 30, tzinfo=UTC)
    plan = tuple((record.cell.id, record.cell.label) for record in records if record.process == 0)
    info = RunInfo(suite, "name: suite", "hash", "bench run", "machine", "quick", plan, {"cpu": "x"}, SETTINGS)
    info = replace(info, restrictions=restrictions or {})
    with Store.open(results, url, now=lambda: when) as store:
        run_id = store.begin_run(info)
        for record in records:
            store.commit(run_id, record)
        store.finish_run(run_id, "complete")
    return run_id
