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
LONGEST_S = 240
"""cron reads a new crontab at the next full minute and runs its line at the one after; more where it is started
again."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CRON).exists(), reason="there is no cron"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may start cron"),
]


class Cron:
    """cron in the foreground, unless one runs already; that may be another test's, and end with it."""

    def __init__(self):
        self.process = None

    def keep(self):
        """Starts cron where none runs."""
        if not _runs() and (self.process is None or self.process.poll() is not None):
            self.process = subprocess.Popen([CRON, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1.5)  # it tells a new crontab by the second of its time: one of this second would be missed

    def end(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


@pytest.fixture
def cron():
    running = Cron()
    running.keep()
    yield running
    running.end()


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
            cron.keep()
            time.sleep(0.5)
        assert (base / "seen").read_text().splitlines() == [str(base), *made.command[1:]]
        assert sorted(made.log.read_text().split()[:2]) == ["err", "out"]
    finally:
        assert crontab.remove(made)
    assert subprocess.run(["crontab", "-l"], capture_output=True).stdout == before
