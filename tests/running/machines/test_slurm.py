"""The page's script for Slurm: what it calls takes the options that it gives."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.pages import commands

pytest.importorskip("ray")
PAGE = Path(__file__).parents[3] / "docs" / "machines.md"


def names_of(command: object) -> set[str]:
    return {name for parameter in getattr(command, "params", ()) for name in parameter.opts}


def test_the_script_calls_ray_and_bench_as_they_are() -> None:
    """Ray's own options stand before what it hands on to `ray start`; the first node runs the command after `--`."""
    from ray.scripts.scripts import start
    from ray.scripts.symmetric_run import curate_and_validate_ray_start_args, symmetric_run

    section = PAGE.read_text().split("\n## Slurm\n")[1]
    [script] = re.findall(r"```text\n(#!/bin/bash\n.*?)```", section, re.DOTALL)[:1]
    [line] = [line for line in script.replace("\\\n", " ").splitlines() if line.startswith("srun")]
    words = shlex.split(line.replace("$", ""))
    words = words[words.index("symmetric-run") + 1 :]
    place = words.index("--")
    handed_on = curate_and_validate_ray_start_args(words[:place])
    assert {word.partition("=")[0] for word in handed_on} <= names_of(start)
    assert handed_on == ['--resources={"bench_machine": 1}']
    own = {word for word in words[:place] if word.startswith("--") and word not in handed_on}
    assert own == {"--address", "--min-nodes"} <= names_of(symmetric_run)
    assert words[place + 1 : place + 5] == ["python", "-m", "bench", "run"]
    run = commands()["run",]
    assert {word for word in words[place + 1 :] if word.startswith("--")} <= names_of(run)
