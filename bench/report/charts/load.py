"""Served candidates under load: latency at each rate of requests, and what of it can be promised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.catalogue.readings import AT_LEVEL
from bench.measure.load.outcome import Estimate, Numbers
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import LOAD, Chart, Plate, TaskChart
from bench.report.drawing.load import Curve, Panel, Spot, draw_curves
from bench.report.drawing.rows import DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import Measure, plural
from bench.suite.load import parse_slo
from bench.summary import Entry
from bench.summary.levels import counted, spec_of
from bench.units import format_quantity

MEDIAN, TAIL = 0.5, 0.95
TIMES = {"ttft": "time to first token", "tpot": "time per output token", "latency": "latency"}


@dataclass(frozen=True, slots=True)
class At:
    """One candidate at one level."""

    entry: Entry
    numbers: Numbers


class UnderLoad(TaskChart):
    """Latency and goodput of loaded candidates over the rate that was offered."""

    name, title, section, order = "load", "Under load", LOAD, 10

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything was loaded."""
        return any(entry.load for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the time that the SLO limits (else the 95th percentile of the latency) and the goodput at each rate."""
        rows = [At(entry, level.numbers) for entry in task.entries for level in entry.load]
        shown = shown_time(task)
        curves = [curve_of(entry, shown, advice) for entry in task.entries if entry.load][: task.rows]
        if not curves:
            return
        chart = Chart(
            name=f"load-{task.number}",
            title=f"{short(task.name)}: {shown.words} and goodput over load",
            takeaway=takeaway(rows),
            description=f"Lines of {plural(len(curves), 'candidate')} over the rate: {shown.words}, and goodput.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: _drawn(curves, shown.panel, _goodput(task), marks),
            note=(
                "A request that failed is infinitely late: × at the edge is a level at which that time is never. "
                "Intervals are by batch means. A ring is the highest level within the SLO, a dotted line the capacity. "
                "Withheld levels and the unsalted control stand in the table alone."
            ),
        )
        yield Plate(chart, _table(task, rows, marks))


def _drawn(curves: Sequence[Curve], upper: Panel, lower: Panel | None, marks: Mapping[str, Mark]) -> Figure:
    """Draw the curves; where no level has a time that may be shown, say so in the rows of the candidates."""
    if any(curve.spots for curve in curves):
        return draw_curves(curves, upper, lower, marks)
    rows = [DotRow(curve.name, curve.family, (), "withheld: the client was late", curve.strong) for curve in curves]
    return draw_rows(rows, upper.measure, marks, title=upper.title)


@dataclass(frozen=True, slots=True)
class ShownTime:
    """The time of a level that is drawn."""

    time: str
    """`ttft`, `tpot` or `latency`."""
    quantile: float
    panel: Panel

    @property
    def words(self) -> str:
        """Name it inside a sentence."""
        return f"{TIMES[self.time]} (p{round(100 * self.quantile)})"

    def of(self, numbers: Numbers) -> Estimate | None:
        """Read it from a level."""
        tables = {"ttft": numbers.ttft, "tpot": numbers.tpot, "latency": numbers.latency}
        return tables[self.time].get(self.quantile)


def shown_time(task: TaskView) -> ShownTime:
    """Choose the time that is drawn: the first that the SLO limits, else the 95th percentile of the latency."""
    specs = [spec for entry in task.entries if entry.load and (spec := spec_of(entry.records)) is not None]
    slo = next((spec.slo for spec in specs if spec.slo), {})
    limits = [parse_slo(name, text) for name, text in slo.items()]
    time, quantile, limit = limits[0] if limits else ("latency", TAIL, None)
    about = AT_LEVEL[f"{time}_p{round(100 * quantile)}_s"]
    measure = Measure(about.name, about.title, about.title, "s", higher_is_better=False)
    line = None if limit is None else (limit, f"SLO {format_quantity(limit, 's')}")
    return ShownTime(time, quantile, Panel(measure, f"{about.title}, from the intended moment", line))


def _goodput(task: TaskView) -> Panel | None:
    if not any(level.numbers.goodput is not None for entry in task.entries for level in entry.load):
        return None
    return Panel(Measure("goodput_per_s", "Goodput", "Goodput", "1/s", higher_is_better=True), "Goodput")


def curve_of(entry: Entry, shown: ShownTime, advice: TaskAdvice) -> Curve:
    """Make the line of one candidate; withheld levels and the control are no part of it."""
    kept = entry.quantity("slo_rate_per_s")
    capacity = entry.quantity("capacity_per_s")
    spots = []
    for level in sorted(counted(entry), key=lambda level: level.rate):
        numbers, estimate = level.numbers, shown.of(level.numbers)
        if numbers.withheld is not None or estimate is None:
            continue
        last = kept is not None and kept.value is not None and math.isclose(kept.value, numbers.offered_rate)
        spots.append(Spot(level.rate, estimate.value, estimate.low, estimate.high, numbers.goodput, last))
    most = None if capacity is None else capacity.value
    return Curve(entry.candidate, entry.cell.family, tuple(spots), most, entry.candidate == advice.pick)


def takeaway(rows: Sequence[At]) -> str:
    """Say which candidate bears the highest rate within its limits, or how many requests were lost."""
    failed = sum(at.numbers.failed for at in rows)
    lost = f" {plural(failed, 'request')} failed." if failed else ""
    withheld = sum(at.numbers.withheld is not None for at in rows)
    if withheld:
        lost += f" The times of {withheld} of {plural(len(rows), 'level')} are withheld: the client was late."
    rates = {at.entry.candidate: q.value for at in rows if (q := at.entry.quantity("slo_rate_per_s")) is not None}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    if known:
        best = max(known, key=lambda name: known[name])
        if not known[best]:
            return f"No candidate was shown to keep the limits, even at its lowest level.{lost}"
        return f"{short(best)} keeps the limits up to {known[best]:.3g} requests a second.{lost}"
    highest = max(at.numbers.offered_rate for at in rows)
    candidates = plural(len({at.entry.candidate for at in rows}), "candidate")
    return f"{candidates} under up to {highest:.3g} requests a second.{lost}"


def _table(task: TaskView, rows: Sequence[At], marks: Mapping[str, Mark]) -> tables.Table:
    columns = [
        tables.Column("candidate", numeric=False),
        tables.Column("offered", "requests per second that were sent"),
        tables.Column("achieved", "answers per second"),
        tables.Column("failed", "of the requests"),
        tables.Column("TTFT p50"),
        tables.Column("TTFT p95"),
        tables.Column("TPOT p50"),
        tables.Column("latency p50"),
        tables.Column("latency p95"),
        tables.Column("good", "share of requests that keep every limit"),
        tables.Column("goodput", "good requests per second"),
    ]
    return tables.beside(f"Load on {task.name}", columns, [_row(at, marks) for at in rows], task.rows)


def _row(at: At, marks: Mapping[str, Mark]) -> tables.Row:
    numbers = at.numbers
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(numbers.endings.items()) if ending != "ok")
    times = [numbers.ttft.get(MEDIAN), numbers.ttft.get(TAIL), numbers.tpot.get(MEDIAN)]
    times += [numbers.latency.get(MEDIAN), numbers.latency.get(TAIL)]
    return tables.Row(
        (
            tables.name_item(at.entry, marks, "" if numbers.salted else "unsalted"),
            _rate(numbers.offered_rate),
            _rate(numbers.achieved_rate),
            tables.Item(f"{numbers.failed} of {numbers.requests}", sort=float(numbers.failed), title=told),
            *(_time(estimate, numbers.withheld) for estimate in times),
            _share(numbers.good_share),
            tables.Item("–", css="none") if numbers.goodput is None else _rate(numbers.goodput),
        )
    )


def _rate(value: float) -> tables.Item:
    return tables.Item(f"{value:.3g}/s", sort=value)


def _share(value: float | None) -> tables.Item:
    return tables.Item("–", css="none") if value is None else tables.Item(f"{100 * value:.3g} %", sort=value)


def _time(estimate: Estimate | None, withheld: str | None) -> tables.Item:
    if withheld is not None:
        return tables.Item("withheld", title=withheld, css="none")
    if estimate is None:
        return tables.Item("–", css="none")
    if math.isinf(estimate.value):
        return tables.Item("never", sort=math.inf, title="so many requests failed")
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        high = "∞" if math.isinf(estimate.high) else format_quantity(estimate.high, "s")
        interval = f"{format_quantity(estimate.low, 's')} to {high}"
    return tables.Item(format_quantity(estimate.value, "s"), sort=estimate.value, small=interval)
