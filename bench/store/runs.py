"""What a run is to the store: its description, its plan, and the records that belong to it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bench.digest import content_hash
from bench.record import Record

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
    environment: Mapping[str, Any] = field(default_factory=dict)
    """`bench.host.fingerprint()` of the parent."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able: objectives, constraints, decision, prices, … as dumped from the suite."""
    rerun: bool = False
    """Whether finished cells of earlier runs may not be reused."""
    id: str = ""
    """Given by the store."""
    started_at: str = ""
    """ISO 8601, UTC, with microseconds; given by the store when empty."""
    finished_at: str | None = None
    status: RunStatus = "running"

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
    summaries: tuple[Any, ...] = ()
    """Rows of the table `summaries`, where some are gone: what is left of them."""


def utc_now() -> datetime:
    """Returns the time in UTC."""
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Returns an id that sorts by time: `20261122-161530-9f3c`."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(ID_BYTES)}"
