"""`bench show`, `bench report`, `bench export`: what is stored of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, results_option, store_option
from bench.cli.output import print_json, print_table, remark, say
from bench.suite.limits import QUALITY
from bench.units import plural

if TYPE_CHECKING:
    from bench.decision import Decision
    from bench.record import Doubt
    from bench.report import RunView
    from bench.store import Store
    from bench.summary import Entry


@click.command()
@click.argument("run", default="latest")
@results_option
@store_option
@json_option
def show(run: str, results: Path, store_url: str | None, as_json: bool) -> None:
    """Show RUN ('latest', an id, or the beginning of one): every cell, and the fronts."""
    view = open_view(run, results, store_url)
    if as_json:
        print_json(run_json(view))
        return
    info = view.info
    say(f"run {info.id}  suite {info.suite}  {info.status}  started {info.started_at[:19]}Z")
    print_view(view)


def print_view(view: RunView) -> None:
    """Print one line per cell, the best quality of a task first, then what to ship and why.

    The reason of a failed cell is cut to the terminal's width; `--json`, the log and the report have the whole.
    """
    from bench.catalogue.readings import READINGS, shown_in
    from bench.words.machines import line as machines_line

    heads = [READINGS[name].narrow for name in shown_in("terminal")]
    header = ["task", "model", "status", "quality", "n", *heads, ""]
    rows, unsupported = [], 0
    for task in view.tasks:
        front = view.decision.fronts().get(task.name, [])
        runnable = [entry for entry in task.entries if entry.status != "unsupported"]
        unsupported += len(task.entries) - len(runnable)
        rows += [_row(task.name, entry, front) for entry in sorted(runnable, key=_best_first)]
    if view.partial:
        say(f"partial: {view.partial}\n")
    if view.info.cut_short:
        say(f"{view.info.cut_short}\n")
    if view.remark:
        say(f"{view.remark}.\n")
    print_table(header, rows, right=tuple(range(4, 5 + len(heads))), fit=True)
    if unsupported:
        say(f"{plural(unsupported, 'cell')} {'is' if unsupported == 1 else 'are'} unsupported; the report says why.")
    for sentence in (*_not_computed(view), *_told(view)):
        say(sentence)
    if view.race:
        say(f"\nRace: {view.race}")
    how_far = machines_line(view.machines, view.divided_blocks)
    if how_far is not None:
        say(f"\nMachines: {how_far}.")
    _print_answers(view.decision)


def _print_answers(decision: Decision) -> None:
    """Print at most four lines a task: what to ship, what that risks, what to know of it, what would change it."""
    from bench.words.decision import answers, replaced

    for sentence in replaced(decision):
        say(sentence)
    for name, sentences in answers(decision).items():
        say(f"\n{name}")
        for sentence in sentences:
            say(f"  {sentence}")


def _not_computed(view: RunView) -> list[str]:
    """Say in how many cells a metric could not be computed, by the reason."""
    from bench.summary.merge import NOT_COMPUTED

    counts = Counter(d.message for entry in view.entries for d in entry.doubts if d.code == NOT_COMPUTED)
    return [f"not computed in {plural(count, 'cell')}: {reason}" for reason, count in counts.items()]


def _told(view: RunView) -> list[str]:
    """Say the doubts that are told here too, each once, with its cells."""
    from bench.doubts import DOUBTS

    labels: dict[Doubt, list[str]] = {}
    for entry in view.entries:
        for doubt in entry.doubts:
            if doubt.code in DOUBTS and DOUBTS[doubt.code].told:
                label = f"{entry.candidate} · {entry.cell.task}"
                named = labels.setdefault(replace(doubt, process=0), [])
                if label not in named:
                    named.append(label)
    return [f"doubt in {', '.join(cells)}: {doubt.message}; {doubt.remedy}" for doubt, cells in labels.items()]


def _row(task: str, entry: Entry, front: Sequence[str]) -> list[str]:
    from bench.catalogue.readings import shown_in
    from bench.units import format_number, format_quantity

    shown = [entry.efficiency.get(name) for name in shown_in("terminal")]
    cells = ["" if q is None or q.value is None else format_quantity(q.value, q.unit) for q in shown]
    best = entry.quantity(QUALITY)
    quality = "" if best is None or best.value is None else f"{entry.quality_metric} {format_number(best.value)}"
    n = "" if best is None or best.value is None else f"{best.n:,}"
    return [task, entry.candidate, entry.status, quality, n, *cells, _standing(entry, front)]


def _standing(entry: Entry, front: Sequence[str]) -> str:
    """Mark a member of the front, and say what keeps a candidate from being picked."""
    from bench.doubts import barring

    if not entry.ended_well:
        return entry.reason or ""
    doubt = barring(entry.doubts)
    if doubt is not None:
        return f"barred: {doubt.code}"
    return "◆ front" if entry.candidate in front else ""


def _best_first(entry: Entry) -> tuple[bool, float]:
    best = entry.quantity(QUALITY)
    if best is None or best.value is None:
        return True, 0.0
    return False, -best.value if best.higher_is_better else best.value


@click.command()
@click.argument("run", default="latest")
@results_option
@store_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; by default under the results folder.",
)
@click.option("--format", "form", type=click.Choice(["html", "md", "json", "csv"]), default="html", show_default=True)
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write every chart as SVG, PNG, PDF.",
)
@click.option("--reference", metavar="MODEL", help="Candidate to which paired differences of quality are computed.")
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
def report(
    run: str,
    results: Path,
    store_url: str | None,
    output: Path | None,
    form: str,
    figures: Path | None,
    reference: str | None,
    open_it: bool,
) -> None:
    """Write the report of RUN again."""
    import webbrowser

    from bench.report import write_figures, write_html
    from bench.store.elsewhere import publish
    from bench.store.files import write_file

    view = open_view(run, results, store_url, reference)
    path = output or results / "reports" / f"{view.info.id}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "html":
        write_html(view, path)
    else:
        write_file(path, _as_text(view, form))
    say(publish(results, path) or str(path.resolve()))
    if figures is not None:
        for figure in write_figures(view, figures):
            say(str(figure.resolve()))
    # Not `click.launch`: it needs xdg-open for files, and is silent where that is missing.
    if open_it and not webbrowser.open(path.resolve().as_uri()):
        remark("no browser was found (set BROWSER to one); the report is in the file above")


def _as_text(view: RunView, form: str) -> str:
    import json

    from bench.report import as_csv, as_markdown

    if form == "json":
        return json.dumps(run_json(view), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return str(as_markdown(view) if form == "md" else as_csv(view))


@click.command()
@click.argument("run", default="latest")
@results_option
@store_option
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "jsonl", "parquet"]), default="csv", show_default=True
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File (json) or folder (csv, jsonl, parquet).",
)
def export(run: str, results: Path, store_url: str | None, form: str, output: Path) -> None:
    """Write RUN for other programs: cells, readings with intervals, facts, per-example rows, raw timings."""
    from bench.decision.cost import priced
    from bench.report.view import suite_of
    from bench.store import Store
    from bench.store.export import export_run
    from bench.summary import summarise_run
    from bench.summary.long_form import reading_rows

    with Store.open(results, store_url, create=False) as store:
        stored = store.load(named(store, run))
    prices = suite_of(stored.info).prices
    entries = [priced(entry, prices) for entry in summarise_run(stored)]
    for path in export_run(stored, form, output, reading_rows(stored.info.id, entries)):
        say(str(path.resolve()))


def open_view(run: str, results: Path, store_url: str | None = None, reference: str | None = None) -> RunView:
    """Read a stored run with its summaries and its decision."""
    from bench.report import view_of
    from bench.store import Store

    with Store.open(results, store_url, create=False) as store:
        return view_of(store.load(named(store, run)), reference=reference)


def named(store: Store, run: str) -> str:
    """Find the id of the run that a reference names; say where a newer run of a part of the suite is passed over."""
    choice = store.choose(run)
    if choice.remark is not None:
        remark(choice.remark)
    return choice.info.id


def run_json(view: RunView) -> dict[str, object]:
    """Put a run into the shape that `docs/report.md` describes: `run`, `cells`, `fronts`, `decision`."""
    from bench.summary import entry_json
    from bench.words.documents import decision_document

    info = view.info
    run: dict[str, object] = {
        "id": info.id,
        "suite": info.suite,
        "status": info.status,
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        "profile": info.profile,
        "command": info.command,
        "machine_key": info.machine_key,
        "environment": dict(info.environment),
        "remark": view.remark,
        "partial": view.partial,
    } | ({"race": dict(view.info.race)} if view.info.race else {})
    if view.machines:
        run["machines"] = [asdict(machine) for machine in view.machines]
        run["divided_blocks"] = list(view.divided_blocks)
    return {
        "run": run,
        "cells": [entry_json(entry) for entry in view.entries],
        "fronts": view.decision.fronts(),
        "decision": decision_document(view.decision),
    }
