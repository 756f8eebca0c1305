"""The front as a whole: a pick that changes, a member lost or gained, the hypervolume."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.decision import Decision, Question, decide
from bench.decision.decision import TaskDecision
from bench.decision.stand_ins import with_stand_ins
from bench.errors import BenchError
from bench.gate.verdict import FrontChange
from bench.store import RunInfo
from bench.suite import Suite
from bench.summary import Entry
from bench.words import gate as words


def front_changes(
    info: RunInfo, candidate: Sequence[Entry], baseline: Sequence[Entry]
) -> tuple[tuple[FrontChange, ...], str | None]:
    """Compare the front of each task (and of all together) under the candidate's suite; tell why there is nothing to
    compare, where that is so.

    A changed front is told, and fails nothing by itself: two models that are nearly tied change places by chance.
    What made a model worse has a line of its own.
    """
    try:
        settings = {key: value for key, value in info.settings.items() if key in Suite.model_fields}
        question = Question.of(Suite.model_validate_json(json.dumps({"name": info.suite} | settings)))
        question, _ = with_stand_ins(question, [*baseline, *candidate])  # the same for both: an older night may lack it
        before, after = _parts(decide(baseline, question)), _parts(decide(candidate, question))
    except (BenchError, ValueError) as error:
        return (), f"the fronts are not compared: {str(error).splitlines()[0]}"
    same = {entry.id for entry in candidate} == {entry.id for entry in baseline}
    return tuple(_change(task, before[task], after[task], same) for task in after if task in before), None


def _parts(decision: Decision) -> dict[str, TaskDecision]:
    across = {} if decision.across is None else {"": decision.across}
    return across | dict(decision.tasks)


def _change(task: str, before: TaskDecision, after: TaskDecision, same: bool) -> FrontChange:
    old, new = before.front.members, after.front.members
    lost = tuple(name for name in old if name not in new)
    gained = tuple(name for name in new if name not in old)
    picks = before.recommendation.settled_pick, after.recommendation.settled_pick
    volumes = before.volume.value, after.volume.value
    changed = picks[0] != picks[1] or bool(lost or gained)
    text = words.front_change(task, picks, lost, gained, volumes, same_models=same)
    return FrontChange(task, *picks, lost, gained, *volumes, changed, text, changed and same)
