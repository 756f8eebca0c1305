"""Run the steps one after another, each in a process of its own with a time limit, and keep what each has found.

Whatever happens to a step (an error, a crash, no end), the next one runs; and everything is on the disk before it does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from benchmarks.gpu.kit.report import html_page, markdown
from benchmarks.gpu.kit.rows import FILE, Row, read_rows

LIMIT_S = 9 * 60.0
CLOSING_S = 8.0
"""Kept back for the last report."""
GRACE_S = 5.0
"""From the request to end to the kill."""
TICK_S = 10.0
"""Between two looks at the rows of a step under way, so that a machine that is taken away takes little along."""

Ending = Literal["done", "failed", "timeout", "not reached", "running"]


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the kit."""

    name: str
    title: str
    budget_s: float
    """Seconds that it may take; less where the whole has less left."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a step."""

    step: Step
    ending: Ending
    seconds: float = 0.0
    said: str = ""
    """Last line of what a failed step printed."""


@dataclass(slots=True)
class Log:
    """All that is known so far."""

    folder: Path
    facts: dict[str, str]
    steps: list[Ended] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """Read what the steps wrote."""
        return read_rows(self.folder / FILE)

    @property
    def passed(self) -> bool:
        """Tell whether every step ended and no promise is broken."""
        return all(ended.ending == "done" for ended in self.steps) and all(row.verdict != "FAIL" for row in self.rows)

    def save(self) -> None:
        """Write JSON, Markdown and HTML, each whole or not at all."""
        rows = self.rows
        document = {
            "passed": self.passed,
            "facts": self.facts,
            "steps": [asdict(ended) for ended in self.steps],
            "rows": [asdict(row) for row in rows],
        }
        for name, text in (
            ("kit.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n"),
            ("kit.md", markdown(self.facts, self.steps, rows, self.passed)),
            ("kit.html", html_page(self.facts, self.steps, rows, self.passed)),
        ):
            new = self.folder / f"{name}.new"
            new.write_text(text, encoding="utf-8")
            new.replace(self.folder / name)


Launch = Callable[[Step, float, Callable[[], None]], Ended]
"""Runs one step for at most so many seconds, calls back now and then, and says how it ended."""


def run_steps(
    steps: Sequence[Step],
    log: Log,
    launch: Launch,
    *,
    limit_s: float = LIMIT_S,
    clock: Callable[[], float] = time.monotonic,
    since: float | None = None,
) -> Log:
    """Run all steps within the limit.

    Args:
        steps: in order.
        log: takes what they find.
        launch: runs one.
        limit_s: for all together.
        clock: in seconds.
        since: when the time began to run; now, unless given.
    """
    start = clock() if since is None else since
    for step in steps:
        left = limit_s - CLOSING_S - (clock() - start)
        if left <= 0:
            log.steps.append(Ended(step, "not reached", said="the time for the whole was over"))
        else:
            log.steps.append(Ended(step, "running"))
            log.save()
            log.steps[-1] = launch(step, min(step.budget_s, left), log.save)
        log.save()
    return log


def launched(command: Callable[[Step, float], Sequence[str]], output: Path, *, tick_s: float = TICK_S) -> Launch:
    """Make what runs a step as a process in a session of its own.

    Args:
        command: of a step with its seconds.
        output: file to which everything that is printed is appended.
        tick_s: between two calls back.
    """

    def launch(step: Step, seconds: float, tick: Callable[[], None]) -> Ended:
        with output.open("ab") as log:
            log.write(f"\n=== {step.name}: {step.title}, {seconds:.0f} s at most\n".encode())
            log.flush()
            before = output.stat().st_size
            start = time.monotonic()
            process = subprocess.Popen(
                command(step, seconds),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},  # else what it printed last may be an earlier line
            )
            ending = _wait(process, start + seconds, tick, tick_s)
            took = time.monotonic() - start
        said = "" if ending == "done" else _last_line(output, before)
        return Ended(step, ending, took, said)

    return launch


def _wait(process: subprocess.Popen[bytes], deadline: float, tick: Callable[[], None], tick_s: float) -> Ending:
    while (left := deadline - time.monotonic()) > 0:
        try:
            return "failed" if process.wait(min(left, tick_s)) else "done"
        except subprocess.TimeoutExpired:
            tick()
    end(process)
    return "timeout"


def end(process: subprocess.Popen[bytes], grace_s: float = GRACE_S) -> None:
    """End a process with all of its session's group: ask, wait, kill."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(path: Path, start: int) -> str:
    """Find the last line that a step printed."""
    with path.open("rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"


def each_for(steps: Sequence[Step], budget_s: float) -> list[Step]:
    """Give every step the same budget, for a dry run on a machine that has other things to do."""
    return [replace(step, budget_s=budget_s) for step in steps]
