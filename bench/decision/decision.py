"""The decision on a whole run: per task, and across tasks."""

from __future__ import annotations

from dataclasses import dataclass

from bench.decision.board import Board
from bench.decision.case import Recommendation
from bench.decision.cover import Cover
from bench.decision.fronts import Front, Standing, Volume
from bench.decision.question import Question
from bench.decision.remarks import Remark, StoodIn
from bench.decision.sensitivity import Sensitivity
from bench.summary import Entry


@dataclass(frozen=True, slots=True, eq=False)
class TaskDecision:
    """The decision on one task, or on all together (`task` is then empty)."""

    task: str
    question: Question
    board: Board
    front: Front
    recommendation: Recommendation
    sensitivity: Sensitivity
    volume: Volume
    """Hypervolume of the front's members."""
    remarks: tuple[Remark, ...]
    """What a reader must know of the comparison: objectives left out, limits that do not apply, estimates."""

    @property
    def standings(self) -> tuple[Standing, ...]:
        """List where each candidate stands."""
        return self.front.standings

    @property
    def pick(self) -> str | None:
        """Name the model to ship; None where nobody is eligible, and the sentences say why."""
        return self.recommendation.pick

    def __repr__(self) -> str:
        """Show the task, the pick and the front."""
        return f"<TaskDecision {self.task or 'all tasks'!r}: pick {self.pick!r}, front {list(self.front.members)}>"


@dataclass(frozen=True, slots=True, eq=False)
class TaskLeftOut:
    """What leaving one task out changes in the decision across tasks."""

    task: str
    leader: str | None
    """Whom the rule then favours; None when nobody is eligible."""
    usual: str | None
    """Whom it favours with the task."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The decision on a run."""

    question: Question
    """As it was answered: where an objective was replaced (`stood_in`), it has the other one."""
    tasks: dict[str, TaskDecision]
    across: TaskDecision | None
    """Over all tasks; None when there is only one."""
    without_task: tuple[TaskLeftOut, ...]
    cover: Cover | None
    """The cheapest set of models for all tasks; None where there is only one task, or nobody is eligible."""
    entries: tuple[Entry, ...]
    """The cells, with `cost_per_1000` and `carbon_per_1000_g` where the suite has prices."""
    stood_in: tuple[StoodIn, ...] = ()
    """Objectives that the run lacks, and by what the candidates were compared instead."""

    @property
    def pick(self) -> str | None:
        """Name the model to ship for all tasks together; None where nobody is eligible, and the sentences say why."""
        whole = self.across if self.across is not None else next(iter(self.tasks.values()), None)
        return None if whole is None else whole.pick

    def __repr__(self) -> str:
        """Show the pick for all tasks and for each."""
        return f"<Decision: pick {self.pick!r}, tasks { {name: task.pick for name, task in self.tasks.items()} }>"

    def fronts(self) -> dict[str, list[str]]:
        """Name the members of each task's front as observed."""
        return {task: list(decision.front.members) for task, decision in self.tasks.items()}
