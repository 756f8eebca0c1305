"""How fast the machine itself was during a run: the seconds of a fixed piece of work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import insert, select

from bench.store import schema
from bench.store.database import Database
from bench.store.runs import utc_now


@dataclass(frozen=True, slots=True)
class CanarySeconds:
    """One measuring of the fixed workload."""

    version: int
    """Of the workload; durations of two versions do not compare."""
    seconds: float
    parts: Mapping[str, float]
    """Seconds of each part."""
    taken_at: str = ""
    """ISO 8601, UTC."""


class Canaries:
    """The canaries of all runs of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, run_id: str, canary: CanarySeconds) -> None:
        """Store one measuring of the fixed workload during a run."""
        row = asdict(canary) | {"run_id": run_id, "taken_at": canary.taken_at or utc_now().isoformat()}
        self._database.change_once(lambda connection: connection.execute(insert(schema.canaries).values(**row)))

    def of(self, run_ids: Iterable[str]) -> dict[str, list[CanarySeconds]]:
        """Read what was measured of the fixed workload, by run, in the order of time."""
        wanted = set(run_ids)
        canaries: dict[str, list[CanarySeconds]] = {}
        for row in self._database.read(select(schema.canaries).order_by(schema.canaries.c.id)):
            if row["run_id"] in wanted:
                canary = CanarySeconds(row["version"], row["seconds"], row["parts"], row["taken_at"])
                canaries.setdefault(row["run_id"], []).append(canary)
        return canaries
