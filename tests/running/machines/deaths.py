"""Kills a worker of a cluster, a whole node and the driver in the middle of a run, and lets the same command go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.store import Store
from tests.running.machines.driver import main, pids, until

PATIENCE_S = 600.0
"""Far beyond what is needed; reached only when the code is wrong."""


def kill_all_three(node: Any, folder: Path, cells: int, wait_s: float) -> None:
    """Do it, and hold that nothing finished is lost, and nothing is left running.

    Args:
        node: of the cluster, which is killed.
        folder: for results and traces.
        cells: of the run.
        wait_s: seconds that each takes.
    """
    trace, results = folder / "trace", folder / "results"
    trace.mkdir()
    first = driver(results, trace, cells, wait_s)
    until(lambda: len(pids(trace)) >= 4, "four jobs began", PATIENCE_S)
    raylet = raylet_of(node)
    theirs = [pid for pid in agents() if parent_of(pid) == raylet]
    for pid in [next(pid for pid in agents() if pid not in theirs), raylet, *theirs]:  # a worker, and a whole node
        os.kill(pid, signal.SIGKILL)
    trace.with_name("killed").touch()
    told = said_by(first, lambda told: "is gone" in told and "is started again" in told and "  ok" in told)
    first.kill()
    first.communicate()
    until(lambda: not agents() and not any(map(alive, pids(trace))), "they end with it", PATIENCE_S)
    trace.with_name("over").touch()
    before = {(record.cell.label, record.started_at) for record in records(results)}
    assert 0 < len(before) < cells, told
    assert main(str(results), str(trace), str(cells), str(wait_s)) == 0  # the same run, in this process
    after = {(record.cell.label, record.started_at) for record in records(results)}
    assert len(after) == cells
    assert before < after
    assert {record.status for record in records(results)} == {"ok"}


def kill_soon(node: Any, trace: Path, jobs: int) -> None:
    """Kill a node of a cluster with all that runs there, as soon as so many jobs have begun."""
    until(lambda: len(pids(trace)) >= jobs, f"{jobs} jobs began", PATIENCE_S)
    raylet = raylet_of(node)
    theirs = [pid for pid in agents() if parent_of(pid) == raylet]
    for pid in [raylet, *theirs]:
        os.kill(pid, signal.SIGKILL)
    trace.with_name("killed").touch()


def raylet_of(node: Any) -> int:
    """Find the process of a node that starts all others there."""
    return int(next(info[0].process.pid for kind, info in node.all_processes.items() if kind == "raylet"))


def driver(results: Path, trace: Path, cells: int, wait_s: float) -> subprocess.Popen[str]:
    """Start a run in a process of its own."""
    words = [str(results), str(trace), str(cells), str(wait_s)]
    command = [sys.executable, "-m", "tests.running.machines.driver", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def alive(pid: int) -> bool:
    """Tell whether a process runs, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent_of(pid: int) -> int:
    """Find the parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def agents() -> list[int]:
    """List the processes of bench's agents."""
    named = (path for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != str(os.getpid()))
    agents_there = []
    for path in named:
        try:
            if path.read_bytes().startswith(b"ray::Agent"):
                agents_there.append(int(path.parent.name))
        except OSError:
            continue
    return agents_there


def records(results: Path) -> list[Record]:
    """Read the records of the latest run."""
    with Store.open(results) as store:
        return list(store.load().records)


def said_by(run: subprocess.Popen[str], enough: Callable[[str], bool]) -> str:
    """Read what a run tells until it is enough."""
    assert run.stderr is not None
    told = ""
    while not enough(told):
        line = run.stderr.readline()
        assert line, told
        told += line
    return told
