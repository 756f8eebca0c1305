"""What is kept of a run for ever: a summary of each reading, the names people gave it, how fast the machine was.

The rows come from layers above; the store knows no statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select

from bench.errors import UsageError, nearest
from bench.store import schema
from bench.store.database import explained, writing
from bench.store.encoding import clean_text
from bench.store.reader import SLICE, Reader
from bench.store.runs import RunInfo, utc_now

SUMMARY_COLUMNS = (
    "run_id", "model", "variant", "task", "reading", "status", "unit", "higher_is_better",
    "value", "low", "high", "reason", "terms", "measured_in",
)  # fmt: skip
"""Of the table, in the order in which `Kept.summaries` returns them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One reading of one cell of a run, all its processes together."""

    model: str
    variant: str
    task: str
    reading: str
    """A metric, or a name of `bench.catalogue.readings.READINGS`."""
    unit: str
    higher_is_better: bool
    value: float | None
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    n: int
    source: str
    reason: str | None
    """Why the value is missing, or what qualifies it."""
    status: str
    """Of the cell."""
    cell_id: str
    terms: str
    """Hash of what must be equal for two nights to be comparable: data, seed, batch size, measuring, …"""
    measured_in: str | None = None
    """Run that measured it, where this run only linked to it."""
    reason_code: str | None = None
    """What the reason is, for programs: a value of `bench.catalogue.reasons.ReasonCode`."""


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


class Kept(Reader):
    """Summaries, tags and canaries."""

    def keep_summaries(self, run_id: str, found: Sequence[Summary]) -> None:
        """Stores the summaries of a run in place of earlier ones."""
        table = schema.summaries
        rows = [_summary_row(run_id, summary) for summary in found]
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.run_id == run_id))
            if rows:
                connection.execute(insert(table), rows)

    def without_summaries(self, run_ids: Iterable[str]) -> list[str]:
        """Returns those of the runs that have records and no summaries yet."""
        wanted = set(run_ids)
        has = exists().where(schema.summaries.c.run_id == schema.records.c.run_id)
        query = select(schema.records.c.run_id).where(~has).distinct()
        with explained(self._place):
            return sorted(row["run_id"] for row in self._read(query) if row["run_id"] in wanted)

    def summaries(self, run_ids: Sequence[str], leaving_out: Sequence[str] = ()) -> Sequence[Row[Any]]:
        """Returns the stored rows of runs but for some readings, with `SUMMARY_COLUMNS`: a year of nights has
        hundreds of thousands, too many for an object each, or for a column that nobody asks for."""
        table = schema.summaries
        columns = [table.c[name] for name in SUMMARY_COLUMNS]
        found: list[Row[Any]] = []
        with explained(self._place), self._engine.connect() as connection:
            for start in range(0, len(run_ids), SLICE):
                some = table.c.run_id.in_(run_ids[start : start + SLICE])
                query = select(*columns).where(some, table.c.reading.not_in(list(leaving_out)))
                found += connection.execute(query).all()
        return found

    def tag(self, run_id: str, name: str) -> str | None:
        """Names a run of its suite; returns the id of the run that had the name before."""
        info, table = self.find(run_id), schema.tags
        row = {"suite": info.suite, "name": name, "run_id": info.id, "tagged_at": utc_now().isoformat()}
        with explained(self._place), writing(self._engine) as connection:
            same = (table.c.suite == info.suite, table.c.name == name)
            before: str | None = connection.execute(select(table.c.run_id).where(*same)).scalar()
            connection.execute(delete(table).where(*same))
            connection.execute(insert(table).values(**row))
        return before

    def tags(self, suite: str) -> dict[str, str]:
        """Returns the tags of a suite: name → id of the run."""
        query = select(schema.tags).where(schema.tags.c.suite == suite).order_by(schema.tags.c.name)
        with explained(self._place):
            return {row["name"]: row["run_id"] for row in self._read(query)}

    def tagged(self, suite: str, name: str) -> RunInfo:
        """Returns the run that has a tag.

        Raises:
            UsageError: no run of the suite has it.
        """
        known = self.tags(suite)
        if name not in known:
            hint = nearest(name, known) if known else "no run has a tag yet"
            raise UsageError(f"no run of '{suite}' is tagged '{name}'; {hint}; `bench tag RUN {name}` sets one")
        return self.find(known[name])

    def keep_canary(self, run_id: str, found: CanarySeconds) -> None:
        """Stores one measuring of the fixed workload during a run."""
        row = asdict(found) | {"run_id": run_id, "taken_at": found.taken_at or utc_now().isoformat()}
        with explained(self._place), writing(self._engine) as connection:
            connection.execute(insert(schema.canaries).values(**row))

    def canaries(self, run_ids: Iterable[str]) -> dict[str, list[CanarySeconds]]:
        """Returns what was measured of the fixed workload, by run, in the order of time."""
        wanted = set(run_ids)
        found: dict[str, list[CanarySeconds]] = {}
        with explained(self._place):
            rows = self._read(select(schema.canaries).order_by(schema.canaries.c.id))
        for row in rows:
            if row["run_id"] in wanted:
                one = CanarySeconds(row["version"], row["seconds"], row["parts"], row["taken_at"])
                found.setdefault(row["run_id"], []).append(one)
        return found


def _summary_row(run_id: str, summary: Summary) -> dict[str, Any]:
    row = asdict(summary) | {"run_id": run_id}
    row["reason"] = None if summary.reason is None else clean_text(summary.reason)
    return row
