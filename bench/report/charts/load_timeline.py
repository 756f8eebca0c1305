"""The requests of one level: when each was to be sent, when its first text came, when it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.measure.load.outcome import is_good
from bench.report.advice import TaskAdvice
from bench.report.chart import LOAD, Chart, Plate, TaskChart
from bench.report.drawing.load import Bar, draw_timeline
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView
from bench.report.wording import plural
from bench.summary import Entry
from bench.summary.levels import Offered, counted, spec_of

NS_PER_S = 1_000_000_000
MOST_BARS = 150
"""Requests that are drawn, the first ones: more would be a blot."""


class Timeline(TaskChart):
    """The requests of the highest level of the pick, or of the candidate that bears most."""

    name, title, section, order = "load-timeline", "The requests of a level", LOAD, 40

    def applies(self, task: TaskView) -> bool:
        """Tell whether anything was loaded."""
        return any(entry.load for entry in task.entries)

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give one level: the highest of one candidate."""
        loaded = [entry for entry in task.entries if counted(entry)]
        if not loaded:
            return
        entry = next((e for e in loaded if e.candidate == advice.pick), max(loaded, key=_borne))
        level = max(counted(entry), key=lambda level: level.rate)
        bars = bars_of(entry, level)
        shown = bars[:MOST_BARS]
        late = sum(bar.failed or bar.good is False for bar in bars)
        few = f" The first {MOST_BARS} of {len(bars)} are drawn." if len(bars) > MOST_BARS else ""
        chart = Chart(
            name=f"load-timeline-{task.number}",
            title=f"{short(task.name)}: the requests of {short(entry.candidate)} at {level.rate:.3g}/s",
            takeaway=f"{late} of {plural(len(bars), 'request')} failed or were later than the SLO allows."
            if bars[0].good is not None
            else f"{sum(bar.failed for bar in bars)} of {plural(len(bars), 'request')} failed.",
            description="One line for each request over the time of the level.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_timeline(shown, marks[entry.cell.family].colour),
            note=f"Lines that grow longer from the bottom to the top are a queue that grows.{few}",
        )
        yield Plate(chart, None, folded=True)


def _borne(entry: Entry) -> float:
    kept = entry.quantity("slo_rate_per_s")
    return 0.0 if kept is None or kept.value is None else kept.value


def bars_of(entry: Entry, level: Offered) -> list[Bar]:
    """List the requests of a level in the order of their intended moments, seconds from the first of them."""
    spec = spec_of(entry.records)
    assert spec is not None
    rows = sorted(level.requests, key=lambda row: row.exchange.intended_ns)
    begun = rows[0].exchange.intended_ns
    bars = []
    for row in rows:
        exchange = row.exchange
        moments = [exchange.intended_ns, exchange.sent_ns, exchange.first_ns, exchange.end_ns]
        intended, sent, first, end = (None if m is None else (m - begun) / NS_PER_S for m in moments)
        assert intended is not None and sent is not None and end is not None
        good = None if spec.limits is None else is_good(row, spec.limits)
        bars.append(Bar(intended, sent, first, end, not exchange.is_ok, good))
    return bars
