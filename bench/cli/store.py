"""`bench store`: whether what is stored is whole, bringing it up to date, putting back, making room."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import json_option, results_option, store_option
from bench.cli.output import print_json, say


@click.group()
def store() -> None:
    """Check, migrate, import and prune what is stored."""


@store.command()
@click.option("--repair", is_flag=True, help="Remove what killed processes left behind; nothing else.")
@results_option
@store_option
@json_option
def check(repair: bool, results: Path, store_url: str | None, as_json: bool) -> None:
    """Say whether the database and the files beside it are whole, and what to do where they are not.

    Exit code 0 when they are, 4 when they are not.
    """
    from bench.errors import StoreError
    from bench.store import maintenance

    findings = maintenance.check(results, store_url)
    removed = maintenance.repair(findings, results) if repair else 0
    if repair:
        findings = maintenance.check(results, store_url)
    bad = [finding for finding in findings if finding.level != "note"]
    if as_json:
        names = ("level", "code", "what", "remedy")
        print_json({"whole": not bad, "findings": [{name: getattr(f, name) for name in names} for f in findings]})
    else:
        for finding in findings:
            say(f"{finding.level}: {finding.what}\n  → {finding.remedy}")
        done = f"; {removed} files removed" if repair else ""
        say(("the store is whole" if not bad else f"{len(bad)} findings") + done)
    click.get_current_context().exit(StoreError.exit_code if bad else 0)


@store.command()
@results_option
@store_option
@json_option
def migrate(results: Path, store_url: str | None, as_json: bool) -> None:
    """Bring the database to this bench's version; a SQLite file is copied beside itself first."""
    from bench.store import Store

    with Store.open(results, store_url, create=False) as opened:
        done = opened.migration
    if as_json:
        print_json({"before": done.before, "after": done.after, "backup": done.backup and str(done.backup)})
    elif done.before == done.after:
        say(f"already at version {done.after}: nothing to do")
    else:
        say(f"from version {done.before or 'none'} to {done.after}")
        if done.backup is not None:
            say(f"backup of the database before: {done.backup}")


@store.command("import")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@results_option
@store_option
@json_option
def import_(folder: Path | None, results: Path, store_url: str | None, as_json: bool) -> None:
    """Copy the runs of another results FOLDER into this one; without it, restore the runs kept beside the database.

    Exit code 0 when everything was taken, 4 when something was left.
    """
    from bench.errors import StoreError
    from bench.store import Store
    from bench.store.rescue import import_folder, import_kept

    with Store.open(results, store_url) as opened:
        done = import_kept(opened) if folder is None else import_folder(opened, folder)
    if as_json:
        left = [{"run": run, "reason": reason} for run, reason in done.left]
        print_json({"records": done.records, "runs": list(done.runs), "left": left})
    else:
        what = "put back" if folder is None else f"copied from {folder}"
        say(f"{done.records} records of {len(done.runs)} runs {what}: {', '.join(done.runs) or 'none'}")
        for run, reason in done.left:
            say(f"left: {run}: {reason}")
    click.get_current_context().exit(StoreError.exit_code if done.left else 0)


@store.command()
@click.option(
    "--keep-nights", type=click.IntRange(min=1), required=True, help="How many nights of each suite keep their rows."
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@results_option
@store_option
@json_option
def prune(keep_nights: int, dry_run: bool, results: Path, store_url: str | None, as_json: bool) -> None:
    """Remove raw timings and answers of old nights; summaries, tags and reports stay for ever."""
    from bench.history.retain import retain
    from bench.store import Store
    from bench.units import format_quantity

    with Store.open(results, store_url, create=False) as opened:
        removed, left = retain(opened, keep_nights, dry_run=dry_run)
    if as_json:
        files = [str(path) for path in removed.files]
        print_json(
            {
                "runs": list(removed.runs),
                "files": files,
                "size_bytes": removed.size_bytes,
                "dry_run": dry_run,
                "left": left,
            }
        )
        return
    would = "would remove" if dry_run else "removed"
    size = format_quantity(removed.size_bytes, "bytes")
    say(f"{would} the raw timings of {len(removed.runs)} runs: {len(removed.files)} files, {size}")
    for run in removed.runs:
        say(f"  {run}")
    for run, reason in left.items():
        say(f"left: {run}: {reason}")
