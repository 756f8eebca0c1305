"""The Markdown pages as the tests read them: blocks, inline code, links; and the folder in which commands are tried."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import click
from ruamel.yaml import YAML

import bench.cli
from bench.__main__ import main
from bench.host import caches
from tests.checkpoints import LABELS, make_checkpoint

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

BRIEFLY = "{profile: quick, window_s: 0.1, energy: 'off'}"
"""How the suites of the pages are measured where their commands are tried."""

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")

TOPICS = ("billing", "delivery", "returns")
MAILS = {
    "billing": ("the invoice is wrong", "my card was charged twice", "please send the invoice again"),
    "delivery": ("where is my parcel", "the courier never came", "the parcel is late"),
    "returns": ("I want a refund", "how do I return this", "the return label is missing"),
}


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    """`console`, `yaml`, `python`, `toml`, `json` or `text`."""
    about: str
    """`slow`, `checked`, a file's name, or `suite` and `recipe` for a part of one; empty for none of them."""
    text: str

    @property
    def lines(self) -> list[str]:
        """The commands, without comments."""
        return [line for line in (raw.split(" #")[0].strip() for raw in self.text.splitlines()) if line]


def blocks(page: Path) -> list[Block]:
    """Read the blocks of a page, in order."""
    found = []
    for info, text in BLOCK.findall(page.read_text()):
        language, _, about = info.partition(" ")
        found.append(Block(language, about.strip(), text))
    return found


def inline_code(page: Path) -> list[str]:
    """List what stands between backticks outside of the blocks."""
    return INLINE.findall(BLOCK.sub("", page.read_text()))


def links(page: Path) -> list[str]:
    """List the targets of the links that lead to files of this repository."""
    return [target for target in LINK.findall(BLOCK.sub("", page.read_text())) if "://" not in target]


def commands() -> dict[tuple[str, ...], click.Command]:
    """Walk the commands, and the commands of the groups among them."""
    context = click.Context(bench.cli.bench)
    found: dict[tuple[str, ...], click.Command] = {}
    for name in bench.cli.COMMANDS:
        command = bench.cli.bench.get_command(context, name)
        assert command is not None
        found[(name,)] = command
        if isinstance(command, click.Group):
            found |= {(name, below): inner for below, inner in command.commands.items()}
    return found


def check_command(line: str) -> None:
    """Parse a command line as bench would, without running it; a mistake raises `click.UsageError`."""
    words = shlex.split(line)
    assert words[0] == "bench"
    known = commands()
    path = tuple(words[1:3]) if tuple(words[1:3]) in known else tuple(words[1:2])
    if not path or path[0].startswith("-"):
        return
    assert path in known, f"there is no command {' '.join(path)}"
    known[path].make_context(" ".join(path), words[1 + len(path) :])


def prepare(folder: Path, made: Path) -> None:
    """Fill a folder with what the pages take for granted: data, checkpoints, and their common suite and recipe."""
    rows = [
        {"text": f"{text}, order {number}", "label": topic}
        for number in range(7)
        for topic, texts in MAILS.items()
        for text in texts
    ]
    content = "\n".join(map(json.dumps, rows))
    (folder / "topic.jsonl").write_text(content)
    (folder / "splits").mkdir()
    for split in ("train", "validation", "test"):
        marked = content.replace("order", f"{split} order")
        (folder / "splits" / f"{split}.jsonl").write_text(marked)
    shutil.copytree(made, folder / "checkpoints")
    for name, text in whole_files().items():
        (folder / name).write_text(text.replace("{profile: quick}", BRIEFLY))


def make_checkpoints(folder: Path) -> Path:
    """Write tiny models of the names that the pages use, and return their folder."""
    target = folder / "checkpoints"
    for family, name in (("encoder", "bert-topic"), ("causal-lm", "gpt2")):
        make_checkpoint(family, folder / "made").rename(_parent(target / name))
    config = target / "bert-topic" / "config.json"
    values = json.loads(config.read_text())
    names = dict(zip(LABELS, TOPICS, strict=True))
    values["id2label"] = {number: names[label] for number, label in values["id2label"].items()}
    values["label2id"] = {names[label]: number for label, number in values["label2id"].items()}
    config.write_text(json.dumps(values))
    return target


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def whole_files() -> dict[str, str]:
    """Collect the files that the pages show whole, by name."""
    return {block.about: block.text for page in PAGES for block in blocks(page) if "." in block.about}


def merged(base: str, part: str) -> dict[str, Any]:
    """Put the keys of a part over those of a whole YAML file."""
    parser = YAML(typ="safe")
    return {**parser.load(base), **parser.load(part)}


def run_lines(lines: Sequence[str], folder: Path) -> Iterator[tuple[str, subprocess.CompletedProcess[str]]]:
    """Run commands one after another in a folder, with a home of its own, and what is kept in caches shared.

    Those of bench are called in this process, which has imported what they import, and whose server of cells stays.
    """
    home = {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(caches.folder().parent)}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "bench":
            yield line, _call(lambda words=words: main(words[1:]), words, folder, home)
        else:
            command = ["/bin/sh", "-c", line]
            environment = os.environ | home
            yield (
                line,
                subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False),
            )


def run_python(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, as `python -c` would, in this process."""

    def script() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            exec(compile(text, "<script>", "exec"), {"__name__": "__main__"})
        return 0

    return _call(script, ["python"], folder, {})


def _call(
    work: Callable[[], int], words: list[str], folder: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Do something in this process as a process in a folder would."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, variables),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = work()
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
