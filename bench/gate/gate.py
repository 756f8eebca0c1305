"""The gate: is this run worse than its baseline?

First a look at every reading: quality by paired tests on the same examples, efficiency against the baseline and the
scatter of the nights. What looks different is then run again, candidate and baseline in turn, and only that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.gate.baseline import find_baseline
from bench.gate.draft import draft_of
from bench.gate.fronts import front_changes
from bench.gate.result import conclude, final_lines, nothing_to_compare
from bench.gate.settle import ROUNDS
from bench.gate.settlement import Arena, settle_draft
from bench.gate.verdict import AlarmNote, FrontChange, GateResult, Line, Verdict
from bench.history.environment import harness_of
from bench.history.series import read_history
from bench.history.trend import Alarm, Together, trend_alarms
from bench.host.differences import differences
from bench.running.executors.base import Executor
from bench.store import RunInfo, Store
from bench.summary import Entry, summarise
from bench.words import gate as words

__all__ = ["AlarmNote", "FrontChange", "GateResult", "Line", "Verdict", "gate"]


def _silent(_: str) -> None:
    """Discard the message."""


def gate(
    store: Store,
    candidate: str = "latest",
    baseline: str = "previous",
    *,
    executor: Executor | None = None,
    rounds: Sequence[int] = ROUNDS,
    seed: int = 42,
    say: Callable[[str], None] = _silent,
    strict: bool = False,
) -> GateResult:
    """Judge a run against its baseline.

    Args:
        store: where the runs are.
        candidate, baseline: runs as `Store.find` takes them; a baseline may be `previous`, `best` or `tag:NAME`.
        executor: runs the interleaved rerun; None for no rerun, and then no efficiency reading can fail.
        rounds: pairs of fresh processes, in all, after each look of the rerun.
        seed: of the order of the rerun.
        say: receives a line for each thing that is run.
        strict: a suspicion that nothing refuted fails, too.

    Raises:
        UsageError: no such run or tag.
    """
    choice = store.choose(candidate)
    info = choice.info
    history = read_history(store, info.suite, until=info.id)
    own, together = trend_alarms(history.series)
    alarms = tuple(map(_note, own))
    base, remark = find_baseline(store, history, info, baseline)
    if base is None:
        return nothing_to_compare(info.id, baseline, remark, alarms, choice.remark)
    old, new = (_entries(store, run.id) for run in (base, info))
    draft = draft_of(history, (base.id, info.id), old, new, _changed(base, info))
    if executor is not None:
        settle_draft(draft, Arena(executor, store.results, info, rounds, seed, say))
    lines = final_lines(draft, rerun=executor is not None, same_environment=base.machine_key == info.machine_key)
    fronts, why_not = front_changes(info, new, old)
    remarks = [remark, *draft.remarks, *filter(None, [choice.remark, why_not, _moved_together(together)])]
    return conclude(info.id, base.id, baseline, lines, fronts, alarms, remarks, strict=strict)


def _entries(store: Store, run_id: str) -> list[Entry]:
    return summarise(store.load(run_id).records)


def _changed(base: RunInfo, info: RunInfo) -> str:
    """Say what changed in the environment; empty where nothing did."""
    same = base.machine_key == info.machine_key and harness_of(base.environment) == harness_of(info.environment)
    return "" if same else "; ".join(differences(base.environment, info.environment))


def _moved_together(together: Together) -> str:
    readings = sorted({alarm.series.reading for alarm in together.alarms})
    return words.moved_together(readings, len({alarm.series.model for alarm in together.alarms}))


def _note(alarm: Alarm) -> AlarmNote:
    return AlarmNote(*alarm.series.key, alarm.ratio, alarm.p, alarm.worse, alarm.since, alarm.text, alarm.kind)
