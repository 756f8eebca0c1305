"""Served candidates under load: latency at each rate of requests, and what of it can be promised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.measure.load.outcome import Estimate, Numbers
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import SPEED, Chart, Plate, TaskChart
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import measure_of, plural
from bench.summary import Entry
from bench.units import format_quantity

MEDIAN, TAIL = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class At:
    """One candidate at one level."""

    entry: Entry
    numbers: Numbers


class UnderLoad(TaskChart):
    """Latency of served candidates at each rate that was offered."""

    name, title, section, order = "load", "Under load", SPEED, 30

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything was loaded."""
        return any(loaded(entry) for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the median and the 95th percentile of each candidate at each level, from the intended moments."""
        rows = [At(entry, numbers) for entry in task.entries for numbers in loaded(entry)]
        measure = measure_of("latency_p95_s", [at.entry for at in rows])
        if measure is None:
            return
        chart = Chart(
            name=f"load-{task.number}",
            title=f"{short(task.name)}: latency under load",
            takeaway=_takeaway(rows),
            description=f"Dot chart of the latency in {plural(len(rows), 'level')}: median and 95th percentile.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(
                [_dots(at, advice) for at in rows[: task.rows]],
                measure,
                marks,
                title="Latency from the intended moment",
                series=("median", "95th percentile"),
                joined=True,
            ),
            note="A request that failed is infinitely late. Intervals are by batch means.",
        )
        yield Plate(chart, _table(task, rows, marks))


def loaded(entry: Entry) -> list[Numbers]:
    """Summarise the levels of an entry; none where it was not loaded, or its raw timings are gone."""
    return [level.numbers for level in entry.load]


def _dots(at: At, advice: TaskAdvice) -> DotRow:
    numbers = at.numbers
    control = "" if numbers.salted else ", unsalted"
    name = f"{at.entry.candidate} at {numbers.offered_rate:.3g}/s{control}"
    strong = at.entry.candidate == advice.pick
    estimates = [numbers.latency.get(q) for q in (MEDIAN, TAIL)]
    if numbers.withheld is not None:
        return DotRow(name, at.entry.cell.family, (), "withheld: the client was late", strong)
    dots = tuple(
        Dot(e.value, e.low, e.high if e.high is not None and math.isfinite(e.high) else None, series)
        for series, e in enumerate(estimates)
        if e is not None and math.isfinite(e.value)
    )
    return DotRow(name, at.entry.cell.family, dots, "" if dots else "most requests failed", strong)


def _takeaway(rows: Sequence[At]) -> str:
    """Say which candidate bears the highest rate within its limits, or how many requests were lost."""
    failed = sum(at.numbers.requests - at.numbers.endings.get("ok", 0) for at in rows)
    lost = f" {plural(failed, 'request')} failed." if failed else ""
    rates = {at.entry.candidate: q.value for at in rows if (q := at.entry.quantity("slo_rate_per_s")) is not None}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    if known:
        best = max(known, key=lambda name: known[name])
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
    failed = numbers.requests - numbers.endings.get("ok", 0)
    told = ", ".join(f"{count} {ending}" for ending, count in sorted(numbers.endings.items()) if ending != "ok")
    times = [numbers.ttft.get(MEDIAN), numbers.ttft.get(TAIL), numbers.tpot.get(MEDIAN)]
    times += [numbers.latency.get(MEDIAN), numbers.latency.get(TAIL)]
    return tables.Row(
        (
            tables.name_item(at.entry, marks, "" if numbers.salted else "unsalted"),
            _rate(numbers.offered_rate),
            _rate(numbers.achieved_rate),
            tables.Item(f"{failed} of {numbers.requests}", sort=float(failed), title=told),
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
