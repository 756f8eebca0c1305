"""No command prints or keeps the password of an address, in whatever spelling."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bench.__main__ import main
from bench.cli import bench
from tests.store.test_addresses import ADDRESSES, SECRET

SUITE = """\
name: s
models: [{name: m, family: baseline, strategy: majority}]
tasks: [{name: t, kind: classification, data: {path: rows.jsonl}, labels: [a, b]}]
measure: off
"""
TEN = [*ADDRESSES[:9], "host=127.0.0.1 user=me password=hunter22 dbname=name"]
WORDS = {"suite": "suite.yaml", "base": "a", "candidate": "b", "name": "good", "what": "runs", "kind": "runs"}
"""What stands for a positional argument that a command needs."""
SLOW = ("run", "nightly")
"""Commands that open the store after a second of other work."""
NEEDED = {"--keep-nights": "3", "--at": "02:30"}


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk every command that takes `--store`."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif command is not None and any(parameter.name == "store_url" for parameter in command.params):
            yield (*before, name), command


def arguments_of(command: click.Command) -> list[str]:
    """Write what a command cannot do without."""
    words: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.required:
            choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
            words.append(str(choices[0]) if choices else WORDS.get(str(parameter.name), "latest"))
        elif isinstance(parameter, click.Option) and parameter.opts[-1] in NEEDED:
            words += [parameter.opts[-1], NEEDED[parameter.opts[-1]]]
    return words


COMMANDS = {" ".join(words): (words, command) for words, command in commands(bench)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "rows.jsonl").write_text('{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept_in(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_shows_or_keeps_the_password_of_a_store_that_is_not_there(
    name: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words, command = COMMANDS[name]
    for address in TEN[4:5] if name in SLOW else TEN:
        main([*words, *arguments_of(command), "--store", address, "--results", "results"])
        printed = capfd.readouterr()
        assert SECRET not in printed.out + printed.err, address
        assert "Traceback" not in printed.err, address
        assert kept_in(place) == [], address


@pytest.mark.parametrize("spelling", ["?password=hunter22&timeout=5", "?sslpass%77ord=hunter22"])
def test_neither_does_a_command_whose_store_can_be_opened_or_refuses_a_parameter(
    spelling: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address = f"sqlite:///{place}/own.db{spelling}"
    for words in (["run", "suite.yaml"], ["ls", "runs"], ["report", "-o", "report.html"], ["store", "check"]):
        main([*words, "--store", address, "--results", "results"])
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err and "Traceback" not in printed.err
    assert kept_in(place) == []
