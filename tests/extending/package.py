"""A tiny package of a third party, put on Python's path as an installed one would be: modules and entry points.

`install` writes it and returns the environment in which `bench` finds it; nothing of bench is touched.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
EXPORT = "report latest --format json"
COMMANDS = """\
import contextlib, io, json, sys

from bench.__main__ import main

told = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    told.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""
"""Runs commands of bench, and prints exit code, output and messages of each."""


def install(
    folder: Path, entry_points: Mapping[str, Mapping[str, str]], *modules: Path | tuple[str, str]
) -> dict[str, str]:
    """Write a distribution into a folder.

    Args:
        folder: where; made if it is not there.
        entry_points: by group: name → `module:Class`.
        modules: files to copy, or pairs of a module's name and its text.

    Returns:
        Environment variables for a process that finds the distribution.
    """
    about = folder / "tiny_plug_in-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-plug-in\nVersion: 1.0\n")
    groups = (
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in points.items())])
        for group, points in entry_points.items()
    )
    (about / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    for module in modules:
        name, text = module if isinstance(module, tuple) else (module.stem, module.read_text(encoding="utf-8"))
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return environment(folder)


def environment(*folders: Path) -> dict[str, str]:
    """Make environment variables under which folders come first on Python's path, then the checkout."""
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}


def bench(folder: Path, variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `bench` in a folder; the caller looks at the exit code."""
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False)


def bench_all(folder: Path, variables: Mapping[str, str], *lines: str) -> list[str]:
    """Run commands of `bench` in a folder, one after another in one process; return what each printed.

    Args:
        folder: where.
        variables: of the process.
        lines: the commands without `bench`; each must go well.
    """
    told = ended_all(folder, variables, *lines)
    for line, (code, out, err) in zip(lines, told, strict=True):
        assert code == 0, f"{line}\n{out}{err}"
    return [out for _, out, _ in told]


def ended_all(folder: Path, variables: Mapping[str, str], *lines: str) -> list[tuple[int, str, str]]:
    """Run commands as `bench_all` does; return exit code, output and messages of each."""
    command = [sys.executable, "-c", COMMANDS, json.dumps([shlex.split(line) for line in lines])]
    done = subprocess.run(command, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False)
    told: list[tuple[int, str, str]] = json.loads(good(done))
    return told


def read_exported(printed: str) -> Any:
    """Return the numbers of a run as `bench report --format json`, which printed where, tells them."""
    return json.loads(Path(printed.strip()).read_text(encoding="utf-8"))


def good(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command printed, after checking that it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
