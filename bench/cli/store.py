"""`bench store`: whether what is stored is whole, bringing it up to date, putting back, making room."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import echo, json_option, print_json, results_option, store_option


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

    found = maintenance.check(results, store_url)
    removed = maintenance.repair(found) if repair else 0
    if repair:
        found = maintenance.check(results, store_url)
    bad = [finding for finding in found if finding.level != "note"]
    if as_json:
        names = ("level", "code", "what", "remedy")
        print_json({"whole": not bad, "findings": [{name: getattr(f, name) for name in names} for f in found]})
    else:
        for finding in found:
            echo(f"{finding.level}: {finding.what}\n  → {finding.remedy}")
        done = f"; {removed} files removed" if repair else ""
        echo(("the store is whole" if not bad else f"{len(bad)} findings") + done)
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
        echo(f"version {done.after} already: nothing to do")
    else:
        echo(f"from version {done.before or 'none'} to {done.after}")
        if done.backup is not None:
            echo(f"as it was before: {done.backup}")


@store.command("import")
@results_option
@store_option
@json_option
def import_(results: Path, store_url: str | None, as_json: bool) -> None:
    """Put back what is kept beside a database that could not take it."""
    from bench.errors import StoreError
    from bench.store import Store
    from bench.store.rescue import import_kept

    with Store.open(results, store_url) as opened:
        done = import_kept(opened)
    if as_json:
        left = [{"run": run, "reason": reason} for run, reason in done.left]
        print_json({"records": done.records, "runs": list(done.runs), "left": left})
    else:
        echo(f"{done.records} records of {len(done.runs)} runs put back: {', '.join(done.runs) or 'none'}")
        for run, reason in done.left:
            echo(f"left: {run}: {reason}")
    click.get_current_context().exit(StoreError.exit_code if done.left else 0)


@store.command()
@click.option("--keep-nights", type=click.IntRange(min=1), required=True, help="Nights of each suite that keep rows.")
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@results_option
@store_option
@json_option
def prune(keep_nights: int, dry_run: bool, results: Path, store_url: str | None, as_json: bool) -> None:
    """Remove raw timings and answers of old nights; summaries, tags and reports stay for ever."""
    from bench.history.retain import retain
    from bench.store import Store
    from bench.units import format_quantity

    with Store.open(results, store_url, create=False) as opened:
        found, left = retain(opened, keep_nights, dry_run=dry_run)
    if as_json:
        files = [str(path) for path in found.files]
        print_json(
            {"runs": list(found.runs), "files": files, "size_bytes": found.size_bytes, "dry_run": dry_run, "left": left}
        )
        return
    would = "would remove" if dry_run else "removed"
    size = format_quantity(found.size_bytes, "bytes")
    echo(f"{would} the raw timings of {len(found.runs)} runs: {len(found.files)} files, {size}")
    for run in found.runs:
        echo(f"  {run}")
    for run, reason in left.items():
        echo(f"left: {run}: {reason}")
