"""Debian's cron really runs an installed entry."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bench.schedule import crontab
from tests.schedule.entries import ODD, entry, put_command

CRON = shutil.which("cron") or "/usr/sbin/cron"
PIDFILE = Path("/run/crond.pid")
LONGEST_S = 150
"""cron reads a new crontab at the next full minute and runs its line at the one after."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CRON).exists(), reason="there is no cron"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may start cron"),
]


@pytest.fixture
def cron():
    """cron in the foreground, unless one runs here already."""
    if _runs():
        yield None
        return
    process = subprocess.Popen([CRON, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    process.terminate()
    process.wait(10)


def _runs():
    try:
        return Path(f"/proc/{int(PIDFILE.read_text())}/comm").read_text().strip() == "cron"
    except (OSError, ValueError):
        return False


def test_cron_runs_the_command_in_its_folder_and_keeps_what_it_said(cron, tmp_path):
    base = tmp_path / ODD
    said = 'echo out; echo err >&2; printf \'%s\\n\' "$PWD" "$@" > seen.part && mv seen.part seen\n'
    put_command(base / "bin", "python", said)
    made = entry(base, suite=str(base / "my suite.yaml"), deadline="06:00")
    before = subprocess.run(["crontab", "-l"], capture_output=True).stdout
    crontab.install(made, when="* * * * *")
    try:
        end = time.monotonic() + LONGEST_S
        while not (base / "seen").exists() and time.monotonic() < end:
            assert cron is None or cron.poll() is None, "cron has ended"
            time.sleep(0.5)
        assert (base / "seen").read_text().splitlines() == [str(base), *made.command[1:]]
        assert sorted(made.log.read_text().split()[:2]) == ["err", "out"]
    finally:
        assert crontab.remove(made)
    assert subprocess.run(["crontab", "-l"], capture_output=True).stdout == before
