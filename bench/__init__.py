"""bench: which model should we ship?

Quality, latency, throughput, memory and energy of the same loaded model, in one run, and the advice that follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.decision import Decision

try:
    __version__ = version("bench")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__", "recommend"]


def recommend(
    run: str = "latest",
    *,
    where: Iterable[str] = (),
    prefer: str | None = None,
    rule: str | None = None,
    results: Path | str = "results",
    store: str | None = None,
) -> Decision:
    """Returns the decision on a stored run, under the suite's limits and those of `where`.

    Args:
        run: `latest` (the newest run of a whole suite), a run's id, or the beginning of one.
        where: limits such as `"latency_p95_s <= 50 ms"`.
        prefer: the objective to optimise; by default the suite's.
        rule: how to pick; by default the suite's.
        results: the results folder.
        store: address of the database, when it is not the results folder's SQLite.

    Raises:
        StoreError: there is no such folder.
        UsageError: there is no such run, or a limit cannot be read.
    """
    import json

    from bench.decision import Question, decide
    from bench.store import Store
    from bench.suite import Suite
    from bench.summary import summarise_run

    with Store.open(Path(results), store, create=False) as opened:
        stored = opened.load(opened.choose(run).info.id)
    suite = Suite.model_validate_json(json.dumps(dict(stored.info.settings)))
    return decide(summarise_run(stored), Question.of(suite).asking(where, prefer, rule))
