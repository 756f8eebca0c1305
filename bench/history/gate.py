"""The gate: is this run worse than its baseline?

First a look at every reading: quality by paired tests on the same examples, efficiency against the baseline and the
scatter of the nights. What looks different is then run again, candidate and baseline in turn, and only that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.executors.base import Executor
from bench.history.baseline import find_baseline
from bench.history.draft import draft_of
from bench.history.environment import differences, harness_of
from bench.history.fronts import front_changes
from bench.history.result import conclude, final_lines, nothing_to_compare
from bench.history.series import History, read_history
from bench.history.settle import ROUNDS
from bench.history.settlement import Arena, settle_draft
from bench.history.trend import Alarm, trend_alarm
from bench.history.verdict import AlarmNote, FrontChange, GateResult, Line, Verdict
from bench.store import RunInfo, Store
from bench.summary import Entry, summarise

__all__ = ["AlarmNote", "FrontChange", "GateResult", "Line", "Verdict", "gate"]


def _silent(_: str) -> None:
    """Nobody wants to know."""


def gate(
    store: Store,
    candidate: str = "latest",
    baseline: str = "previous",
    *,
    executor: Executor | None = None,
    rounds: Sequence[int] = ROUNDS,
    seed: int = 42,
    say: Callable[[str], None] = _silent,
    history: History | None = None,
) -> GateResult:
    """Returns what the gate says of a run.

    Args:
        store: where the runs are.
        candidate: a run, as `Store.find` takes it.
        baseline: `previous`, `best`, `tag:NAME` or a run.
        executor: runs the interleaved rerun; None for no rerun, and then no efficiency reading can fail.
        rounds: pairs of fresh processes, in all, after each look of the rerun.
        seed: of the order of the rerun.
        say: told what is being run.
        history: of the suite up to the candidate, where the caller has it.

    Raises:
        UsageError: there is no such run, or no such tag.
        StoreError: the runs cannot be read.
    """
    info = store.find(candidate)
    found = history or read_history(store, info.suite, until=info.id)
    alarms = tuple(_note(alarm) for series in found.series if (alarm := trend_alarm(series)) is not None)
    base, remark = find_baseline(store, found, info, baseline)
    if base is None:
        return nothing_to_compare(info.id, baseline, remark, alarms)
    old, new = (_entries(store, run.id) for run in (base, info))
    draft = draft_of(found, (base.id, info.id), old, new, _changed(base, info))
    if executor is not None:
        settle_draft(draft, Arena(executor, store.results, info.id, rounds, seed, say))
    same = base.machine_key == info.machine_key
    lines = final_lines(draft, rerun=executor is not None, same_environment=same)
    fronts, why_not = front_changes(info, new, old)
    remarks = [remark, *draft.remarks, *([why_not] if why_not else [])]
    return conclude(info.id, base.id, baseline, lines, fronts, alarms, remarks)


def _entries(store: Store, run_id: str) -> list[Entry]:
    return summarise(store.load(run_id).records)


def _changed(base: RunInfo, info: RunInfo) -> str:
    """Returns what changed in the environment; empty where nothing did."""
    same = base.machine_key == info.machine_key and harness_of(base.environment) == harness_of(info.environment)
    return "" if same else "; ".join(differences(base.environment, info.environment))


def _note(alarm: Alarm) -> AlarmNote:
    return AlarmNote(*alarm.series.key, alarm.ratio, alarm.p, alarm.worse, alarm.since, alarm.text)
