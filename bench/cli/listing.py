"""`bench ls`: names that a suite may use, embedded suites, and stored runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from bench.cli.options import echo, json_option, print_json, print_table, results_option, store_option

Rows = list[dict[str, str]]


def _models(results: Path, store_url: str | None) -> Rows:
    from bench.candidates import FAMILIES
    from bench.tasks import KINDS
    from bench.tasks.choosing import why_unsupported

    rows = []
    for name, family in FAMILIES.items():
        kinds = ", ".join(kind for kind in KINDS if why_unsupported(name, kind) is None)
        rows.append({"name": name, "kinds": kinds, "what": family.summary})
    return rows


def _tasks(results: Path, store_url: str | None) -> Rows:
    from bench.tasks import KINDS

    return [
        {
            "name": name,
            "columns": ", ".join(f"({c.name})" if c.optional else c.name for c in kind.columns.all),
            "metrics": ", ".join(kind.metrics),
        }
        for name, kind in KINDS.items()
    ]


def _metrics(results: Path, store_url: str | None) -> Rows:
    from bench.metrics.catalogue import METRICS

    rows = []
    for name in METRICS:
        metric = METRICS[name]
        kinds = ", ".join(sorted(metric.kinds))
        direction = _better(metric.higher_is_better)
        row = {"name": name, "title": metric.title, "unit": metric.unit, "better": direction, "what": metric.definition}
        rows.append(row | {"kinds": kinds, "source": metric.source, "target": METRICS.target(name)})
    for name, members in METRICS.groups.items():
        row = {"name": name, "title": "", "unit": "", "better": "", "what": f"Short for {', '.join(members)}."}
        rows.append(row | {"kinds": "", "source": "", "target": ""})
    return rows


def _readings(results: Path, store_url: str | None) -> Rows:
    from bench.catalogue.readings import ALIASES, GPU_ALIASES, READINGS, Reading

    def row(name: str, about: Reading, what: str) -> dict[str, str]:
        better = _better(about.higher_is_better)
        return {"name": name, "title": about.title, "unit": about.unit, "better": better, "what": what}

    rows = [row(reading.name, reading, reading.definition) for reading in READINGS.values()]
    for name, meant in ALIASES.items():
        on_gpu = f"; on a GPU for {GPU_ALIASES[name]}" if name in GPU_ALIASES else ""
        rows.append(row(name, READINGS[meant], f"Another name for {meant}{on_gpu}."))
    return rows


def _better(higher_is_better: bool) -> str:
    return "higher" if higher_is_better else "lower"


def _meters(results: Path, store_url: str | None) -> Rows:
    from bench.meters.doctor import meter_states

    return [
        {"name": meter.name, "reads": meter.reads, "works": "yes" if meter.works else "no", "reason": meter.reason}
        for meter in meter_states()
    ]


def _doubts(results: Path, store_url: str | None) -> Rows:
    from bench.doubts import doubt_kinds

    kinds = doubt_kinds().items()
    return [{"code": code, "title": kind.title, "remedy": kind.advice} for code, kind in kinds]


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
    "readings": _readings,
    "meters": _meters,
    "doubts": _doubts,
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
