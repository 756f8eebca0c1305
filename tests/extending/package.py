"""A tiny package of a third party, put on Python's path as an installed one would be: modules and entry points.

`install` writes it and returns the environment in which `bench` finds it; nothing of bench is touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


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


def exported(folder: Path, variables: Mapping[str, str], run: str = "latest") -> Any:
    """Return the numbers of a run as its JSON report tells them."""
    path = good(bench(folder, variables, "report", run, "--format", "json")).strip()
    return json.loads(Path(path).read_text(encoding="utf-8"))


def good(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command printed, after checking that it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
