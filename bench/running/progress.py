"""What a person sees of a run in progress: a live panel on a terminal, plain lines in a pipe.

Written to stderr, never to stdout. While a child is being timed nothing is drawn at all, so that the display
takes no part of a core that is being measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.record import Cell, Record
from bench.text import terminal_text
from bench.units import format_quantity, plural

TIMED_PHASES = frozenset({"cold", "warmup", "latency", "throughput", "energy", "memory"})
"""Phases during which nothing is drawn."""

REFRESH_S = 1.0
"""Between two drawings outside the timed phases."""


class Progress(Protocol):
    """What the runner tells, and when it may be called again."""

    def begin(self, run_id: str, total: int, done: int) -> None:
        """A run of `total` jobs begins, `done` of which were finished before."""

    def start(self, cell: Cell, process: int) -> None:
        """A job begins."""

    def phase(self, name: str) -> None:
        """The job enters a phase."""

    def tick(self) -> float | None:
        """Update the display; return the seconds until the next call, or None for none."""

    def finish(self, record: Record, *, reused_from: str | None = None) -> None:
        """A job is finished and stored."""

    def add(self, jobs: int) -> None:
        """That many further jobs will be done."""

    def leave_out(self, jobs: int) -> None:
        """That many jobs will not be done after all."""

    def tell(self, line: str) -> None:
        """A machine came or went, which the line says; it may come from any thread."""

    def end(self) -> None:
        """The run is over, or interrupted."""


class SilentProgress:
    """Shows nothing."""

    def begin(self, run_id: str, total: int, done: int) -> None:
        """Ignore the beginning."""

    def start(self, cell: Cell, process: int) -> None:
        """Ignore a job."""

    def phase(self, name: str) -> None:
        """Ignore a phase."""

    def tick(self) -> float | None:
        """Ask for no further call."""
        return None

    def finish(self, record: Record, *, reused_from: str | None = None) -> None:
        """Ignore a finished job."""

    def add(self, jobs: int) -> None:
        """Ignore further jobs."""

    def leave_out(self, jobs: int) -> None:
        """Ignore jobs that are left out."""

    def tell(self, line: str) -> None:
        """Ignore a line."""

    def end(self) -> None:
        """Ignore the end."""


@dataclass(slots=True)
class _Count:
    """How far a run is."""

    total: int = 0
    done: int = 0
    measured: int = 0
    """Jobs that ran here, not reused ones; their mean time is what the rest is expected to take."""
    measured_s: float = 0.0

    def add(self, record: Record, reused: bool) -> None:
        self.done += 1
        if not reused and record.wall_s:
            self.measured += 1
            self.measured_s += record.wall_s

    @property
    def remaining_s(self) -> float | None:
        return self.measured_s / self.measured * (self.total - self.done) if self.measured else None

    def line(self, record: Record, reused_from: str | None) -> str:
        width = len(str(self.total))
        taken = f"reused from {reused_from}" if reused_from else _time_taken(record)
        job = _job(record.cell, record.process)
        reason = terminal_text(record.reason or "", keep="")
        parts = (f"[{self.done:>{width}}/{self.total}] {job}", record.status, taken, reason)
        return "  ".join(part for part in parts if part)


def _time_taken(record: Record) -> str:
    return format_quantity(record.wall_s, "s") if record.wall_s else ""


def _job(cell: Cell, process: int) -> str:
    label = terminal_text(cell.label, keep="")
    return label if process == 0 else f"{label} (process {process + 1})"


def _opening(run_id: str, total: int, done: int) -> str:
    if not total:  # a race asks for its jobs round by round
        return f"run {run_id}" + (f": {plural(done, 'job')} finished before" if done else "")
    return f"run {run_id}: {plural(total, 'job')}" + (f", {done} of them finished before" if done else "")


class PlainProgress:
    """One line per finished job."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._count = _Count()

    def begin(self, run_id: str, total: int, done: int) -> None:
        """Write the opening line."""
        self._count = _Count(total, done)
        self._write(_opening(run_id, total, done))

    def start(self, cell: Cell, process: int) -> None:
        """Ignore a job that starts."""

    def phase(self, name: str) -> None:
        """Ignore a phase."""

    def tick(self) -> float | None:
        """Ask for no further call."""
        return None

    def finish(self, record: Record, *, reused_from: str | None = None) -> None:
        """Write the job's line: `[ 3/24] gpt2-small · status ok 4.10 s`."""
        self._count.add(record, reused_from is not None)
        self._write(self._count.line(record, reused_from))

    def add(self, jobs: int) -> None:
        """Count further jobs."""
        self._count.total += jobs

    def leave_out(self, jobs: int) -> None:
        """Stop counting the jobs."""
        self._count.total -= jobs

    def tell(self, line: str) -> None:
        """Write the line."""
        self._write(terminal_text(line, keep=""))

    def end(self) -> None:
        """Ignore the end."""

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class LiveProgress:
    """Finished jobs scroll by; below them a line shows the job, its phase, the time gone and that left."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._count = _Count()
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._job = ""
        self._phase = ""
        self._begun = self._drawn = clock()

    def begin(self, run_id: str, total: int, done: int) -> None:
        """Open the display."""
        self._count, self._begun = _Count(total, done), self._clock()
        self._console.print(_opening(run_id, total, done), highlight=False)
        self._live.start()

    def start(self, cell: Cell, process: int) -> None:
        """Show the job."""
        self._job, self._phase = _job(cell, process), "start"
        self._draw()

    def phase(self, name: str) -> None:
        """Show the phase; draw nothing new while it is a timed one."""
        self._phase = name
        self._draw()

    def tick(self) -> float | None:
        """Draw when the last drawing is old enough; None while the child is being timed."""
        if self._phase in TIMED_PHASES:
            return None
        wait_s = self._drawn + REFRESH_S - self._clock()
        if wait_s <= 0:
            self._draw()
            return REFRESH_S
        return wait_s

    def finish(self, record: Record, *, reused_from: str | None = None) -> None:
        """Let the job's line scroll by."""
        self._count.add(record, reused_from is not None)
        style = {"ok": "green", "settled": "green", "unsupported": "dim", "skipped": "dim"}.get(record.status, "red")
        line = Text(self._count.line(record, reused_from))
        line.highlight_words([f"  {record.status}  "], style)
        self._console.print(line)

    def add(self, jobs: int) -> None:
        """Count further jobs."""
        self._count.total += jobs

    def leave_out(self, jobs: int) -> None:
        """Stop counting the jobs."""
        self._count.total -= jobs

    def tell(self, line: str) -> None:
        """Let the line scroll by."""
        self._console.print(Text(terminal_text(line, keep="")))

    def end(self) -> None:
        """Close the display."""
        self._live.stop()

    def _draw(self) -> None:
        self._drawn = self._clock()
        self._live.update(self._panel(), refresh=True)

    def _panel(self) -> Table:
        left = self._count.remaining_s
        row = Table.grid(padding=(0, 2))
        row.add_row(
            Text(f"[{self._count.done + 1}/{self._count.total}] {self._job}", style="bold"),
            Text(self._phase),
            Text(f"{format_quantity(self._drawn - self._begun, 's')} gone"),
            Text("" if left is None else f"about {format_quantity(left, 's')} left"),
        )
        return row


def progress_for(stream: TextIO) -> Progress:
    """Choose the display that suits a stream."""
    if not stream.isatty():
        return PlainProgress(stream)
    return LiveProgress(Console(file=stream))
