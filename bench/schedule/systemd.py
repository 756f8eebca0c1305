"""A systemd service and its timer, for the user's own instance of systemd.

Sources: systemd.service(5) and systemd.syntax(7) for quoting, systemd.unit(5) for `%` specifiers,
systemd.exec(5) for `append:`, systemd.time(7) for calendar events.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.errors import EnvironmentLackError, UsageError
from bench.schedule.entry import Schedule

SYSTEMCTL = "systemctl"

STOP_TIMEOUT_S = 180
"""From SIGINT to SIGKILL: a cell ends at its next step, and what is finished is stored already."""

_REFUSED = frozenset("'\"\\")
"""What systemd lets no program's path hold (`string_is_safe`), though it lets an argument."""

_SERVICE = """\
# Written by bench schedule; `bench schedule systemd SUITE --remove` takes it away.
[Unit]
Description=bench nightly of {suite}

[Service]
Type=oneshot
WorkingDirectory={folder}
EnvironmentFile=-{environment}
ExecStart={command}
StandardOutput=append:{log}
StandardError=append:{log}
KillMode=mixed
KillSignal=SIGINT
TimeoutStopSec={stop}
"""

_TIMER = """\
# Written by bench schedule; `bench schedule systemd SUITE --remove` takes it away.
[Unit]
Description=bench nightly of {suite}, every day at {at}

[Timer]
OnCalendar=*-*-* {at}:00
AccuracySec=1s
# A night that was missed stays missing: caught up by day, it would measure a machine that people use.
Persistent=false

[Install]
WantedBy=timers.target
"""


def units(schedule: Schedule) -> dict[str, str]:
    """Write the service and the timer, by file name.

    Raises:
        UsageError: the folder or the log ends with a backslash or a space, which a unit cannot say.
    """
    suite = _specifiers(schedule.suite).replace("\\", "/")
    service = _SERVICE.format(
        suite=suite,
        folder=_path(schedule.folder),
        environment=_path(schedule.environment),
        command=_command(schedule),
        log=_path(schedule.log),
        stop=STOP_TIMEOUT_S,
    )
    timer = _TIMER.format(suite=suite, at=f"{schedule.at:%H:%M}")
    return {f"{schedule.name}.service": service, f"{schedule.name}.timer": timer}


def render(schedule: Schedule) -> str:
    """Write both units, each under the name of its file."""
    return "\n".join(f"# {unit_folder() / name}\n{text}" for name, text in units(schedule).items())


def unit_folder() -> Path:
    """Return where the user's units are."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user"


def install(schedule: Schedule) -> None:
    """Write the units and start the timer; again with another time, it moves the timer.

    Raises:
        EnvironmentLackError: systemd does not answer; what was there before is put back.
    """
    schedule.log.parent.mkdir(parents=True, exist_ok=True)
    folder = unit_folder()
    folder.mkdir(parents=True, exist_ok=True)
    before = {name: _read(folder / name) for name in units(schedule)}
    try:
        for name, text in units(schedule).items():
            (folder / name).write_text(text, encoding="utf-8")
        _systemctl("daemon-reload")
        _systemctl("enable", f"{schedule.name}.timer")
        _systemctl("restart", f"{schedule.name}.timer")  # so that one that runs takes up a new time
    except EnvironmentLackError:
        for name, text_before in before.items():
            _put_back(folder / name, text_before)
        raise


def hint() -> str | None:
    """Say what to do when the user's systemd ends with the last session, so that no night would start at 02:30;
    None where it goes on, or does not say."""
    command = ["loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode or done.stdout.strip() != "no":
        return None
    return "it runs only while you are logged in; `loginctl enable-linger` lets it run every night"


def remove(schedule: Schedule) -> bool:
    """Stop the timer and remove the units, and return whether there were any.

    A run that is under way goes on: only the timer is stopped.

    Raises:
        EnvironmentLackError: systemd does not answer; nothing is removed.
    """
    installed = [path for path in (unit_folder() / name for name in units(schedule)) if path.exists()]
    if not installed:
        return False
    if any(path.suffix == ".timer" for path in installed):
        _systemctl("disable", "--now", f"{schedule.name}.timer")
    for path in installed:
        path.unlink()
    _systemctl("daemon-reload")
    return True


def _command(schedule: Schedule) -> str:
    """Write the words of `ExecStart`; `$` stands for itself in the first, and `$$` for it in the others."""
    program, *rest = schedule.command
    if _REFUSED.intersection(program):
        program, rest = "/usr/bin/env", list(schedule.command)
    return " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in rest)])


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + _specifiers(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _path(path: Path) -> str:
    """Write a path for a setting that takes the rest of its line as it is."""
    if str(path) != str(path).strip() or str(path).endswith("\\"):
        raise UsageError(f"'{path}' ends with a space or a backslash, which a systemd unit cannot express; rename it")
    return _specifiers(str(path))


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _put_back(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text, encoding="utf-8")


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run([SYSTEMCTL, "--user", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise EnvironmentLackError("this machine has no systemd; use `bench schedule cron`") from error
    if done.returncode:
        raise EnvironmentLackError(
            f"systemctl --user {' '.join(arguments)}: {' '.join(done.stderr.split()) or 'failed'}; log in to a "
            "session of your own (not through su), and allow it to outlive it with `loginctl enable-linger`"
        )
