"""`bench ls`: names that a suite may use, embedded suites, and stored runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from bench.cli.options import json_option, print_json, print_table, results_option, store_option

Rows = list[dict[str, str]]


def _models(results: Path, store_url: str | None) -> Rows:
    from bench.models import FAMILIES, why_unsupported
    from bench.tasks import KINDS

    rows = []
    for name in FAMILIES:
        kinds = ", ".join(kind for kind in KINDS if why_unsupported(name, kind) is None)
        rows.append({"name": name, "kinds": kinds, "target": FAMILIES[name]})
    return rows


def _tasks(results: Path, store_url: str | None) -> Rows:
    from bench.data.base import COLUMNS
    from bench.readings import DEFAULT_METRICS
    from bench.tasks import KINDS

    return [
        {"name": name, "columns": ", ".join(COLUMNS[name]), "metrics": ", ".join(DEFAULT_METRICS[name])}
        for name in KINDS
    ]


def _metrics(results: Path, store_url: str | None) -> Rows:
    from bench.readings import METRICS, READINGS

    rows = [{"name": name, "unit": "", "what": "quality metric", "target": METRICS[name]} for name in METRICS]
    return rows + [
        {"name": reading.name, "unit": reading.unit, "what": reading.definition, "target": ""}
        for reading in READINGS.values()
    ]


def _meters(results: Path, store_url: str | None) -> Rows:
    from bench.meters import METERS

    rows = []
    for name in METERS:
        works, reason = METERS.load(name)()
        rows.append({"name": name, "works": "yes" if works else "no", "reason": reason})
    return rows


def _suites(results: Path, store_url: str | None) -> Rows:
    from bench.plan import embedded_suites

    return [{"name": name, "path": str(path)} for name, path in embedded_suites().items()]


def _runs(results: Path, store_url: str | None) -> Rows:
    from bench.store import Store

    with Store.open(results, store_url, create=False) as store:
        return [
            {"id": info.id, "suite": info.suite, "status": info.status, "started": info.started_at[:19] + "Z"}
            for info in store.runs()
        ]


KINDS_OF_LISTING: dict[str, Callable[[Path, str | None], Rows]] = {
    "models": _models,
    "tasks": _tasks,
    "metrics": _metrics,
    "meters": _meters,
    "suites": _suites,
    "runs": _runs,
}


@click.command()
@click.argument("what", type=click.Choice(list(KINDS_OF_LISTING)))
@results_option
@store_option
@json_option
def ls(what: str, results: Path, store_url: str | None, as_json: bool) -> None:
    """List WHAT there is."""
    rows = KINDS_OF_LISTING[what](results, store_url)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("none")
        return
    header = list(rows[0])
    print_table(header, [[row[name] for name in header] for row in rows])
