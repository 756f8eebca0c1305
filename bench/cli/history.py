"""`bench history`: the nights of a suite, as a table with sparks, JSON or CSV."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, only_option, results_option, store_option
from bench.cli.output import print_json, print_table, remark, say
from bench.text import spreadsheet_text, terminal_text

if TYPE_CHECKING:
    from bench.history import History, Series
    from bench.store import Store

SHOWN_NIGHTS = 60
"""The newest nights in a sparkline; JSON and CSV have all."""
MANY_MISSING = 20
"""Runs without summaries from which it is said that they are made: they take a tenth of a second each or more."""
MAKING_S = 2.5
"""For making summaries in one call, so that the answer comes within five seconds however many runs have none."""
CSV_COLUMNS = (
    *("run_id", "started_at", "machine", "harness", "commit", "segment", "model", "variant", "task", "reading"),
    *("unit", "value", "low", "high", "reason", "canary_s"),
)


@click.command()
@click.argument("suite")
@click.option("--nights", type=click.IntRange(min=1), help="Only the newest N nights.")
@only_option("models, tasks or readings")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a row per night and reading.")
@click.option("--all", "is_all", is_flag=True, help="Make the summaries of all runs that have none, however long.")
@store_option
@results_option
@json_option
def history(
    suite: str,
    nights: int | None,
    is_all: bool,
    only: tuple[str, ...],
    as_csv: bool,
    store_url: str | None,
    results: Path,
    as_json: bool,
) -> None:
    """Show the history of SUITE (its name, or its file): one line per reading, oldest night first.

    Sparks are drawn from the lowest to the highest value of the line; · is a night without a value, │ a change of
    machine, software or data. ▲ and ▼ mark readings whose last nights differ from those before.
    """
    from bench.history import read_history
    from bench.store import Store

    with Store.open(results, store_url, create=False) as store:
        name, within_s = suite_name(store, suite), None if is_all else MAKING_S
        past = read_history(store, name, nights, on_missing=_say_missing, within_s=within_s)
    _say_left(past)
    chosen = [series for series in past.series if _matches(series, only)]
    if as_json:
        print_json(_json(past, chosen))
    elif as_csv:
        _print_csv(past, chosen)
    else:
        _print(past, chosen)


def _say_missing(count: int) -> None:
    """Say why this once takes long, where it does."""
    from bench.units import plural

    if count >= MANY_MISSING:
        remark(f"making the summaries of {plural(count, 'run')} from raw timings; they are kept, so this is done once")


def _say_left(past: History) -> None:
    """Say which runs are left out, and how to have them."""
    from bench.units import plural

    if past.left:
        remark(
            f"left out: {plural(past.left, 'older run')} without summaries, which take longer to make; each call makes "
            f"some more, and 'bench history {past.suite} --all' makes all"
        )


def suite_name(store: Store, suite: str) -> str:
    """Find the name of a suite that has runs, given its name or its file.

    Raises:
        UsageError: there is no run of it.
    """
    from bench.errors import UsageError, nearest
    from bench.planning import open_suite

    names = store.suites()
    if suite not in names and suite.endswith((".yaml", ".yml")):
        suite = open_suite(suite).value.name
    if suite not in names:
        hint = nearest(suite, names) if names else "there is no run yet"
        raise UsageError(f"{store.results}: no run of a suite named '{suite}'; {hint}")
    return suite


def _matches(series: Series, patterns: tuple[str, ...]) -> bool:
    names = (series.model, series.candidate, series.task, series.reading)
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _print(past: History, chosen: list[Series]) -> None:
    from bench.history.sparkline import sparkline
    from bench.history.trend import alarms_by_series
    from bench.units import format_quantity, plural

    rows, alarms = [], alarms_by_series(past.series)
    for series in chosen:
        latest, alarm = series.latest, alarms.get(series.key)
        if latest is None:
            continue
        mark = "" if alarm is None else f"{'▲' if alarm.ratio > 1 else '▼'} {'worse' if alarm.worse else 'better'}"
        value = format_quantity(latest.value, series.unit)
        rows.append(
            [series.task, series.candidate, series.reading, sparkline(series.points[-SHOWN_NIGHTS:]), value, mark]
        )
    whole = [night for night in past.nights if not night.is_partial] or past.nights
    newest = f", the newest {whole[-1].run_id}" if whole else ""
    environments = len({night.segment for night in past.nights})
    say(f"{past.suite}: {plural(len(past.nights), 'night')}, {plural(environments, 'environment')}{newest}")
    print_table(["task", "model", "reading", "nights", "newest", ""], rows, right=(4,))
    for night in past.nights:
        if night.is_partial:
            say(f"{night.run_id}: partial: {night.restricted_by}")
        if night.changed:
            say(f"{night.run_id}: {'; '.join(night.changed)}")


def _json(past: History, chosen: list[Series]) -> dict[str, object]:
    from bench.history.trend import alarms_by_series, change_points

    listed, alarms = [], alarms_by_series(past.series)
    for series in chosen:
        alarm = alarms.get(series.key)
        shown = None if alarm is None else {k: v for k, v in _fields(alarm).items() if k != "series"}
        changes = [_fields(change) for change in change_points(series)]
        points = [_fields(point) for point in series.points]
        listed.append(_fields(series) | {"points": points, "alarm": shown, "change_points": changes})
    return {
        "suite": past.suite,
        "left_out": past.left,
        "nights": [asdict(night) for night in past.nights],
        "series": listed,
    }


def _fields(value: object) -> dict[str, object]:
    """Collect the fields of a named tuple or of a dataclass, one level deep."""
    if isinstance(value, tuple):
        return dict(zip(getattr(value, "_fields", ()), value, strict=True))
    return {name: getattr(value, name) for name in getattr(value, "__dataclass_fields__", ())}


def _print_csv(past: History, chosen: list[Series]) -> None:
    nights = {night.run_id: night for night in past.nights}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for series in chosen:
        for point in series.points:
            night = nights[point.run_id]
            row = (
                *(point.run_id, point.started_at, night.machine, night.harness, night.commit, point.segment),
                *(*series.key, series.unit),
                *(point.value, point.low, point.high, point.reason, point.canary_s),
            )
            writer.writerow([spreadsheet_text(terminal_text(cell)) if isinstance(cell, str) else cell for cell in row])
