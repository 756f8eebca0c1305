"""Tables as data: what the page shows beside every chart, and what sorts by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from bench.catalogue.readings import shown_in
from bench.catalogue.reasons import NOT_MEASURED
from bench.metrics.catalogue import words_of
from bench.report.advice import TaskAdvice
from bench.report.marks import Mark
from bench.report.text import REASON_LIMIT, cut, name_markup
from bench.report.view import TaskView
from bench.report.wording import STATUS_WORDS, Measure, count, measure_of, number, spread
from bench.suite.limits import QUALITY
from bench.summary import Entry, Quantity
from bench.words.standings import place_in_short
from bench.words.standings import standing as standing_words
from bench.words.wording import percent

STANDING_WORDS = {
    "on the front": "on the front",
    "possibly": "possibly on the front",
    "tied": "tied",
    "dominated": "dominated",
    "infeasible": "over a limit",
    "unresolved": "unresolved",
}

MILD = ("unsupported", "skipped")
"""Statuses that are no fault of the run."""
TITLED = 30
"""Up to this many candidates each number's tooltip tells n and source; with more, `--format csv` does."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    head: str
    title: str = ""
    """What it means, for the head's tooltip."""
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One cell of a table."""

    text: str | Markup
    sort: float | str | None = None
    """What it sorts by; the text when None."""
    small: str = ""
    """A second, smaller line: the interval."""
    n: str = ""
    """How many observations are behind the value; the column's head tells it where all rows have the same."""
    title: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; its first item is its header."""

    items: tuple[Item, ...]
    anchor: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(default_factory=tuple)

    @property
    def shared(self) -> list[str]:
        """Find the n that all values of a column have, by column; empty where they differ, or there is one value."""
        return [self._shared(column) for column in range(len(self.columns))]

    def _shared(self, column: int) -> str:
        valued = [item for row in self.rows if isinstance((item := row.items[column]).sort, (int, float))]
        counts = {item.n for item in valued}
        return counts.pop() if len(valued) > 1 and len(counts) == 1 else ""


def anchor_of(task: TaskView, entry: Entry) -> str:
    """Name the id of an entry's row in the table of results."""
    return f"t{task.number}c{task.entries.index(entry)}"


def name_item(entry: Entry, marks: Mapping[str, Mark], extra: str = "", name: str = "") -> Item:
    """Write a candidate's name (or the name given) behind its family's mark."""
    name = name or entry.candidate
    mark = marks[entry.cell.family]
    glyph = Markup('<i class="{}"></i>\u00a0').format(mark.css.removeprefix("--"))
    tail = Markup(' <b class="tag">{}</b>').format(extra) if extra else Markup("")
    return Item(glyph + name_markup(name) + tail, sort=name)


def quantity_item(quantity: Quantity | None, *, titled: bool = False) -> Item:
    """Write a value with its interval, or why there is none; `titled` adds n, source and remark."""
    if quantity is None:
        return Item("–", css="none")
    if quantity.value is None:
        shown = "not measured" if quantity.unit == "J" else "–"
        return Item(shown, title=cut(str(quantity.reason or NOT_MEASURED), REASON_LIMIT), css="none")
    title = ""
    if titled:
        title = f"n = {quantity.n:,}, {quantity.source}" + (f"; {quantity.reason}" if quantity.reason else "")
    small, n = spread(quantity), count(quantity)
    return Item(number(quantity.value, quantity.unit), quantity.value, small, n, cut(title, REASON_LIMIT))


def columns_of(task: TaskView) -> list[Measure]:
    """List the measures of the table of results: quality first, then the objectives, then the other
    metrics."""
    metrics = list(dict.fromkeys(name for entry in task.entries for name in entry.quality))
    more = () if task.crowded else (*metrics[1:], *shown_in("results"))
    names = [QUALITY, *(m.name for m in task.objectives), *more]
    columns: dict[str, Measure] = {}
    for name in names:
        measure = measure_of(name, task.scored or task.entries)
        if measure is not None and measure.title not in {m.title for m in columns.values()}:
            columns[name] = measure
    return list(columns.values())


def results(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Table:
    """Tabulate every cell of a task: where it stands, and its numbers."""
    measures = columns_of(task)
    columns = [Column("candidate", numeric=False), Column("standing", "from the decision", numeric=False)]
    columns += [Column(m.short, f"{m.title}; {m.better} is better") for m in measures]
    rows = [_result(task, entry, advice, marks, measures) for entry in ranked(task, advice)]
    return Table(f"Every candidate on {task.name}", tuple(columns), tuple(rows))


def ranked(task: TaskView, advice: TaskAdvice) -> list[Entry]:
    """Order the entries: the pick, the front, the rest by quality, those without one last."""

    def key(entry: Entry) -> tuple[bool, bool, bool, float]:
        quantity = entry.quantity(QUALITY)
        value = None if quantity is None else quantity.value
        sign = -1.0 if quantity is None or quantity.higher_is_better else 1.0
        missing = value is None
        return (
            missing,
            entry.candidate != advice.pick,
            entry.candidate not in advice.front,
            sign * (value or 0.0),
        )

    return sorted(task.entries, key=key)


def _result(
    task: TaskView, entry: Entry, advice: TaskAdvice, marks: Mapping[str, Mark], measures: Sequence[Measure]
) -> Row:
    pick = entry.candidate == advice.pick
    tag = "pick" if pick else "runner-up" if entry.candidate == advice.runner_up else ""
    items = [name_item(entry, marks, tag), standing_item(entry, advice)]
    items += [quantity_item(entry.quantity(m.name), titled=len(task.entries) <= TITLED) for m in measures]
    css = "pick" if pick else "front" if entry.candidate in advice.front else "" if entry.ended_well else "bad"
    return Row(tuple(items), anchor_of(task, entry), css)


def standing_item(entry: Entry, advice: TaskAdvice) -> Item:
    """Write the label of the decision, or the cell's status."""
    if not entry.ended_well:
        return Item(
            STATUS_WORDS[entry.status],
            f"z{entry.status}",
            title=cut(entry.reason or "", REASON_LIMIT),
            css="none" if entry.status in MILD else "status",
        )
    standing = advice.standings.get(entry.candidate)
    if standing is None:
        return Item("–", "y")
    placed = "" if advice.decision is None else place_in_short(advice.decision.board, standing)
    words = placed or STANDING_WORDS[standing.label]
    share = "" if standing.stability is None else f"in {percent(standing.stability)}"
    small = share and (f"{share} of resamples" if standing.label == "on the front" else f"on the front {share}")
    small = "of these examples, by the race" if placed else small
    shows_front = not placed and standing.label in ("on the front", "possibly")
    part = advice.decision
    why = "" if shows_front or part is None else cut(standing_words(part.board, standing), REASON_LIMIT)
    return Item(words, None, small, title=why, css=standing.label.replace(" ", "-"))


def beside_front(task: TaskView, cost: Measure, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Table:
    """Tabulate the numbers of a front chart."""
    quality = task.quality
    head = quality.short if quality else "quality"
    rows = []
    for entry in ranked(task, advice):
        if entry not in task.measured(QUALITY, cost.name):
            continue
        tag = "pick" if entry.candidate == advice.pick else ""
        items = (
            name_item(entry, marks, tag),
            quantity_item(entry.quantity(QUALITY)),
            quantity_item(entry.quantity(cost.name)),
        )
        rows.append(Row(items, css="pick" if tag else "front" if entry.candidate in advice.front else ""))
    columns = (Column("candidate", numeric=False), Column(head), Column(cost.short))
    return beside(f"{head} and {cost.short.lower()} on {task.name}", columns, rows, task.rows)


def beside(caption: str, columns: Sequence[Column], rows: Sequence[Row], most: int) -> Table:
    """Make the table beside a chart: its first rows, and how many there are."""
    few = f" ({most} of {len(rows)}; the exports have all)" if len(rows) > most else ""
    return Table(f"{caption}{few}", tuple(columns), tuple(rows[:most]))


def troubles(tasks: Sequence[TaskView], marks: Mapping[str, Mark]) -> Table:
    """Tabulate the cells that did not end well, with their reasons."""
    columns = tuple(Column(head, numeric=False) for head in ("candidate", "task", "status", "reason"))
    rows = [
        Row(
            (
                name_item(entry, marks),
                Item(name_markup(task.name), task.name),
                Item(STATUS_WORDS[entry.status], css="none" if entry.status in MILD else "status"),
                Item(
                    Markup('<bdi class="long">{}</bdi>').format(
                        cut(entry.reason or "no reason was stored", REASON_LIMIT)
                    )
                ),
            )
        )
        for task in tasks
        for entry in task.entries
        if not entry.ended_well
    ]
    return Table("Cells without a result", columns, tuple(rows))


def metric_title(name: str) -> str:
    """Name a metric as the literature writes it."""
    return words_of(name).title
