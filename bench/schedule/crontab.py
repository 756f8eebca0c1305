"""A line of the user's crontab, inside a marked block that alone is ever touched.

cron turns an unescaped `%` into a line break, and hands the rest to `/bin/sh`. Source: crontab(5).
"""

from __future__ import annotations

import os
import shlex
import subprocess

from bench.errors import EnvironmentLackError, StoreError
from bench.schedule.entry import Schedule

CRONTAB = "crontab"
NO_CRONTAB = "no crontab for"
"""What `crontab -l` says, and fails, when the user has none yet."""


def render(schedule: Schedule, when: str | None = None) -> str:
    """Write the block: a line between two marks.

    Args:
        schedule: what runs.
        when: five fields of cron, in place of the schedule's time.
    """
    secrets = shlex.quote(str(schedule.environment))
    read = f"set -a && {{ [ ! -r {secrets} ] || . {secrets}; }} && set +a"
    command = f"cd {shlex.quote(str(schedule.folder))} && {read} && {shlex.join(schedule.command)}"
    log = shlex.quote(str(schedule.log))
    line = f"{{ {command}; }} >> {log} 2>&1".replace("%", "\\%")  # the log has what kept a night from starting, too
    begin, end = _marks(schedule)
    return f"{begin}\n{when or schedule.cron} {line}\n{end}\n"


def install(schedule: Schedule, when: str | None = None) -> None:
    """Put the block into the user's crontab, in place of an earlier one of the same name.

    Raises:
        EnvironmentLackError: there is no crontab command, or it refuses.
        StoreError: the block's marks are damaged.
    """
    schedule.log.parent.mkdir(parents=True, exist_ok=True)
    before = _read()
    kept = _ended(_without(before, schedule))
    _write(before, kept + render(schedule, when))


def remove(schedule: Schedule) -> bool:
    """Take the block out, and return whether there was one.

    Raises:
        EnvironmentLackError: there is no crontab command, or it refuses.
        StoreError: the block's marks are damaged.
    """
    before = _read()
    kept = _without(before, schedule)
    _write(before, kept)
    return kept != before


def _marks(schedule: Schedule) -> tuple[str, str]:
    return f"# >>> {schedule.name}: written by bench schedule >>>", f"# <<< {schedule.name} <<<"


def _without(table: str, schedule: Schedule) -> str:
    """Return the table without the block; every other byte stays as it is."""
    lines = table.splitlines(keepends=True)
    begins, ends = ([i for i, line in enumerate(lines) if line.strip() == mark] for mark in _marks(schedule))
    if not begins and not ends:
        return table
    if not (len(begins) == len(ends) == 1 and begins < ends):
        raise StoreError(
            f"the crontab's block {schedule.name} has lost one of its marks, or has them twice; "
            "repair or delete it with `crontab -e`, then try again"
        )
    return "".join(lines[: begins[0]] + lines[ends[0] + 1 :])


def _ended(table: str) -> str:
    return table if not table or table.endswith("\n") else table + "\n"


def _read() -> str:
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if NO_CRONTAB in done.stderr:
        return ""
    raise EnvironmentLackError(
        f"the crontab cannot be read: {_complaint(done)}; ask the administrator of this machine for permission to use "
        "cron"
    )


def _write(before: str, after: str) -> None:
    if after == before:
        return
    done = _crontab("-", after) if after else _crontab("-r")
    if done.returncode:
        raise EnvironmentLackError(f"the crontab was not changed: {_complaint(done)}")


def _crontab(argument: str, table: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [CRONTAB, argument],
            input=table,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise EnvironmentLackError(
            "this machine has no crontab command; install cron, or use `bench schedule systemd`"
        ) from error


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split()) or f"crontab ended with {done.returncode}"
