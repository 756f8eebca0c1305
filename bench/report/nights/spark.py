"""A series as a small SVG: the line, its interval, the nights at which its level or its environment changed.

matplotlib takes tens of milliseconds a chart, and a page has hundreds of these; so they are written directly. Every
colour is a class of the page's style sheet, so that a drawing follows light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from bench.history.effects import scale_of
from bench.history.series import Point, Series
from bench.history.trend import ChangePoint
from bench.report.wording import number, plural
from bench.text import visible

WIDTH, HEIGHT = 320.0, 76.0
LEFT, RIGHT, TOP, BOTTOM = 5.0, 7.0, 15.0, 6.0
"""Margins; marks of changes stand in the upper one."""
STEPS_HIGH = 4.0
"""A line's height spans at least so many of the smallest changes that count: without it the scatter of a steady
series fills the height, and every reading looks alarming."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where nights and values are on the drawing."""

    nights: int
    low: float
    high: float

    def x(self, place: float) -> float:
        """Work out the horizontal place of the n-th night."""
        span = max(1, self.nights - 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * (place / span if self.nights > 1 else 0.5)

    def y(self, value: float) -> float:
        """Work out the vertical place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, share))


def frame_of(series: Series, points: Sequence[Point]) -> Frame | None:
    """Fit a frame to the points; None when none has a value."""
    values = [point.value for point in points if point.value is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    scale = scale_of(series.reading, series.unit)
    middle = (low + high) / 2
    least = STEPS_HIGH * scale.minimum * (abs(middle) if scale.relative else 1.0) or 1.0
    half = max(high - low, least) / 2 * 1.08
    return Frame(len(points), middle - half, middle + half)


def sparkline_svg(
    series: Series,
    points: Sequence[Point],
    changes: Sequence[ChangePoint],
    links: Mapping[str, str],
    name: str,
    *,
    dots: bool = True,
) -> Markup:
    """Draw a series as SVG.

    Args:
        series: whose drawing it is.
        points: its nights that are drawn, oldest first.
        changes: its change points.
        links: run id → address of the night's report.
        name: unique on the page, for the ids of title and description.
        dots: draw a dot a night, which leads to its report.
    """
    frame = frame_of(series, points)
    if frame is None:
        return Markup("")
    parts = [_band(frame, points), _environments(frame, points), _line(frame, points), _missing(frame, points)]
    if dots:
        parts.append(_dots(frame, points, series.unit, links))
    parts += [_changes(frame, points, changes, links), _newest(frame, points)]
    head = Markup(
        '<svg class="spark" viewBox="0 0 {:g} {:g}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{}</title><desc id="{n}-d">{}</desc>'
    ).format(WIDTH, HEIGHT, visible(series.label), describe(series, points, changes), n=name)
    return head + Markup("").join(parts) + Markup("</svg>")


def describe(series: Series, points: Sequence[Point], changes: Sequence[ChangePoint]) -> str:
    """Say what the drawing shows, for those who cannot see it."""
    values = [point.value for point in points if point.value is not None]
    shown = f"{len(values)} of {len(points)} nights have a value, from {number(min(values), series.unit)}"
    text = f"{shown} to {number(max(values), series.unit)}; the newest is {number(values[-1], series.unit)}."
    cuts = sum(1 for old, new in _neighbours(points) if old.segment != new.segment)
    if cuts:
        text += f" The environment changed {plural(cuts, 'time')}."
    ids = {point.run_id for point in points}
    return text + "".join(f" {_change_text(change)}." for change in changes if change.run_id in ids)


def _change_text(change: ChangePoint) -> str:
    return visible(f"{'Worse' if change.worse else 'Better'}: {change.text}")


def _neighbours(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(pairwise(points))


def _runs(points: Sequence[Point], wanted: Callable[[Point], bool]) -> list[list[tuple[int, Point]]]:
    """Group neighbouring nights of one environment whose points all satisfy `wanted`."""
    runs: list[list[tuple[int, Point]]] = []
    for place, point in enumerate(points):
        if not wanted(point):
            continue
        last = runs[-1][-1] if runs else None
        if last is not None and last[0] == place - 1 and last[1].segment == point.segment:
            runs[-1].append((place, point))
        else:
            runs.append([(place, point)])
    return runs


def _line(frame: Frame, points: Sequence[Point]) -> Markup:
    parts = []
    for stretch in _runs(points, lambda point: point.value is not None):
        places = [f"{frame.x(i):.1f},{frame.y(p.value):.1f}" for i, p in stretch if p.value is not None]
        parts.append(Markup('<polyline class="sl" points="{}"/>').format(" ".join(places)))
    return Markup("").join(parts)


def _band(frame: Frame, points: Sequence[Point]) -> Markup:
    parts = []
    for stretch in _runs(points, lambda point: point.low is not None and point.high is not None):
        if len(stretch) < 2:
            continue
        upper = [f"{frame.x(i):.1f},{frame.y(p.high):.1f}" for i, p in stretch if p.high is not None]
        lower = [f"{frame.x(i):.1f},{frame.y(p.low):.1f}" for i, p in reversed(stretch) if p.low is not None]
        parts.append(Markup('<polygon class="sb" points="{}"/>').format(" ".join([*upper, *lower])))
    return Markup("").join(parts)


def _environments(frame: Frame, points: Sequence[Point]) -> Markup:
    """Draw a dashed line, with a diamond on it, between nights of two environments."""
    parts = []
    for place, (old, new) in enumerate(_neighbours(points)):
        if old.segment != new.segment:
            x = frame.x(place + 0.5)
            parts.append(
                Markup(
                    '<g class="se"><title>environment changed before {}</title><path d="M{x:.1f} {:g}V{:g}"/>'
                    '<path class="sd" d="M{x:.1f} 1l4 4-4 4-4-4z"/></g>'
                ).format(new.run_id, 9.0, HEIGHT - BOTTOM, x=x)
            )
    return Markup("").join(parts)


def _missing(frame: Frame, points: Sequence[Point]) -> Markup:
    """Draw a small cross at the foot for every night without a value."""
    y = HEIGHT - BOTTOM
    return Markup("").join(
        Markup('<path class="sx" d="M{:.1f} {:g}l4 4m0-4l-4 4"><title>{}: {}</title></path>').format(
            frame.x(place) - 2, y - 2, point.run_id, visible(point.reason or "no value")
        )
        for place, point in enumerate(points)
        if point.value is None
    )


def _dots(frame: Frame, points: Sequence[Point], unit: str, links: Mapping[str, str]) -> Markup:
    """Draw a dot a night: its title says the value, a click opens the night (the keyboard has the table)."""
    parts = []
    for place, point in enumerate(points):
        if point.value is None:
            continue
        dot = Markup('<circle class="sp" cx="{:.1f}" cy="{:.1f}" r="1.7"><title>{}: {}</title></circle>').format(
            frame.x(place), frame.y(point.value), point.started_at[:16].replace("T", " "), number(point.value, unit)
        )
        parts.append(_linked(dot, links.get(point.run_id)))
    return Markup("").join(parts)


def _linked(inner: Markup, href: str | None) -> Markup:
    return inner if href is None else Markup('<a href="{}" tabindex="-1">{}</a>').format(href, inner)


def _changes(frame: Frame, points: Sequence[Point], changes: Sequence[ChangePoint], links: Mapping[str, str]) -> Markup:
    """Draw a line with a triangle at every change point, pointing to where the values went."""
    places = {point.run_id: place for place, point in enumerate(points)}
    parts = []
    for change in changes:
        if change.run_id not in places:
            continue
        x = frame.x(places[change.run_id])
        shape = "l4 7h-8z" if change.ratio > 1 else "m-4 0h8l-4 7z"
        mark = Markup(
            '<g class="sc {}"><title>{}</title><path d="M{x:.1f} {:g}V{:g}"/><path class="sd" d="M{x:.1f} 2{}"/></g>'
        ).format("worse" if change.worse else "better", _change_text(change), 9.0, HEIGHT - BOTTOM, Markup(shape), x=x)
        parts.append(_linked(mark, links.get(change.run_id)))
    return Markup("").join(parts)


def _newest(frame: Frame, points: Sequence[Point]) -> Markup:
    values = [(place, point.value) for place, point in enumerate(points) if point.value is not None]
    place, value = values[-1]
    return Markup('<circle class="sn" cx="{:.1f}" cy="{:.1f}" r="3.2"/>').format(frame.x(place), frame.y(value))
