"""What the pages show of nights and readings, worked out before anything is written."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from bench.history.effects import change_words, scale_of
from bench.history.series import History, Night, Point, Series
from bench.history.trend import Alarm, ChangePoint, alarms_by_series, change_points
from bench.metrics.catalogue import words_of
from bench.record import WELL
from bench.report.nights.spark import sparkline_svg
from bench.report.wording import number, plural

SHOWN_NIGHTS = 90
"""Nights of a drawing, the newest: a quarter of a year. `bench history --csv` has all."""
LISTED_NIGHTS = 10
"""Nights in the table below a drawing."""
LISTED_UP_TO = 120
"""Readings of a page up to which each has such a table, and a dot a night; with more the page
would be too heavy to open."""
LOOKS = {
    "regressed": ("▼", "bad"),
    "suspected": ("?", "doubt"),
    "improved": ("▲", "good"),
    "unchanged": ("=", "calm"),
    "insufficient history": ("○", "calm"),
    "environment changed": ("◆", "env"),
    "unknown": ("?", "doubt"),
    "not judged": ("–", "calm"),
}
"""Verdict → sign and class: never the colour alone."""


@dataclass(frozen=True, slots=True)
class NightRow:
    """How a night ended, as `bench nightly` recorded it."""

    verdict: str
    sentence: str
    href: str | None
    """Address of its report, relative to the pages; None when there is none."""
    counts: Mapping[str, int]
    """Cells by status."""
    planned: int
    cut: str | None
    """Why it was cut short."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the index: a night, or days without one."""

    night: Night | None
    verdict: str
    sign: str
    look: str
    sentence: str
    href: str | None
    cells: str
    changed: str
    """What changed in the environment."""
    gap: str = ""
    """Says which days have no night, where `night` is None."""

    @property
    def when(self) -> str:
        """Write date and time, in UTC."""
        return "" if self.night is None else self.night.started_at[:16].replace("T", " ")


def index_rows(history: History, outcomes: Mapping[str, NightRow]) -> list[IndexRow]:
    """List the nights, the newest first, with a line wherever days are missing between two of them."""
    rows: list[IndexRow] = []
    newer: Night | None = None
    for night in reversed(history.nights):
        if newer is not None and (gap := _gap(night, newer)):
            rows.append(IndexRow(None, "", "", "", "", None, "", "", gap))
        rows.append(_row(night, outcomes.get(night.run_id)))
        newer = night
    return rows


def _row(night: Night, row: NightRow | None) -> IndexRow:
    if row is None:
        row = NightRow("not judged", "Run outside a night: the gate did not judge it.", None, {}, 0, None)
    sign, look = LOOKS.get(row.verdict, LOOKS["unknown"])
    done = sum(row.counts.get(status, 0) for status in (*WELL, "unsupported"))
    cells = f"{done} of {row.planned}" if row.planned else ""
    return IndexRow(night, row.verdict, sign, look, row.sentence, row.href, cells, "; ".join(night.changed))


def _gap(older: Night, newer: Night) -> str:
    try:
        first, last = (date.fromisoformat(night.started_at[:10]) for night in (older, newer))
    except ValueError:
        return ""
    days = (last - first).days - 1
    return "" if days < 1 else f"{plural(days, 'day')} without a night"


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one candidate on the trend page."""

    anchor: str
    title: str
    candidate: str
    task: str
    newest: str
    """Its newest value in words."""
    against: str
    """The newest value against the median of the nights shown."""
    svg: Markup
    low: str
    high: str
    alarm: Alarm | None
    alarm_said: str
    """What the alarm says beside the series' name."""
    changes: tuple[tuple[ChangePoint, str], ...]
    """Each change point with its size in words."""
    nights: tuple[tuple[Point, str, str | None], ...]
    """The last nights, the newest first: point, value in words, address of its report."""

    @property
    def worse(self) -> bool:
        """Tell whether the trend says that the reading became worse."""
        return self.alarm is not None and self.alarm.worse

    @property
    def moved(self) -> bool:
        """Tell whether there is something to see."""
        return self.alarm is not None or bool(self.changes)


def title_of(reading: str) -> str:
    """Name a reading for a heading."""
    return words_of(reading).short


def readings_of(history: History, links: Mapping[str, str]) -> list[Reading]:
    """List every reading that has a value in the nights shown, in the history's order."""
    listed = len(history.series) <= LISTED_UP_TO
    shown = [series for series in history.series if any(p.value is not None for p in series.points[-SHOWN_NIGHTS:])]
    alarms = alarms_by_series(history.series)
    return [_reading(series, place, links, alarms.get(series.key), listed=listed) for place, series in enumerate(shown)]


def _reading(series: Series, place: int, links: Mapping[str, str], alarm: Alarm | None, *, listed: bool) -> Reading:
    points = series.points[-SHOWN_NIGHTS:]
    ids = {point.run_id for point in points}
    changes = tuple(change for change in change_points(series) if change.run_id in ids)
    values = [point.value for point in points if point.value is not None]
    anchor = f"r{place}"
    last = tuple(reversed(points[-LISTED_NIGHTS:])) if listed else ()
    return Reading(
        anchor=anchor,
        title=title_of(series.reading),
        candidate=series.candidate,
        task=series.task,
        newest=number(values[-1], series.unit) if points[-1].value is not None else "no value last night",
        against=_against(series),
        svg=sparkline_svg(series, points, changes, links, anchor, dots=listed),
        low=number(min(values), series.unit),
        high=number(max(values), series.unit),
        alarm=alarm,
        alarm_said="" if alarm is None else alarm.change,
        changes=tuple((change, change.change) for change in changes),
        nights=tuple((point, _value(point, series.unit), links.get(point.run_id)) for point in last),
    )


def _value(point: Point, unit: str) -> str:
    return number(point.value, unit) if point.value is not None else f"– ({point.reason or 'no value'})"


def _against(series: Series) -> str:
    """Compare the newest night with the median of the nights of its environment before it."""
    current = series.current()[-SHOWN_NIGHTS:]
    if len(current) < 3 or series.points[-1].value is None:
        return ""
    before = statistics.median(float(point.value) for point in current[:-1] if point.value is not None)
    newest = float(current[-1].value or 0.0)
    if scale_of(series.reading, series.unit).relative:
        if before <= 0 or newest <= 0:
            return ""
        return f"{change_words(series, math.log(newest / before))} vs. the median"
    words = change_words(series, newest - before) if newest != before else "as"
    return f"{words} the median" if words == "as" else f"{words} vs. the median"


def canary_series(history: History) -> Series | None:
    """Make the machine's own series, the seconds of the fixed piece of work; None where it was never measured."""
    points = tuple(
        Point(n.run_id, n.started_at, n.canary_s, None, None, None if n.canary_s else "not measured", n.segment)
        for n in history.nights
    )
    if all(point.value is None for point in points):
        return None
    return Series("machine", "float32", "canary", "latency_mean_s", False, points, "s")


def verdict_counts(rows: Sequence[IndexRow]) -> list[tuple[str, str, str, int]]:
    """List sign, class, verdict and number of nights, in the order of the table of verdicts."""
    verdicts = [row.verdict for row in rows if row.night is not None]
    return [
        (sign, look, verdict, verdicts.count(verdict)) for verdict, (sign, look) in LOOKS.items() if verdict in verdicts
    ]
