"""What a report is made of: the run's description, its suite, its entries and the decision, by task.

It knows neither HTML nor charts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bench.decision import Decision, Question, decide
from bench.errors import UsageError, nearest
from bench.report.wording import Measure, is_baseline, measure_of
from bench.store import RunInfo, StoredRun
from bench.suite import Suite
from bench.suite.limits import QUALITY
from bench.summary import Entry, summarise_run
from bench.summary.machines import MachineSpeed, divided_blocks, machine_speeds
from bench.summary.raced import race_outcome
from bench.words.race import race_line

MOST_ROWS, FEW_ROWS = 20, 8
"""Rows of a chart in an ordinary run, and in a crowded one."""
CROWDED = 150
"""From so many cells on a page of full charts would pass 1.5 MB."""


@dataclass(frozen=True)
class TaskView:
    """One task: its cells, and what the suite asks of them."""

    name: str
    kind: str
    number: int
    """Position in the page, 0 first; anchors use it, because names may hold anything."""
    entries: tuple[Entry, ...]
    objectives: tuple[Measure, ...]
    crowded: bool = False
    """Whether the run has so many cells that charts and tables beside them show fewer rows."""
    reference: str | None = None
    """The candidate that paired differences are to, where one was asked for."""

    @cached_property
    def scored(self) -> tuple[Entry, ...]:
        """List the entries with a quality."""
        return tuple(entry for entry in self.entries if value_of(entry, QUALITY) is not None)

    @cached_property
    def quality(self) -> Measure | None:
        """Return the measure of the task's quality."""
        return measure_of(QUALITY, self.scored)

    @property
    def rows(self) -> int:
        """Return the largest number of rows of a chart and of the table beside it; the table of results has all."""
        return FEW_ROWS if self.crowded else MOST_ROWS

    @property
    def has_narrow(self) -> bool:
        """Tell whether charts are drawn a second time, as wide as a phone; a crowded page would become too large."""
        return not self.crowded

    @property
    def costs(self) -> tuple[Measure, ...]:
        """List the objectives other than quality metrics."""
        return tuple(measure for measure in self.objectives if measure.is_cost)

    def measured(self, *names: str) -> list[Entry]:
        """List the entries that have a value of each name."""
        return [e for e in self.entries if all(value_of(e, name) is not None for name in names)]


@dataclass(frozen=True)
class RunView:
    """One run as a report shows it."""

    info: RunInfo
    suite: Suite
    entries: tuple[Entry, ...]
    tasks: tuple[TaskView, ...]
    decision: Decision
    reused: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(cell label, process) → id of the run that measured it."""
    remark: str | None = None
    """What is no longer there of the run."""

    @property
    def partial(self) -> str | None:
        """What was left out of the suite, as options; None for a whole run."""
        return self.info.restricted_by or None

    @property
    def race(self) -> str | None:
        """What the race spared, and what its picks risk; None for a run that answered everything."""
        race = race_outcome(self.info.race)
        return None if race is None else race_line(race)

    @cached_property
    def machines(self) -> tuple[MachineSpeed, ...]:
        """Describe the machines of a cluster that it ran on; empty for a run at home."""
        return machine_speeds(self.entries)

    @cached_property
    def divided_blocks(self) -> tuple[str, ...]:
        """Name the blocks of which several machines did a part each."""
        return divided_blocks(self.entries)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Count the cells by status, in the order of first appearance."""
        statuses: dict[str, int] = {}
        for entry in self.entries:
            statuses[entry.status] = statuses.get(entry.status, 0) + 1
        return statuses

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """List every candidate, in the suite's order."""
        return tuple(dict.fromkeys(entry.candidate for entry in self.entries))

    @cached_property
    def families(self) -> tuple[str, ...]:
        """List the families in the order of first appearance, those of baselines last."""
        baselines = {entry.cell.family: is_baseline(entry) for entry in self.entries}
        return tuple(sorted(baselines, key=lambda family: baselines[family]))


def view_of(
    stored: StoredRun, suite: Suite | None = None, decision: Decision | None = None, reference: str | None = None
) -> RunView:
    """Make the view of a stored run.

    Args:
        stored: the run with its rows.
        suite: the suite as parsed; by default the one that the run's settings hold.
        decision: the decision on the run, when it is known already; its entries are shown.
        reference: the candidate that paired differences are to; by default each task's strongest baseline.

    Raises:
        UsageError: no candidate has the reference's name.
    """
    suite = suite or suite_of(stored.info)
    decision = decision or decide(summarise_run(stored), Question.of(suite))
    entries = decision.entries
    candidates = {entry.candidate for entry in entries}
    if reference is not None and reference not in candidates:
        raise UsageError(f"no candidate is named '{reference}'; {nearest(reference, candidates)}")
    names = dict.fromkeys([task.name for task in suite.tasks] + [entry.cell.task for entry in entries])
    tasks: list[TaskView] = []
    for name in names:
        of_task = tuple(entry for entry in entries if entry.cell.task == name)
        if of_task:
            measures = [measure_of(objective, of_task) for objective in decision.question.objectives]
            measured = tuple(measure for measure in measures if measure is not None)
            crowded = len(entries) >= CROWDED
            tasks.append(TaskView(name, of_task[0].cell.kind, len(tasks), of_task, measured, crowded, reference))
    return RunView(stored.info, suite, entries, tuple(tasks), decision, stored.reused, _remark(stored))


def _remark(stored: StoredRun) -> str | None:
    if not stored.gone:
        return None
    whys = ", ".join(sorted(set(stored.gone.values())))
    return (
        f"Of {len(stored.gone)} of {len(stored.records)} records the {whys}. Their numbers are the summaries of that "
        "night; models are compared by their intervals, no longer example by example"
    )


def suite_of(info: RunInfo) -> Suite:
    """Rebuild the suite that a run was made from, out of its stored settings."""
    settings = {key: value for key, value in info.settings.items() if key in Suite.model_fields}
    return Suite.model_validate_json(json.dumps({"name": info.suite} | settings))


def value_of(entry: Entry, name: str) -> float | None:
    """Look up the finite value of a measure; None when it is missing."""
    quantity = entry.quantity(name)
    return None if quantity is None else quantity.value
