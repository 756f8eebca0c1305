"""The crontab: one block of bench's own, and not a byte of anything else."""

import shlex
import subprocess
from dataclasses import replace
from datetime import time

import pytest

from bench.errors import EnvironmentLackError, StoreError
from bench.schedule import crontab
from tests.schedule.entries import ODD, entry, put_command

FAKE = """\
case "$1" in
  -l) cat "$TABLE" 2>/dev/null || { echo "no crontab for $USER" >&2; exit 1; } ;;
  -r) rm "$TABLE" ;;
  -) cat > "$TABLE" ;;
esac
"""
OTHERS = "MAILTO=me\n# mine\n\n5 4 * * *  echo 'a \\% b'\t\n"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The file behind a crontab command of the test's own."""
    put_command(tmp_path / "bin", "crontab", FAKE)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("TABLE", str(tmp_path / "table"))
    return tmp_path / "table"


@pytest.fixture
def made(tmp_path):
    return entry(tmp_path)


def test_installing_twice_is_installing_once_and_moves_the_time(table, made):
    table.write_text(OTHERS)
    crontab.install(made)
    once = table.read_text()
    assert once == OTHERS + crontab.render(made)
    crontab.install(made)
    assert table.read_text() == once
    crontab.install(replace(made, at=time(4, 5)))
    assert table.read_text() == once.replace("30 2 * * *", "5 4 * * *")


def test_removing_leaves_every_other_byte(table, made):
    table.write_text(OTHERS)
    crontab.install(made)
    table.write_text(table.read_text() + "# after\n1 1 * * * true\n")
    crontab.install(replace(made, suite="other"))
    assert crontab.remove(made)
    assert crontab.remove(replace(made, suite="other"))
    assert table.read_text() == OTHERS + "# after\n1 1 * * * true\n"
    assert not crontab.remove(made)


def test_a_user_without_a_crontab_has_none_again_afterwards(table, made):
    assert not crontab.remove(made)
    crontab.install(made)
    assert crontab.remove(made)
    assert not table.exists()


def test_a_last_line_without_an_end_stays_a_line(table, made):
    table.write_text("1 1 * * * true")
    crontab.install(made)
    assert table.read_text().splitlines()[0] == "1 1 * * * true"


@pytest.mark.parametrize("damage", [lambda lines: lines[1:], lambda lines: lines[:-1], lambda lines: lines * 2])
def test_a_damaged_block_is_refused_and_nothing_is_deleted(table, made, damage):
    block = crontab.render(made).splitlines(keepends=True)
    table.write_text("".join(["1 1 * * * true\n", *damage(block), "2 2 * * * true\n"]))
    before = table.read_text()
    for act in (crontab.install, crontab.remove):
        with pytest.raises(StoreError, match="crontab -e"):
            act(made)
    assert table.read_text() == before


def test_the_line_says_to_the_shell_what_was_meant(tmp_path):
    base = tmp_path / ODD
    made = entry(base, suite=str(base / "s.yaml"))
    [_, line, _] = crontab.render(made).splitlines()
    assert "%" not in line.replace("\\%", "")
    words = shlex.split(line.removeprefix("30 2 * * * ").replace("\\%", "%"))
    secrets = str(made.environment)
    read = ["set", "-a", "&&", "{", "[", "!", "-r", secrets, "]", "||", ".", f"{secrets};", "}", "&&", "set", "+a"]
    assert [word.rstrip(";") for word in words] == [
        "{",
        "cd",
        str(base),
        "&&",
        *(word.rstrip(";") for word in read),
        "&&",
        *made.command,
        "}",
        ">>",
        str(made.log),
        "2>&1",
    ]


@pytest.mark.parametrize("there", [True, False])
def test_the_night_has_the_secrets_of_the_users_file(tmp_path, monkeypatch, there):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ODD))
    put_command(tmp_path / "bin", "python", 'echo "${BENCH_WEBHOOK-none}"\n')
    made = entry(tmp_path)
    if there:
        made.environment.parent.mkdir(parents=True)
        made.environment.write_text("BENCH_WEBHOOK='https://chat.example/hooks/a?b=c&d'\n")
    made.log.parent.mkdir()
    line = crontab.render(made).splitlines()[1].removeprefix("30 2 * * * ").replace("\\%", "%")
    subprocess.run(["/bin/sh", "-c", line], check=True)
    assert made.log.read_text().strip() == ("https://chat.example/hooks/a?b=c&d" if there else "none")


def test_a_night_that_its_secrets_keep_from_starting_says_so_in_its_log(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = entry(tmp_path)
    made.environment.parent.mkdir(parents=True)
    made.environment.write_text("BENCH_WEBHOOK='https://chat.example\n")
    made.log.parent.mkdir()
    line = crontab.render(made).splitlines()[1].removeprefix("30 2 * * * ").replace("\\%", "%")
    assert subprocess.run(["/bin/sh", "-c", line], check=False).returncode
    assert str(made.environment) in made.log.read_text()


def test_a_refusal_is_said(table, made, tmp_path):
    put_command(tmp_path / "bin", "crontab", 'echo "You (u) are not allowed to use this program" >&2; exit 1\n')
    with pytest.raises(EnvironmentLackError, match=r"cannot be read: You .u. are not allowed"):
        crontab.install(made)


def test_a_machine_without_cron(made, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentLackError, match="no crontab command; install cron"):
        crontab.install(made)
