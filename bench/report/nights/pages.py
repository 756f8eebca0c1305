"""Write the two pages: self-contained, no request, no script; the report's style sheet and a few rules more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from bench.history.series import History
from bench.report import method
from bench.report.marks import custom_properties, glyph_rules
from bench.report.nights.rows import (
    LISTED_NIGHTS,
    SHOWN_NIGHTS,
    IndexRow,
    NightRow,
    Reading,
    canary_series,
    index_rows,
    readings_of,
    verdict_counts,
)
from bench.report.nights.spark import sparkline_svg
from bench.report.templating import environment
from bench.report.text import short
from bench.report.wording import plural
from bench.store.files import write_file

_ASSETS = Path(__file__).parents[1] / "assets"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The pages have no script, so that none may run."""
MOVED_SHOWN = 12
"""Readings that moved on the index; the trend page has all."""


def write_pages(history: History, outcomes: Mapping[str, NightRow], folder: Path) -> tuple[Path, Path]:
    """Write `index.html` and `trends.html` into a folder, whole or not at all, and return their paths.

    Args:
        history: the suite's nights.
        outcomes: run id → how its night ended, for those that `bench nightly` ran.
        folder: where to; addresses of reports are relative to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    links = {run_id: row.href for run_id, row in outcomes.items() if row.href is not None}
    rows, readings = index_rows(history, outcomes), readings_of(history, links)
    pages = {
        "index.html": index_page(history, rows, readings, links),
        "trends.html": trends_page(history, readings, links),
    }
    for name, text in pages.items():
        write_file(folder / name, text)
    return folder / "index.html", folder / "trends.html"


def index_page(history: History, rows: list[IndexRow], readings: list[Reading], links: Mapping[str, str]) -> str:
    """Render the page that lists the nights, the newest first, below what moved."""
    newest = next((row for row in rows if row.night is not None), None)
    moved = sorted(
        (reading for reading in readings if reading.moved),
        key=lambda reading: (not reading.worse, reading.alarm is None),
    )
    return _page(
        "nights.html.j2",
        history,
        title=f"bench nightly: {short(history.suite)}",
        newest=newest,
        verdicts=verdict_counts(rows),
        rows=rows,
        moved=moved[:MOVED_SHOWN],
        more=max(0, len(moved) - MOVED_SHOWN),
        readings=len(readings),
        shown=plural(min(SHOWN_NIGHTS, len(history.nights)), "night"),
        links=links,
        canary=_canary(history, links),
    )


def trends_page(history: History, readings: list[Reading], links: Mapping[str, str]) -> str:
    """Render the page with every reading over the nights, task by task and candidate by candidate."""
    tasks = []
    for number, task in enumerate(dict.fromkeys(reading.task for reading in readings)):
        of_task = [reading for reading in readings if reading.task == task]
        names = dict.fromkeys(reading.candidate for reading in of_task)
        groups = [(name, [reading for reading in of_task if reading.candidate == name]) for name in names]
        tasks.append((f"task-{number}", task, groups, [reading for reading in of_task if reading.moved]))
    return _page(
        "trends.html.j2",
        history,
        title=f"bench trends: {short(history.suite)}",
        tasks=tasks,
        shown=min(SHOWN_NIGHTS, len(history.nights)),
        listed=LISTED_NIGHTS,
        environments=[night for night in history.nights[-SHOWN_NIGHTS:] if night.changed],
        links=links,
        canary=_canary(history, links),
    )


def _canary(history: History, links: Mapping[str, str]) -> Markup | None:
    series = canary_series(history)
    return None if series is None else sparkline_svg(series, series.points[-SHOWN_NIGHTS:], (), links, "canary")


def _page(template: str, history: History, **page: object) -> str:
    nights = history.nights
    span = f"{nights[0].started_at[:10]} to {nights[-1].started_at[:10]}" if nights else "none yet"
    return (
        environment()
        .get_template(template)
        .render(
            page=page,
            suite=history.suite,
            nights=len(nights),
            span=span,
            counted=plural(len(nights), "night"),
            policy=POLICY,
            css=_css(),
            version=method.version(),
        )
    )


def _css() -> Markup:
    css = "".join((_ASSETS / name).read_text(encoding="utf-8") for name in ("page.css", "nights.css")) + glyph_rules()
    css = css.replace("@@LIGHT@@", custom_properties(dark=False))
    return Markup(css.replace("@@DARK@@", custom_properties(dark=True)))
