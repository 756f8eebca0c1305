"""The units: accepted by systemd, and meaning to systemd what was meant."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from bench.errors import EnvironmentLackError, UsageError
from bench.schedule import systemd
from tests.schedule.entries import ODD, entry, put_command

MANAGER = Path("/lib/systemd/systemd")
FAKE = 'echo "$@" >> "$CALLS"\n[ -z "$REFUSE" ] || { echo "Failed to connect to bus" >&2; exit 1; }\n'


@pytest.fixture
def odd(tmp_path):
    """A schedule with odd paths everywhere, with an interpreter that is there."""
    base = tmp_path / ODD
    put_command(base / "bin", "python", "true\n")
    return entry(base, suite=str(base / "my $HOME.yaml"), deadline="06:00")


def written(made, folder):
    folder.mkdir()
    for name, text in systemd.units(made).items():
        (folder / name).write_text(text)
    return sorted(folder.iterdir())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("plain", [True, False])
def test_systemd_accepts_the_units(tmp_path, odd, plain):
    put_command(tmp_path / "bin", "python", "true\n")
    units = written(entry(tmp_path) if plain else odd, tmp_path / "units")
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not MANAGER.exists(), reason="there is no systemd")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run systemd's test mode as nobody")
def test_systemd_reads_out_of_the_service_what_was_meant(tmp_path_factory, odd):
    """systemd's own parser, in the mode in which it only says what it has read."""
    folder = Path(tmp_path_factory.mktemp("x")) / "units"
    units = written(odd, folder)
    for path in folder.parents:
        if path == Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)
    dump = subprocess.run(
        [
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            MANAGER,
            "--test",
            "--system",
            f"--unit={units[0].name}",
        ],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:/lib/systemd/system", "XDG_RUNTIME_DIR": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=60,
    ).stdout.decode()
    part = dump[dump.index(f"-> Unit {units[0].name}") :]
    read = {key: re.search(rf"^\s*{key}: (.*)$", part, re.M)[1] for key in SETTINGS}
    assert read["WorkingDirectory"] == str(odd.folder)
    assert read["StandardOutputFileToAppend"] == read["StandardErrorFileToAppend"] == str(odd.log)
    assert read["KillSignal"].split("=")[-1].strip() in ("2", "SIGINT")
    words = [word.replace(r"\$\$", "$") for word in shlex.split(read["Command Line"])]
    assert words == ["/usr/bin/env", *odd.command]


SETTINGS = ("WorkingDirectory", "StandardOutputFileToAppend", "StandardErrorFileToAppend", "Command Line", "KillSignal")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_timer_goes_off_once_a_day_at_that_time():
    timer = systemd.units(entry(at=time(4, 5)))[f"{entry().name}.timer"]
    [calendar] = re.findall(r"^OnCalendar=(.*)$", timer, re.M)
    command = ["systemd-analyze", "calendar", "--iterations=2", "--base-time=2026-11-24 00:00:00 UTC", calendar]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"}).stdout
    assert re.findall(r"2026-11-\d\d \d\d:\d\d:\d\d", said) == ["2026-11-24 04:05:00", "2026-11-25 04:05:00"]


@pytest.mark.parametrize("name", ["a ", "a\\"])
def test_a_path_that_a_unit_cannot_say_is_refused(name):
    with pytest.raises(UsageError, match="which a systemd unit cannot express"):
        systemd.units(entry(log=Path(f"/srv/{name}")))


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """What systemctl is called with; the units go into the test's own folder."""
    put_command(tmp_path / "bin", "systemctl", FAKE)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "calls"


def test_install_writes_enables_and_starts_and_again_moves_the_timer(calls, tmp_path):
    made = entry(tmp_path)
    systemd.install(made)
    later = replace(made, at=time(4, 5))
    systemd.install(later)
    assert {path.name: path.read_text() for path in systemd.unit_folder().iterdir()} == systemd.units(later)
    timer = f"{made.name}.timer"
    once = ["--user daemon-reload", f"--user enable {timer}", f"--user restart {timer}"]
    assert calls.read_text().splitlines() == once * 2


def test_remove_takes_all_of_it_and_nothing_else(calls, tmp_path):
    made = entry(tmp_path)
    systemd.install(made)
    other = systemd.unit_folder() / "other.timer"
    other.write_text("")
    calls.unlink()
    assert systemd.remove(made)
    assert list(systemd.unit_folder().iterdir()) == [other]
    assert calls.read_text().splitlines() == [f"--user disable --now {made.name}.timer", "--user daemon-reload"]
    assert not systemd.remove(made)


def test_without_a_user_instance_what_was_there_is_put_back(calls, tmp_path, monkeypatch):
    made = entry(tmp_path)
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(EnvironmentLackError, match=r"Failed to connect to bus; log in .*loginctl enable-linger"):
        systemd.install(made)
    assert list(systemd.unit_folder().iterdir()) == []
    monkeypatch.delenv("REFUSE")
    systemd.install(made)
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(EnvironmentLackError):
        systemd.install(replace(made, at=time(4, 5)))
    assert {path.name: path.read_text() for path in systemd.unit_folder().iterdir()} == systemd.units(made)


def test_a_machine_without_systemd(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(EnvironmentLackError, match="use `bench schedule cron`"):
        systemd.install(entry(tmp_path))
