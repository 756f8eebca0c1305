"""The requests of one level: when each was to be sent, when its first text came, when it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
        few = f" The first {MOST_BARS} of {len(bars)} are drawn." if len(bars) > MOST_BARS else ""
        chart = Chart(
            name=f"load-timeline-{task.number}",
            title=f"{short(task.name)}: the requests of {short(entry.candidate)} at {level.rate:.3g}/s",
            takeaway=takeaway(level, bars),
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


def takeaway(level: Offered, bars: Sequence[Bar]) -> str:
    """Say how many failed or were late; of a level that is withheld only what failed."""
    failed = sum(bar.failed for bar in bars)
    if level.numbers.withheld is not None:
        return (
            f"{failed} of {plural(len(bars), 'request')} failed. Which were late is not known: the client was late "
            "itself, and the times of this level are withheld."
        )
    if bars[0].good is None:
        return f"{failed} of {plural(len(bars), 'request')} failed."
    late = sum(bar.failed or bar.good is False for bar in bars)
    return f"{late} of {plural(len(bars), 'request')} failed or were later than the SLO allows."


def bars_of(entry: Entry, level: Offered) -> list[Bar]:
    """List the requests of a level in the order of their intended moments, seconds from the first of them."""
    spec = spec_of(entry.records)
    assert spec is not None
    limits = None if level.numbers.withheld is not None else spec.limits
    rows = sorted(level.requests, key=lambda row: row.exchange.intended_ns)
    begun = rows[0].exchange.intended_ns
    bars = []
    for row in rows:
        exchange = row.exchange
        moments = [exchange.intended_ns, exchange.sent_ns, exchange.first_ns, exchange.end_ns]
        intended, sent, first, end = (None if m is None else (m - begun) / NS_PER_S for m in moments)
        assert intended is not None and sent is not None and end is not None
        good = None if limits is None else is_good(row, limits)
        bars.append(Bar(intended, sent, first, end, not exchange.is_ok, good))
    return bars
