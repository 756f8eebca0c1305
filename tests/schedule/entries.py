"""Schedules for the tests, and fake commands put on PATH."""

from datetime import time
from pathlib import Path

from bench.schedule import Schedule

ODD = "odd a b%h $HOME it's\"q \\t é"
"""Everything that a shell, cron or systemd would take for something else."""


def entry(base=Path("/srv/bench"), **changed):
    fields = {
        "suite": "quickstart",
        "at": time(2, 30),
        "folder": base,
        "results": base / "results",
        "python": base / "bin/python",
        "log": base / "results/nightly.log",
    }
    return Schedule(**(fields | changed))


def put_command(folder, name, text):
    """Writes an executable shell script into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path
