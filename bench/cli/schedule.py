"""`bench schedule`: the entry that makes a scheduler run `bench nightly`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import results_option, store_option
from bench.cli.output import remark, say

if TYPE_CHECKING:
    from bench.schedule import Schedule

NAMES = ("systemd", "cron", "github", "gitlab", "kubernetes")


@click.command()
@click.argument("kind", type=click.Choice(NAMES))
@click.argument("suite")
@click.option(
    "--at",
    default="02:30",
    show_default=True,
    metavar="HH:MM",
    help="Time of day at which the night starts; for CI services in UTC.",
)
@click.option("--deadline", metavar="HH:MM", help="When the night stops and reports what it has.")
@click.option("--baseline", metavar="WHICH", help="Baseline of every night: previous, best, tag:NAME, or a run.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Where its output goes (systemd, cron).")
@click.option("--runner", help="Labels of the runner, separated by commas (github, gitlab).")
@click.option("--image", help="Container image that has bench (kubernetes).")
@click.option("--ray", "on_ray", is_flag=True, help="A RayJob, one night on several machines (kubernetes).")
@click.option("--install", "action", flag_value="install", help="Install it for this user (systemd, cron).")
@click.option("--remove", "action", flag_value="remove", help="Remove it (systemd, cron).")
@results_option
@store_option
def schedule(
    kind: str,
    suite: str,
    at: str,
    deadline: str | None,
    baseline: str | None,
    log: Path | None,
    runner: str | None,
    image: str | None,
    on_ray: bool,
    action: str | None,
    results: Path,
    store_url: str | None,
) -> None:
    """Print the entry that makes KIND run `bench nightly SUITE` every day; or install or remove it."""
    from bench.errors import UsageError
    from bench.schedule import KINDS, Schedule
    from bench.schedule.entry import parse_time
    from bench.store.elsewhere import address_of

    if on_ray and kind != "kubernetes":
        raise UsageError(f"--ray has no effect with {kind}; leave it out")
    scheduler = KINDS["kubernetes-ray" if on_ray else kind]
    address = address_of(results)
    if address is not None and scheduler.wants_folder is not None:
        raise UsageError(f"--results {address}: {scheduler.wants_folder}")
    end = None if deadline is None else f"{parse_time(deadline, '--deadline'):%H:%M}"
    folder = Path.cwd()
    base = folder if scheduler.here else Path()
    place = Path.absolute(results) if scheduler.here else results
    entry = Schedule(
        suite=_suite(suite, scheduler.here, check=action != "remove"),
        at=parse_time(at),
        folder=folder,
        results=place,
        address=address,
        python=Path(sys.executable),
        log=base / log if log is not None else place / "nightly.log",
        deadline=end,
        baseline=baseline,
        store=store_url,
    )
    chosen = {"runner": runner, "image": image}
    unused = [name for name, value in chosen.items() if value is not None and name != scheduler.option]
    if unused:
        raise UsageError(f"--{unused[0]} has no effect with {kind}; leave it out")
    if scheduler.here and action != "remove":
        _warn_of_password(entry)
        _warn_of_no_database(entry)
    if action is None:
        value = chosen.get(scheduler.option or "")
        options = {} if value is None or scheduler.option is None else {scheduler.option: value}
        say(scheduler.render(entry, **options), newline=False)
    else:
        _act(kind, action, entry)


def _warn_of_password(entry: Schedule) -> None:
    from bench.store.addresses import has_secret

    if entry.store is not None and has_secret(entry.store):
        remark(
            f"the database's address holds a password, which belongs in no entry: put BENCH_STORE='...' into the file "
            f"{entry.environment}, or leave the password out and put it into ~/.pgpass"
        )


def _warn_of_no_database(entry: Schedule) -> None:
    if entry.address is not None and entry.store is None:
        remark(
            f"an object store keeps no database, and this entry names none: give --store, or put BENCH_STORE='...' "
            f"into the file {entry.environment}, or every night ends with code 4"
        )


def _suite(suite: str, here: bool, *, check: bool) -> str:
    """Check the suite, and write it as its scheduler needs it."""
    from bench.host.package import embedded_suites
    from bench.planning import open_suite

    if not here:
        return suite
    if check:
        open_suite(suite)
    embedded = suite in embedded_suites() and not Path(suite).exists()
    return suite if embedded else str(Path(suite).absolute())


def _act(kind: str, action: str, entry: object) -> None:
    from bench.errors import UsageError
    from bench.schedule import KINDS, Schedule

    assert isinstance(entry, Schedule)
    scheduler = KINDS[kind]
    if scheduler.install is None or scheduler.remove is None:
        raise UsageError(f"--{action} is for systemd and cron; write the output of `bench schedule {kind}` to its file")
    if action == "install":
        scheduler.install(entry)
        say(f"installed: {entry.name}, every day at {entry.at:%H:%M}; it writes to {entry.log}")
        if scheduler.hint is not None and (hint := scheduler.hint()) is not None:
            remark(hint)
    else:
        say(f"{'removed' if scheduler.remove(entry) else 'was not installed'}: {entry.name}")
