"""`bench history`: the nights of a suite, as a table with sparks, JSON or CSV."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import echo, json_option, print_json, print_table, results_option, store_option
from bench.text import spreadsheet_text, terminal_text

if TYPE_CHECKING:
    from bench.history import History, Series

SHOWN_NIGHTS = 60
"""Nights in a line of sparks, the newest; JSON and CSV have all."""


@click.command()
@click.argument("suite")
@click.option("--nights", type=click.IntRange(min=1), help="The newest N nights alone.")
@click.option("--only", metavar="PATTERN", help="Only matching models, tasks or readings; * and ? match.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a row per night and reading.")
@store_option
@results_option
@json_option
def history(
    suite: str, nights: int | None, only: str | None, as_csv: bool, store_url: str | None, results: Path, as_json: bool
) -> None:
    """Show the history of SUITE (its name, or its file): one line per reading, oldest night first.

    Sparks are drawn from the lowest to the highest value of the line; · is a night without a value, │ a change of
    machine, software or data. ▲ and ▼ mark readings whose last nights differ from those before.
    """
    from bench.history import read_history
    from bench.store import Store

    with Store.open(results, store_url, create=False) as store:
        found = read_history(store, suite_name(store, suite), nights)
    chosen = [series for series in found.series if _wanted(series, only)]
    if as_json:
        print_json(_json(found, chosen))
    elif as_csv:
        _print_csv(found, chosen)
    else:
        _print(found, chosen)


def suite_name(store: Any, suite: str) -> str:
    """Returns the name of a suite that has runs, given its name or its file.

    Raises:
        UsageError: there is no run of it.
    """
    from bench.errors import UsageError, nearest
    from bench.planning import open_suite

    known = store.suites()
    if suite not in known and suite.endswith((".yaml", ".yml")):
        suite = open_suite(suite).value.name
    if suite not in known:
        hint = nearest(suite, known) if known else "there is no run yet"
        raise UsageError(f"{store.results}: no run of a suite named '{suite}'; {hint}")
    return suite


def _wanted(series: Series, only: str | None) -> bool:
    import fnmatch

    names = (series.model, series.candidate, series.task, series.reading)
    return only is None or any(fnmatch.fnmatchcase(name, only) for name in names)


def _print(found: History, chosen: list[Series]) -> None:
    from bench.history.sparkline import sparkline
    from bench.history.trend import trend_alarm
    from bench.units import format_quantity

    rows = []
    for series in chosen:
        latest, alarm = series.latest, trend_alarm(series)
        if latest is None:
            continue
        mark = "" if alarm is None else f"{'▲' if alarm.ratio > 1 else '▼'} {'worse' if alarm.worse else 'better'}"
        value = format_quantity(latest.value, series.unit)
        rows.append(
            [series.task, series.candidate, series.reading, sparkline(series.points[-SHOWN_NIGHTS:]), value, mark]
        )
    newest = found.nights[-1] if found.nights else None
    environments = len({night.segment for night in found.nights})
    echo(
        f"{found.suite}: {len(found.nights)} nights, {environments} environment{'s' if environments != 1 else ''}"
        + (f", the newest {newest.run_id}" if newest else "")
    )
    print_table(["task", "model", "reading", "nights", "newest", ""], rows, right=(4,))
    for night in found.nights:
        if night.changed:
            echo(f"{night.run_id}: {'; '.join(night.changed)}")


def _json(found: History, chosen: list[Series]) -> dict[str, Any]:
    from bench.history.trend import change_points, trend_alarm

    series = []
    for one in chosen:
        alarm = trend_alarm(one)
        shown = None if alarm is None else {k: v for k, v in _fields(alarm).items() if k != "series"}
        changes = [_fields(change) for change in change_points(one)]
        points = [_fields(point) for point in one.points]
        series.append(_fields(one) | {"points": points, "alarm": shown, "change_points": changes})
    return {"suite": found.suite, "nights": [asdict(night) for night in found.nights], "series": series}


def _fields(value: Any) -> dict[str, Any]:
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _print_csv(found: History, chosen: list[Series]) -> None:
    nights = {night.run_id: night for night in found.nights}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        ["run_id", "started_at", "machine", "harness", "commit", "segment", "model", "variant", "task", "reading",
         "unit", "value", "low", "high", "reason", "canary_s"]
    )  # fmt: skip
    for series in chosen:
        for point in series.points:
            night = nights[point.run_id]
            night_columns = (point.run_id, point.started_at, night.machine, night.harness, night.commit, point.segment)
            values = (series.unit, point.value, point.low, point.high, point.reason, point.canary_s)
            row = (*night_columns, *series.key, *values)
            writer.writerow([spreadsheet_text(terminal_text(cell)) if isinstance(cell, str) else cell for cell in row])
