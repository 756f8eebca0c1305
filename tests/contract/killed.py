"""Kills the process of each family's model while it answers, and tells what that left; run as a module by
`test_contract`, in a process whose server has imported torch once for all of them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.running.executors.base import Call
from bench.running.executors.local import LocalExecutor
from bench.running.server import MEASURING
from bench.suite import CellJob

TARGET = "tests.contract.killed:answer"
OWN = ("tests.checkpoints", "tests.contract.makers")
"""What the server imports too, once for all families."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What a killed process left."""

    failure: str
    """What the executor says of it."""
    files: list[str]
    """That were not there before."""
    processes: list[int]
    """That descend from it, or are it, and still run."""
    scores_after: list[tuple[float, ...]]
    """What the next process of the same model answered."""


def answer(job: CellJob, notify: Callable[[str], None], pids: Path | None = None) -> list[tuple[float, ...]]:
    """Load a model and let it answer; die in the middle where the process is to leave its ids first."""
    from tests.checkpoints import TEXTS
    from tests.contract.makers import loaded

    answers = loaded(job).classify(list(TEXTS))
    if pids is not None:
        own = psutil.Process()
        pids.write_text(" ".join(str(each.pid) for each in (own, *own.children(recursive=True))))
        os.kill(os.getpid(), signal.SIGKILL)
    return [tuple(each.scores) for each in answers]


def kill(executor: LocalExecutor, job: CellJob, place: Path) -> Killed:
    """Kill one, and start the next."""
    log, pids = place / "log", place / "pids"

    def files() -> set[str]:
        return {str(path) for path in Path(tempfile.gettempdir()).rglob("*")} - {str(log), str(pids)}

    before = files()
    failed = executor.attempt(Call(TARGET, {"job": job, "pids": pids}, log))
    left = sorted(files() - before)
    running = [pid for pid in map(int, pids.read_text().split()) if psutil.pid_exists(pid)]
    again = executor.attempt(Call(TARGET, {"job": job}, log))
    assert again.failure is None, again.failure
    return Killed(str(failed.failure), left, running, list(again.value))


def main() -> None:
    """Kill the process of every job in a folder."""
    place = Path(sys.argv[1])
    jobs: dict[str, CellJob] = pickle.loads((place / "jobs").read_bytes())
    with closing(LocalExecutor(preload=(*MEASURING, *OWN))) as executor:
        executor.attempt(Call(TARGET, {"job": next(iter(jobs.values()))}, place / "log"))  # which starts the server
        told = {family: kill(executor, job, place) for family, job in jobs.items()}
    (place / "told").write_bytes(pickle.dumps(told))


if __name__ == "__main__":
    from tests.contract import killed

    killed.main()
