"""What a run is to the store: its description, its plan, and the records that belong to it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from bench.digest import content_hash
from bench.record import Record
from bench.store.addresses import redact
from bench.store.encoding import Document, Row, expect

RunStatus = Literal["running", "complete", "interrupted"]
"""`running` with nobody holding the run's lock means that its process was killed."""

ID_BYTES = 2
"""Random bytes at the end of a run's id, for runs of one second; the store tries again after a clash."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What was asked, where and when."""

    suite: str
    """The suite's name."""
    suite_text: str
    """YAML source as given."""
    suite_hash: str
    command: str
    machine_key: str
    """`bench.host`'s key of hardware and software: timings are only reused under the same one."""
    profile: str
    """Measuring profile."""
    plan: tuple[tuple[str, str], ...] = ()
    """Id and label of every cell, in the plan's order."""
    environment: Document = field(default_factory=dict)
    """`bench.host.fingerprint()` of the parent."""
    settings: Document = field(default_factory=dict)
    """JSON-able: objectives, constraints, decision, prices, … as dumped from the suite."""
    rerun: bool = False
    """Whether finished cells of earlier runs may not be reused."""
    id: str = ""
    """Given by the store."""
    started_at: str = ""
    """ISO 8601, UTC, with microseconds; given by the store when empty."""
    finished_at: str | None = None
    status: RunStatus = "running"
    restrictions: Document = field(default_factory=dict)
    """Options that left out a part of the suite, by name: `{"limit": 5, "only": "bert*"}`; empty for a whole run."""
    race: Document = field(default_factory=dict)
    """What the race came to (`bench.racing`); empty for a run that answered everything."""

    @property
    def is_partial(self) -> bool:
        """Tell whether options left out a part of the suite: such a run decides nothing about the suite."""
        return bool(self.restrictions)

    @property
    def restricted_by(self) -> str:
        """The options that left something out, as they are written: `--limit 5 --only bert*`."""
        restricted = {name: value if isinstance(value, list) else [value] for name, value in self.restrictions.items()}
        return " ".join(f"--{name} {value}" for name, values in restricted.items() for value in values)

    @property
    def cut_short(self) -> str | None:
        """What to know of a run that was interrupted: its answer is that of the cells that had run by then."""
        lacking = "interrupted: the cells that had not run by then are missing, and the same command goes on"
        return lacking if self.status == "interrupted" else None

    @property
    def plan_hash(self) -> str:
        """SHA-256 (hex) of the plan's ids and labels: options such as `--limit` and `--only` change it."""
        return content_hash([list(cell) for cell in self.plan])


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as read back."""

    info: RunInfo
    records: tuple[Record, ...]
    """In the plan's order, then by process."""
    reused: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(cell label, process) → id of the run that measured it, for records that this run did not measure."""
    gone: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(cell label, process) → why its samples and timings are no longer there, though they were."""
    summaries: tuple[Row, ...] = ()
    """Rows of the table `summaries`, where some are gone: what is left of them."""


def utc_now() -> datetime:
    """Read the time in UTC."""
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Make an id that sorts by time: `20261122-161530-9f3c`."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(ID_BYTES)}"


def run_row(info: RunInfo) -> dict[str, object]:
    """Make the row of a run, without its environment."""
    return {
        "id": info.id,
        "suite": info.suite,
        "suite_text": info.suite_text,
        "suite_hash": info.suite_hash,
        "plan_hash": info.plan_hash,
        "command": redact(info.command),
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        "status": info.status,
        "machine_key": info.machine_key,
        "profile": info.profile,
        "rerun": info.rerun,
        "plan": info.plan,
        "settings": info.settings,
        "restrictions": info.restrictions,
        "race": info.race,
    }


def run_from(row: Row, environment: object) -> RunInfo:
    """Read a run from its row, or from what the journal keeps of it.

    Raises:
        KeyError, TypeError, ValueError: it is not what `run_row` writes.
    """
    text = {name: expect(row, name, str) for name in _TEXTS}
    status = row["status"]
    if status not in get_args(RunStatus):
        raise ValueError(f"'status' is '{status}'")
    if not isinstance(environment, Mapping):
        raise TypeError("its environment is missing")
    return RunInfo(
        **text | {"command": redact(text["command"])},
        plan=tuple((str(cell_id), str(label)) for cell_id, label in expect(row, "plan", list)),
        environment=environment,
        settings=expect(row, "settings", dict),
        rerun=bool(row["rerun"]),
        finished_at=None if row["finished_at"] is None else expect(row, "finished_at", str),
        status=cast(RunStatus, status),
        restrictions=expect(row, "restrictions", dict) if "restrictions" in row else {},
        race=expect(row, "race", dict) if "race" in row else {},
    )


_TEXTS = ("suite", "suite_text", "suite_hash", "command", "machine_key", "profile", "id", "started_at")
