"""The decision on a whole run: per task, and across tasks; as JSON and as sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.decision import sensitivity
from bench.decision.board import Board
from bench.decision.case import Recommendation
from bench.decision.fronts import Front, Standing
from bench.decision.question import Question
from bench.decision.sensitivity import Sensitivity
from bench.summary import Entry
from bench.words.advice import where
from bench.words.wording import listed


@dataclass(frozen=True, slots=True, eq=False)
class TaskDecision:
    """The decision on one task, or on all together (`task` is then empty)."""

    task: str
    board: Board
    front: Front
    recommendation: Recommendation
    sensitivity: Sensitivity
    volume: float | None
    """Hypervolume of the front's members over the suite's reference point, each objective scaled."""
    volume_remark: str
    remarks: tuple[str, ...]
    """What a reader must know of the comparison: objectives left out, limits that do not apply, estimates."""

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where each candidate stands."""
        return self.front.standings

    @property
    def pick(self) -> str | None:
        """The model to ship; None where none can be named yet, and the sentences say why."""
        return self.recommendation.pick

    def __repr__(self) -> str:
        """Show the task, the pick and the front."""
        return f"<TaskDecision {self.task or 'all tasks'!r}: pick {self.pick!r}, front {list(self.front.members)}>"

    def sentences(self) -> list[str]:
        """Returns the recommendation, the labels, and what would change the answer."""
        lines = list(self.recommendation.sentences)
        if self.front.relaxed and self.front.members:
            members = listed(list(self.front.members))
            lines.append(f"Without the limits the front on {where(self.board)} as observed is {members}.")
        lines += [f"{s.name}: {s.sentence}." for s in self.standings if s.name not in self.recommendation.excluded]
        lines += sensitivity.sentences(self.board, self.sensitivity)
        return lines + list(self.remarks)

    def to_json(self) -> dict[str, Any]:
        """Returns the decision as JSON-able values."""
        recommendation = asdict(self.recommendation)
        return {
            "task": self.task,
            "objectives": [_column(c) for c in self.board.columns[: self.board.objectives]],
            "candidates": [_standing(self.board, row, s) for row, s in enumerate(self.standings)],
            "front": list(self.front.members),
            "front_ignores_limits": self.front.relaxed,
            "hypervolume": self.volume,
            "hypervolume_remark": self.volume_remark,
            "recommendation": recommendation,
            "sensitivity": asdict(self.sensitivity),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True, eq=False)
class TaskLeftOut:
    """What leaving one task out changes in the decision across tasks."""

    task: str
    leader: str | None
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The decision on a run."""

    question: Question
    tasks: dict[str, TaskDecision]
    across: TaskDecision | None
    """Over all tasks; None when there is only one."""
    without_task: tuple[TaskLeftOut, ...]
    assumptions: tuple[str, ...]
    """What the prices assume."""
    entries: tuple[Entry, ...]
    """The cells, with `cost_per_1000` and `carbon_per_1000_g` where the suite has prices."""

    @property
    def pick(self) -> str | None:
        """The model to ship for all tasks together; None where none can be named yet, and the sentences say why."""
        whole = self.across if self.across is not None else next(iter(self.tasks.values()), None)
        return None if whole is None else whole.pick

    def __repr__(self) -> str:
        """Show the pick for all tasks and for each."""
        return f"<Decision: pick {self.pick!r}, tasks { {name: task.pick for name, task in self.tasks.items()} }>"

    def fronts(self) -> dict[str, list[str]]:
        """Returns the names on each task's front as observed."""
        return {task: list(decision.front.members) for task, decision in self.tasks.items()}

    def sentences(self) -> list[str]:
        """Returns everything that is said, the answer across tasks first."""
        lines = [] if self.across is None else self.across.sentences()
        lines += [left.sentence for left in self.without_task]
        for decision in self.tasks.values():
            lines += decision.sentences()
        return lines + list(self.assumptions)

    def to_json(self) -> dict[str, Any]:
        """Returns the decision as JSON-able values: no NaN, no infinity."""
        limits = [f"{limit.name} {limit.text}" for limit in self.question.limits]
        found = {
            "objectives": list(self.question.objectives),
            "limits": limits,
            "rule": self.question.rule.model_dump(mode="json"),
            "tasks": {task: decision.to_json() for task, decision in self.tasks.items()},
            "across_tasks": None if self.across is None else self.across.to_json(),
            "without_task": [{"task": t.task, "leader": t.leader, "sentence": t.sentence} for t in self.without_task],
            "assumptions": list(self.assumptions),
            "sentences": self.sentences(),
        }
        clean: dict[str, Any] = _clean(found)
        return clean


def _column(column: Any) -> dict[str, Any]:
    return {
        "asked": column.asked,
        "name": column.name,
        "unit": column.unit,
        "higher_is_better": column.higher_is_better,
        "margin": column.margin,
        "margin_is_relative": column.margin_is_relative,
    }


def _standing(board: Board, row: int, standing: Standing) -> dict[str, Any]:
    values = {}
    for c, column in enumerate(board.columns[: board.objectives]):
        quantity = board.quantities[row][c]
        if quantity is not None:
            values[column.name] = {
                "value": quantity.value,
                "ci_low": quantity.ci_low,
                "ci_high": quantity.ci_high,
            }
    checks = [
        {"limit": f"{c.limit.name} {c.limit.text}", "state": c.state, "bound": c.bound, "slack": c.slack,
         "sentence": c.sentence}
        for c in standing.checks
    ]  # fmt: skip
    return {
        "name": standing.name,
        "label": standing.label,
        "other": standing.other,
        "on_observed_front": standing.on_observed_front,
        "stability": standing.stability,
        "values": values,
        "limits": checks,
        "sentence": standing.sentence,
    }


def _clean(value: Any) -> Any:
    """Returns the value with None for every number that JSON cannot hold, and lists for tuples."""
    if isinstance(value, dict):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
