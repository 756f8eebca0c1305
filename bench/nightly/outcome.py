"""The outcome of a night: one value from which the page, the alert, the exit code and the last line are made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.errors import EXIT_CELL_FAILED, EXIT_DEADLINE, EXIT_OK, BenchError
from bench.gate.verdict import GateResult
from bench.record import WELL
from bench.running.runner import BAD
from bench.store import Document
from bench.store.files import write_file

FILE = "night.json"
SCHEMA_VERSION = 1
"""Of `night.json` and of what a webhook is sent."""
NAMED = 2
"""Failed cells that the last line names; the rest are counted."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """How one cell ended."""

    label: str
    model: str
    variant: str
    task: str
    status: str
    reason: str | None
    wall_s: float
    """Of all its processes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A night, whole or cut short."""

    suite: str
    run_id: str
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str
    cells: tuple[CellResult, ...]
    planned: int
    """Cells that the suite stands for."""
    cut: str | None
    """Why not everything was measured; None when everything was."""
    gate: GateResult | None
    """None when it could not be asked; `problems` says why."""
    problems: tuple[str, ...] = ()
    """What went wrong beside the cells: storage, pages, alerts."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """Name → path, or address where results lie in an object store."""
    done: bool = False
    """Whether everything was done, the alert included; a night that was killed before is resumed here."""

    @property
    def counts(self) -> dict[str, int]:
        """Count the cells by status."""
        return dict(Counter(cell.status for cell in self.cells))

    @property
    def failed(self) -> tuple[CellResult, ...]:
        """List the cells that ended badly."""
        return tuple(cell for cell in self.cells if cell.status in BAD)

    @property
    def verdict(self) -> str:
        """Return the gate's verdict, or `unknown` where the gate could not be asked."""
        return "unknown" if self.gate is None else self.gate.verdict

    @property
    def exit_code(self) -> int:
        """Return 6 for a regression, 5 for a failed cell, 8 for a night cut by the deadline, 1 for any other problem,
        else 0."""
        if self.gate is not None and self.gate.exit_code:
            return self.gate.exit_code
        if self.failed:
            return EXIT_CELL_FAILED
        if self.cut:
            return EXIT_DEADLINE
        return BenchError.exit_code if self.problems else EXIT_OK

    @property
    def is_problem(self) -> bool:
        """Tell whether somebody should look: the exit code is bad, a suspicion was not refuted, or a trend alarms."""
        alarmed = self.gate is not None and any(alarm.worse for alarm in self.gate.alarms)
        return self.exit_code != EXIT_OK or self.verdict == "suspected" or alarmed

    @property
    def sentence(self) -> str:
        """Say in one line what a person wants to read in the morning."""
        return f"{self.suite}: {self.findings}"

    @property
    def findings(self) -> str:
        """Say what happened, without the suite's name."""
        parts = []
        if self.cut:
            done = sum(cell.status in (*WELL, "unsupported") for cell in self.cells)
            parts.append(f"Stopped: {self.cut}; {done} of {self.planned} cells are done.")
        if self.failed:
            named = "; ".join(f"{cell.label} {cell.status}" for cell in self.failed[:NAMED])
            more = f" and {len(self.failed) - NAMED} more" if len(self.failed) > NAMED else ""
            parts.append(f"{len(self.failed)} of {self.planned} cells failed: {named}{more}.")
        parts.append(self.gate.sentence if self.gate is not None else "The gate could not be run.")
        if self.problems:
            parts.append(
                f"Trouble: {self.problems[0]}" + (f" (and {len(self.problems) - 1} more)" * (len(self.problems) > 1))
            )
        return " ".join(parts)

    def to_json(self) -> dict[str, object]:
        """Return everything as JSON-able values."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "findings": self.findings,
            "exit_code": self.exit_code,
            "counts": self.counts,
            **asdict(self),
        }

    def brief(self) -> dict[str, object]:
        """Collect what an alert carries: `text` for chats (Slack and Mattermost read it), the rest for programs."""
        lines = () if self.gate is None else self.gate.lines
        return {
            "schema_version": SCHEMA_VERSION,
            "text": self.sentence,
            "suite": self.suite,
            "run_id": self.run_id,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "counts": self.counts,
            "cut": self.cut,
            "baseline": None if self.gate is None else self.gate.baseline,
            "changes": [asdict(line) for line in lines if line.verdict in ("regressed", "suspected", "improved")],
            "alarms": [] if self.gate is None else [asdict(alarm) for alarm in self.gate.alarms],
            "failed": [asdict(cell) for cell in self.failed],
            "problems": list(self.problems),
            "pages": dict(self.pages),
        }


def write_outcome(outcome: Outcome, folder: Path) -> Path:
    """Write the night's file, and return its path."""
    path = folder / FILE
    write_file(path, json.dumps(outcome.to_json(), indent=1, ensure_ascii=False))
    return path


def read_outcome(folder: Path) -> Document | None:
    """Read the JSON of a night's folder; None when there is none, or when bench did not write it."""
    try:
        return parsed_outcome((folder / FILE).read_bytes())
    except OSError:
        return None


def parsed_outcome(content: bytes) -> Document | None:
    """Read the content of a night's file; None when bench did not write it."""
    try:
        outcome = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(outcome, dict) and all(isinstance(outcome.get(name), kind) for name, kind in READ.items())
    return outcome if is_whole else None


READ: Mapping[str, type] = {"verdict": str, "sentence": str, "counts": dict, "planned": int}
"""What is read back of a night's file, with the type of each."""
