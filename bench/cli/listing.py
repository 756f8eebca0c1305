"""`bench ls`: names that a suite may use, embedded suites, and stored runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.cli.options import echo, json_option, print_json, print_table, results_option, store_option

Rows = list[dict[str, str]]


def _models(results: Path, store_url: str | None) -> Rows:
    from bench.candidates import FAMILIES, why_unsupported
    from bench.tasks import KINDS

    rows = []
    for name in FAMILIES:
        kinds = ", ".join(kind for kind in KINDS if why_unsupported(name, kind) is None)
        rows.append({"name": name, "kinds": kinds, "target": FAMILIES[name]})
    return rows


def _tasks(results: Path, store_url: str | None) -> Rows:
    from bench.catalogue.readings import DEFAULT_METRICS
    from bench.data.base import COLUMNS, EXTRA_COLUMNS
    from bench.tasks import KINDS

    return [
        {
            "name": name,
            "columns": ", ".join([*COLUMNS[name], *(f"({extra})" for extra in EXTRA_COLUMNS.get(name, ()))]),
            "metrics": ", ".join(DEFAULT_METRICS[name]),
        }
        for name in KINDS
    ]


def _metrics(results: Path, store_url: str | None) -> Rows:
    from bench.catalogue.readings import ALIASES, METRIC_GROUPS, METRICS, READINGS

    rows = [_metric(name, METRICS.load(name)) for name in METRICS]
    rows += [
        {"name": name, "unit": "", "better": "", "what": f"Short for {', '.join(members)}.", "target": ""}
        for name, members in METRIC_GROUPS.items()
    ]
    rows += [
        {"name": r.name, "unit": r.unit, "better": _better(r.higher_is_better), "what": r.definition, "target": ""}
        for r in READINGS.values()
    ]
    for name, meant in ALIASES.items():
        about = READINGS[meant]
        what = f"Another name for {meant}; on a GPU for peak_gpu_memory_bytes."
        rows.append({"name": name, "unit": about.unit, "better": _better(about.higher_is_better), "what": what,
                     "target": ""})  # fmt: skip
    return rows


def _metric(name: str, metric: Any) -> dict[str, str]:
    """Returns the line of a quality metric; what it is, is the first line of its class's docstring."""
    from bench.catalogue.readings import METRICS

    what = f"{', '.join(sorted(metric.kinds))}: {(metric.__doc__ or 'a metric').strip().splitlines()[0]}"
    better = _better(metric.higher_is_better)
    return {"name": name, "unit": metric.unit, "better": better, "what": what, "target": METRICS[name]}


def _better(higher_is_better: bool) -> str:
    return "higher" if higher_is_better else "lower"


def _meters(results: Path, store_url: str | None) -> Rows:
    from bench.meters import METERS

    rows = []
    for name in METERS:
        works, reason = METERS.load(name)()
        rows.append({"name": name, "works": "yes" if works else "no", "reason": reason})
    return rows


def _executors(results: Path, store_url: str | None) -> Rows:
    from bench.running.executors import executors

    return [
        {"name": name, "at once": str(kind.capacity), "isolation": kind.isolation}
        for name, kind in sorted(executors().items())
    ]


def _suites(results: Path, store_url: str | None) -> Rows:
    from bench.planning import embedded_suites

    return [{"name": name, "path": str(path)} for name, path in embedded_suites().items()]


def _runs(results: Path, store_url: str | None) -> Rows:
    from bench.store import Store
    from bench.store.archive import DATABASE

    if store_url is None and not (results / DATABASE).exists():
        return []
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
    "executors": _executors,
    "suites": _suites,
    "runs": _runs,
}


def _none(what: str, results: Path) -> str:
    """Returns that there is nothing to list, and how to make some."""
    if what == "runs":
        return f"No runs in {results}. Make one with 'bench run quickstart', or name another folder with --results."
    return f"There are no {what}."


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
        echo(_none(what, results))
        return
    header = list(rows[0])
    print_table(header, [[row[name] for name in header] for row in rows])
