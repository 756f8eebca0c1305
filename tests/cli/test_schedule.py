"""`bench schedule`: what it prints, installs and refuses."""

import shlex
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from tests.schedule.entries import put_command
from tests.schedule.test_crontab import FAKE


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_STORE", raising=False)
    return tmp_path


@pytest.mark.parametrize("kind", ["systemd", "cron", "github", "gitlab", "kubernetes"])
def test_every_kind_prints_its_entry_and_writes_nothing(kind, folder, capsys):
    assert main(["schedule", kind, "quickstart", "--at", "04:05"]) == 0
    said = capsys.readouterr().out
    assert "5 4 * * *" in said or "OnCalendar=*-*-* 04:05:00" in said
    assert "quickstart" in said
    assert list(folder.iterdir()) == []


def test_paths_of_this_machine_are_absolute(folder, capsys):
    Path("my suite.yaml").write_text(
        "name: x\nmodels: [{name: f, family: baseline, strategy: majority}]\n"
        "tasks: [{name: t, kind: classification, data: {path: t.jsonl}}]\n"
    )
    assert main(["schedule", "cron", "my suite.yaml", "--results", "out", "--deadline", "6:00"]) == 0
    [_, line, _] = capsys.readouterr().out.splitlines()
    words = shlex.split(line.removeprefix("30 2 * * * "))
    assert words[:4] == ["{", "cd", str(folder), "&&"]
    assert words[words.index(sys.executable) :] == [
        sys.executable,
        "-m",
        "bench",
        "nightly",
        str(folder / "my suite.yaml"),
        "--results",
        str(folder / "out"),
        "--deadline",
        "06:00;",
        "}",
        ">>",
        str(folder / "out/nightly.log"),
        "2>&1",
    ]


PLACE = ["--results", "s3://bench/team", "--store", "postgresql+psycopg://me@h/n"]


@pytest.mark.parametrize("kind", [["systemd"], ["cron"], ["kubernetes", "--ray"]])
def test_an_object_store_stays_its_address(kind, folder, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert main(["schedule", *kind, "quickstart", *PLACE]) == 0
    words = capsys.readouterr().out.replace('"', "").split()
    assert words[words.index("--results") + 1] == "s3://bench/team"


@pytest.mark.parametrize("kind", ["systemd", "cron"])
def test_an_object_store_without_a_database_is_told_of(kind, folder, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert main(["schedule", kind, "quickstart", *PLACE[:2]]) == 0
    assert "BENCH_STORE" in capsys.readouterr().err
    assert main(["schedule", kind, "quickstart", *PLACE]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["github", "gitlab", "kubernetes"])
def test_where_a_folder_is_wanted_an_object_store_is_refused(kind, folder, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert main(["schedule", kind, "quickstart", *PLACE]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "--results s3://bench/team: " in shown.err and shown.err.count("\n") == 1


def test_install_and_remove_even_when_the_suite_is_gone(folder, capsys, monkeypatch):
    put_command(folder / "bin", "crontab", FAKE)
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    monkeypatch.setenv("TABLE", str(folder / "table"))
    assert main(["schedule", "cron", "quickstart", "--install"]) == 0
    assert "every day at 02:30; it writes to" in capsys.readouterr().out
    assert "nightly quickstart" in (folder / "table").read_text()
    assert main(["schedule", "cron", "quickstart", "--remove"]) == 0
    assert main(["schedule", "cron", "quickstart", "--remove"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["removed", "was not installed"]
    assert main(["schedule", "cron", "gone.yaml", "--remove"]) == 0


@pytest.mark.parametrize("kind", ["systemd", "cron", "github", "gitlab", "kubernetes"])
def test_every_kind_hands_the_baseline_on(kind, capsys):
    assert main(["schedule", kind, "quickstart", "--baseline", "tag:good"]) == 0
    words = capsys.readouterr().out.replace('"', "").replace("- ", "").replace(";", " ").split()
    assert words[words.index("--baseline") + 1] == "tag:good"


@pytest.mark.parametrize(("lingers", "said"), [("no", "loginctl enable-linger"), ("yes", "")])
def test_a_timer_that_ends_with_the_session_is_told_of(lingers, said, folder, capsys, monkeypatch):
    put_command(folder / "bin", "systemctl", "exit 0\n")
    put_command(folder / "bin", "loginctl", f"echo {lingers}\n")
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=":")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    assert main(["schedule", "systemd", "quickstart", "--install"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("installed:") and said in shown.err and bool(said) is bool(shown.err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cron", "quickstart", "--at", "25:00"], "--at: '25:00' is no time of day; write it as HH:MM"),
        (["cron", "quickstart", "--deadline", "8h"], "--deadline: '8h' is no time of day"),
        (["cron", "quickstrat"], "did you mean 'quickstart'?"),
        (["cron", "gone.yaml"], "there is no such file"),
        (["gitlab", "quickstart", "--install"], "--install is for systemd and cron"),
        (["github", "quickstart", "--image", "x"], "--image has no effect with github"),
        (["launchd", "quickstart"], "'launchd' is not one of"),
    ],
)
def test_what_is_wrong_is_said(arguments, said, capsys):
    assert main(["schedule", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_password_stands_in_no_entry(capsys):
    for kind in ("cron", "systemd", "github", "gitlab", "kubernetes"):
        assert main(["schedule", kind, "quickstart", "--store", "postgresql+psycopg://me:pa55word@h/n"]) == 0
        printed = capsys.readouterr()
        assert "pa55word" not in printed.out
        assert ("BENCH_STORE" in printed.err) == (kind in ("cron", "systemd"))
    assert main(["schedule", "cron", "quickstart", "--store", "postgresql+psycopg://me@h/n"]) == 0
    assert capsys.readouterr().err == ""
