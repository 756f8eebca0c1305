"""Whatever goes wrong in a command is one message and an exit code: no traceback, no raw control character."""

from __future__ import annotations

import ast
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import bench.cli
from bench.__main__ import main
from bench.cli.failure import DEBUG

FOLDER = Path(bench.cli.__file__).parent


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Answer Ctrl-C as Python does, here and in child processes; a shell lets what it starts with `&` ignore it.

    Nothing is collected meanwhile: a test run's finalisers, which are many, could be what the interrupt falls into.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """`bench ls` fails in a way that nobody foresaw; the folder takes its log."""

    @click.command()
    @click.argument("what", required=False)
    def ls(what: str) -> None:
        raise RuntimeError("first line\nsecond \x1b[31m line")

    monkeypatch.setattr("bench.cli.listing.ls", ls)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv(DEBUG, raising=False)
    return tmp_path


def test_an_unforeseen_error_is_one_line_and_a_file(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 1
    (log,) = broken.glob("bench-error-*.log")
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and "\x1b" not in told.err
    assert str(log) in told.err and "RuntimeError" in told.err and "Traceback" not in told.err
    assert "Traceback" in log.read_text() and "first line" in log.read_text()


def test_no_password_is_told_or_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def ls() -> None:
        raise RuntimeError("cannot reach postgresql://me:secret@host/name")

    monkeypatch.setattr("bench.cli.listing.ls", ls)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["ls"]) == 1
    (log,) = tmp_path.glob("bench-error-*.log")
    assert "secret" not in capsys.readouterr().err + log.read_text()


def test_a_variable_shows_the_traceback(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG, "1")
    assert main(["ls"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_without_a_place_for_the_file_the_line_says_so(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(broken / "missing"))
    assert main(["ls"]) == 1
    assert DEBUG in capsys.readouterr().err


def test_an_interrupt_that_became_another_error_is_still_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def ls() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as error:
            raise ImportError("half of a module") from error

    monkeypatch.setattr("bench.cli.listing.ls", ls)
    assert main(["ls"]) == 130
    assert capsys.readouterr().err == "bench: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_command_says_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def ls() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("bench.cli.listing.ls", ls)
    assert main(["ls"]) == 130
    assert capsys.readouterr().err == "bench: interrupted\n"


IMPORTING = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["bench", "validate", "quickstart"]
from bench.__main__ import entry
sys.exit(entry())
"""


@pytest.mark.parametrize("module", ["click", "bench.errors", "bench.planning", "pydantic", "numpy", "ruamel.yaml"])
def test_an_interrupt_while_importing(module: str) -> None:
    code = IMPORTING.format(name=module)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "bench: interrupted\n")


def test_an_interrupt_inside_a_generated_class_is_no_death_by_signal() -> None:
    code = IMPORTING.format(name="click").replace(
        "os.kill(os.getpid(), signal.SIGINT)", "exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "bench: interrupted\n")


def test_an_interrupt_is_no_death_by_signal_where_a_thread_would_take_it(tmp_path: Path) -> None:
    """Python sends itself the signal at the end of `python -m`, and what the main thread holds back others do not."""
    code = """\
import sys, threading, time
import bench.__main__ as program

def run(arguments):
    exec("raise KeyboardInterrupt")

threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
program._run = run
sys.exit(program.entry())
"""
    (tmp_path / "interrupted.py").write_text(code)
    command = [sys.executable, "-m", "interrupted"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, ended.stderr) == (130, "bench: interrupted\n")


def test_mistakes_on_the_command_line_show_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["\x1b[31m"], ["ls", "\x1b[31m"], ["show", "--\x1b[31m"], ["validate", "\x1b[31m.yaml"]):
        assert main(words) == 2
        assert "\x1b" not in capsys.readouterr().err


def test_every_command_prints_through_the_one_module() -> None:
    printing = {"echo", "secho", "print"}
    for path in FOLDER.glob("*.py"):
        if path.name in ("output.py", "__init__.py"):  # the latter prints the version alone
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                assert name not in printing, f"{path.name}:{node.lineno}"
