"""What a chart declares of itself, and what it gives to the page: a figure, a takeaway and a table.

A chart is one file in `bench/report/charts/` (or an entry point in the group `bench.charts`) with a class that derives
from `TaskChart` or `RunChart`. The page, `bench report --figures` and the tests find it there; no list names it.

    class StartUp(TaskChart):
        name, title, section, order = "start-up", "Load time", SPEED, 30

        def draw(self, task, advice, marks):
            ...
            yield Plate(Chart(name=f"start-up-{task.number}", ...), table)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.report.advice import TaskAdvice
from bench.report.marks import Mark
from bench.report.tables import Table
from bench.report.view import RunView, TaskView

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class ChartSection:
    """A section of the page whose charts answer one question."""

    anchor: str
    nav: str
    """Its word in the navigation."""
    title: str
    lede: str
    order: int
    """Position in the page; the answer has 0, the explorer 20, samples and tables 100 and more."""
    empty: str = ""
    """Shown when no chart applies; without it the section is then left out."""
    has_legend: bool = False
    """Whether the families' marks are explained above its charts."""


FRONT = ChartSection(
    "front",
    "Front",
    "Which are worth considering",
    "Each candidate of a task by what it gives and what it costs. The line holds the best quality at each cost.",
    order=10,
    empty="No candidate has both a quality and a cost, so there is no front to draw.",
    has_legend=True,
)
QUALITY = ChartSection(
    "quality",
    "Quality",
    "How good the answers are",
    "Candidates are compared pair by pair on the examples that both answered.",
    order=30,
)
SPEED = ChartSection(
    "speed",
    "Speed",
    "How long an answer takes",
    "Batch size 1, device synchronised, warmed up. Generators also by time to the first token (TTFT) and per further "
    "token (TPOT).",
    order=40,
)
LOAD = ChartSection(
    "load",
    "Load",
    "What it bears",
    "Open levels: requests are sent at the moments of one schedule, the same for all, whatever happened to those "
    "before. Times count from the intended moment, and what fails is infinitely late.",
    order=45,
)
MEMORY = ChartSection("memory", "Memory", "How much memory it needs", "The highest in each phase.", order=50)
ENERGY = ChartSection(
    "energy",
    "Energy",
    "How much energy an answer takes",
    "Each figure with its source. What could not be measured says so and is never 0.",
    order=60,
)
TRADE_OFFS = ChartSection(
    "trade", "Trade-offs", "All objectives at once, and what would change the answer", "", order=70
)
TRAINING = ChartSection(
    "training",
    "Training",
    "What the fitted models cost to train",
    "The fit that made each checkpoint; it counts once, not per answer.",
    order=80,
)
VARIANTS = ChartSection(
    "variants", "Variants", "What each variant gained", "The same weights, run another way.", order=90
)


@dataclass(frozen=True)
class Chart:
    """One static chart."""

    name: str
    """Unique in the page, where ids are made of it: `front-0`."""
    title: str
    takeaway: str
    """One sentence: what it shows."""
    description: str
    """For those who cannot see it: what is drawn, and where."""
    draw: Callable[[], Figure]
    """What draws it; called inside `style()`."""
    note: str = ""
    """What is left out, and how to read it."""
    narrow: bool = False
    """Whether the page also holds it as wide as a phone, where the wide one would be too small to read."""
    slim: bool = False
    """Whether the page of a crowded run holds it once only, as wide as a phone: both would pass the page's size."""
    detail: str = ""
    """Tells it from the others of its kind and task, in the name of its file: the cost of a front, a candidate."""


@dataclass(frozen=True)
class Plate:
    """A chart together with the table that holds its numbers."""

    chart: Chart
    table: Table | None = None
    """None where the table of results has the same numbers."""
    switch: Mapping[str, object] | None = None
    """JSON that the page's script needs to draw the same against another reference."""
    folded: bool = False
    """Whether the page shows its title and takeaway alone until it is opened."""


class DeclaredChart(ABC):
    """What every kind of chart declares."""

    name: ClassVar[str]
    """Unique among the kinds: `front`. The files of its figures are named after the task and this."""
    title: ClassVar[str]
    """What it shows, in a few words."""
    section: ClassVar[ChartSection]
    """Where in the page it stands; one of this module's or one of its own."""
    order: ClassVar[int] = 100
    """Position within the section."""


class TaskChart(DeclaredChart):
    """A kind of chart that is drawn for each task."""

    def applies(self, task: TaskView) -> bool:
        """Tell whether the task has what the chart shows; `draw` may still find nothing to draw."""
        return True

    @abstractmethod
    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterable[Plate]:
        """Give the chart of one task with its table; several where the kind has more than one, none where it has none.

        Args:
            task: its cells, and what the suite asks of them.
            advice: what was decided for it.
            marks: how each family is drawn.
        """


class RunChart(DeclaredChart):
    """A kind of chart that is drawn once for the run."""

    def applies(self, view: RunView) -> bool:
        """Tell whether the run has what the chart shows; `draw` may still find nothing to draw."""
        return True

    @abstractmethod
    def draw(self, view: RunView, marks: Mapping[str, Mark]) -> Iterable[Plate]:
        """Give the chart of the run with its table; none where there is nothing to show.

        Args:
            view: the run.
            marks: how each family is drawn.
        """


ChartKind = TaskChart | RunChart
