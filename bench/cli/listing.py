"""`bench ls`: names that a suite may use, embedded suites, and stored runs; each with a line on what it is.

Everything is read from where it is declared: nothing is described here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, results_option, store_option
from bench.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from pydantic import BaseModel

Rows = list[dict[str, str]]


def _summary(documented: object) -> str:
    """Quote the first sentence of the docstring of a class or function."""
    paragraph = (inspect.getdoc(documented) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def _models() -> Rows:
    from bench.candidates import FAMILIES
    from bench.tasks import KINDS
    from bench.tasks.choosing import why_unsupported

    rows = []
    for name, family in FAMILIES.items():
        kinds = ", ".join(kind for kind in KINDS if why_unsupported(name, kind) is None)
        rows.append({"name": name, "kinds": kinds, "what": family.summary})
    return rows


def _runtimes() -> Rows:
    from bench.candidates.runtimes import RUNTIMES

    return [
        {
            "name": name,
            "forms": "all" if runtime.forms is None else ", ".join(sorted(runtime.forms)),
            "installed": "no" if runtime.missing() else runtime.release or "yes",
            "what": runtime.summary,
        }
        for name, runtime in RUNTIMES.items()
    ]


def _variants() -> Rows:
    from bench.suite import VariantSpec

    return _keys(VariantSpec)


def _keys(model: type[BaseModel]) -> Rows:
    """List the keys of a section of the suite file with their default and their description."""
    return [
        {"name": name, "default": str(field.default), "what": field.description or ""}
        for name, field in model.model_fields.items()
    ]


def _tasks() -> Rows:
    from bench.tasks import KINDS

    return [
        {
            "name": name,
            "columns": ", ".join(f"({column.name})" if column.optional else column.name for column in kind.columns.all),
            "metrics": ", ".join(kind.metrics),
            "what": kind.summary,
        }
        for name, kind in KINDS.items()
    ]


def _metrics() -> Rows:
    from bench.metrics.catalogue import METRICS, fits
    from bench.tasks import KINDS

    rows = []
    for name, metric in METRICS.items():
        about = {"title": metric.title, "unit": metric.unit, "better": _better(metric.higher_is_better)}
        further = {
            "kinds": ", ".join(kind.name for kind in KINDS.values() if fits(metric, kind)),
            "source": metric.source,
            "target": METRICS.target(name),
            "options": "; ".join(f"{option}: {', '.join(values)}" for option, values in metric.options.items()),
        }
        rows.append({"name": name, **about, "what": metric.definition, **further})
    for name, members in METRICS.groups.items():
        empty = dict.fromkeys(rows[0], "")
        rows.append(empty | {"name": name, "what": f"Short for {', '.join(members)}."})
    return rows


def _readings() -> Rows:
    from bench.catalogue.readings import ALIASES, GPU_ALIASES, READINGS

    described = [(reading.name, reading, reading.definition) for reading in READINGS.values()]
    for alias, name in ALIASES.items():
        on_gpu = f"; on a GPU for {GPU_ALIASES[alias]}" if alias in GPU_ALIASES else ""
        described.append((alias, READINGS[name], f"Another name for {name}{on_gpu}."))
    return [
        {
            "name": name,
            "title": reading.title,
            "unit": reading.unit,
            "better": _better(reading.higher_is_better),
            "what": what,
        }
        for name, reading, what in described
    ]


def _better(higher_is_better: bool) -> str:
    return "higher" if higher_is_better else "lower"


def _doubts() -> Rows:
    from bench.doubts import DOUBTS

    return [{"code": code, "what": kind.title, "remedy": kind.advice} for code, kind in DOUBTS.items()]


def _meters() -> Rows:
    from bench.meters.doctor import meter_states

    return [
        {"name": meter.name, "what": meter.reads, "works": "yes" if meter.works else "no", "because": meter.reason}
        for meter in meter_states()
    ]


def _charts() -> Rows:
    from bench.report.charts import chart_kinds

    return [{"name": chart.name, "section": chart.section.title, "what": chart.title} for chart in chart_kinds()]


def _rules() -> Rows:
    from bench.suite.rules import DEFAULT_RULE, RULES

    return [
        {"name": name, "default": "yes" if name == DEFAULT_RULE else "", "what": _summary(type(RULES.find(name)))}
        for name in RULES
    ]


def _executors() -> Rows:
    from bench.running.executors import EXECUTORS

    return [
        {"name": name, "at once": str(kind.capacity), "isolation": kind.isolation, "what": _summary(kind)}
        for name, kind in EXECUTORS.items()
    ]


def _suite_keys() -> Rows:
    from bench.planning.schema import suite_keys

    return [{"name": key.path, "default": key.default, "what": key.what} for key in suite_keys()]


def _suites() -> Rows:
    from bench.host.package import embedded_suites
    from bench.planning import open_suite

    return [
        {"name": name, "what": open_suite(name).value.description, "path": str(path)}
        for name, path in embedded_suites().items()
    ]


@dataclass(frozen=True, slots=True)
class Listing:
    """One thing that can be listed."""

    what: str
    """For the help."""
    rows: Callable[[], Rows]


LISTINGS: dict[str, Listing] = {
    "models": Listing("families of models, and what each can do", _models),
    "runtimes": Listing("what may execute a network", _runtimes),
    "variants": Listing("forms in which a model can be tried", _variants),
    "tasks": Listing("kinds of tasks, with their columns and metrics", _tasks),
    "metrics": Listing("measures of quality", _metrics),
    "readings": Listing("measures of efficiency and of training", _readings),
    "doubts": Listing("what can weaken a number, and what to do about it", _doubts),
    "meters": Listing("sources of energy and memory, and which work here", _meters),
    "charts": Listing("charts of the report", _charts),
    "rules": Listing("ways to pick a model", _rules),
    "executors": Listing("places where cells can run", _executors),
    "keys": Listing("keys of the suite file, with their defaults", _suite_keys),
    "suites": Listing("embedded suites", _suites),
}
RUNS = "runs"
HELP = "\n".join(
    ["\b", *(f"{name:<10} {listing.what}" for name, listing in LISTINGS.items()), f"{RUNS:<10} stored runs"]
)


def _runs(results: Path, store_url: str | None) -> Rows:
    from bench.store import Store
    from bench.store.archive import DATABASE

    if store_url is None and not (results / DATABASE).exists():
        return []
    with Store.open(results, store_url, create=False) as store:
        return [
            {
                "id": info.id,
                "suite": info.suite,
                "status": info.status,
                "started": info.started_at[:19] + "Z",
                "partial": info.restricted_by,
            }
            for info in store.runs()
        ]


@click.command(help=f"List WHAT there is:\n\n{HELP}")
@click.argument("what", type=click.Choice([*LISTINGS, RUNS]), metavar="WHAT")
@results_option
@store_option
@json_option
def ls(what: str, results: Path, store_url: str | None, as_json: bool) -> None:
    """List what there is."""
    rows = _runs(results, store_url) if what == RUNS else LISTINGS[what].rows()
    if as_json:
        print_json(rows)
    elif rows:
        header = list(rows[0])
        print_table(header, [[row[name] for name in header] for row in rows])
    elif what == RUNS:
        say(f"No runs in {results}. Make one with 'bench run quickstart', or name another folder with --results.")
    else:
        say(f"There are no {what}.")
