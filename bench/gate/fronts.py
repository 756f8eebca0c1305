"""The front as a whole: a pick that changes, a member lost or gained, the hypervolume."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.decision import Decision, Question, decide
from bench.decision.decision import TaskDecision
from bench.errors import BenchError
from bench.gate.verdict import FrontChange
from bench.store import RunInfo
from bench.suite import Suite
from bench.summary import Entry
from bench.units import format_number


def front_changes(
    info: RunInfo, candidate: Sequence[Entry], baseline: Sequence[Entry]
) -> tuple[tuple[FrontChange, ...], str | None]:
    """Returns how the front of each task (and of all together) changed, under the candidate's suite; and why
    there is nothing to say, where that is so.

    A changed front is told, and fails nothing by itself: two models that are nearly tied change places by chance.
    What made a model worse has a line of its own.
    """
    try:
        known = {key: value for key, value in info.settings.items() if key in Suite.model_fields}
        question = Question.of(Suite.model_validate_json(json.dumps({"name": info.suite} | known)))
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
    picks = before.recommendation.pick, after.recommendation.pick
    parts = []
    if picks[0] != picks[1]:
        parts.append(f"the pick changes from {picks[0] or 'none'} to {picks[1] or 'none'}")
    parts += [f"{name} leaves the front" for name in lost] + [f"{name} joins the front" for name in gained]
    changed = bool(parts)
    parts += ["no model is another one, so this is the chance of measuring"] if changed and same else []
    volumes = before.volume.value, after.volume.value
    if volumes[0] is not None and volumes[1] is not None:
        parts.append(f"hypervolume {format_number(volumes[0])} → {format_number(volumes[1])}")
    where = f"'{task}'" if task else "all tasks together"
    text = f"{where}: " + ("; ".join(parts) if parts else "the front and the pick are the same")
    return FrontChange(task, *picks, lost, gained, *volumes, changed, text, changed and same)
