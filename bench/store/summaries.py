"""What is kept of a run for ever: a summary of each reading, from which a year of nights is read.

The rows come from layers above; the store knows no statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, insert, select

from bench.store import schema
from bench.store.database import Database
from bench.store.encoding import Values, clean_text
from bench.store.reader import slices


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


class SummaryRow(NamedTuple):
    """What a history needs of a summary: a tuple, since a year of nights has hundreds of thousands of them."""

    run_id: str
    model: str
    variant: str
    task: str
    reading: str
    status: str
    unit: str
    higher_is_better: bool
    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    terms: str
    measured_in: str | None


class Summaries:
    """The summaries of all runs of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, run_id: str, summaries: Sequence[Summary]) -> None:
        """Store the summaries of a run in place of earlier ones."""
        table = schema.summaries
        rows = [_row(run_id, summary) for summary in summaries]

        def replace_all(connection: Connection) -> None:
            connection.execute(delete(table).where(table.c.run_id == run_id))
            if rows:
                connection.execute(insert(table), rows)

        self._database.change_once(replace_all)

    def missing(self, run_ids: Iterable[str]) -> list[str]:
        """Choose those of the runs that have records and no summaries yet."""
        wanted = set(run_ids)
        has = exists().where(schema.summaries.c.run_id == schema.records.c.run_id)
        rows = self._database.read(select(schema.records.c.run_id).where(~has).distinct())
        return sorted(row["run_id"] for row in rows if row["run_id"] in wanted)

    def rows(self, run_ids: Sequence[str], leaving_out: Sequence[str] = ()) -> list[SummaryRow]:
        """Read the summaries of runs but for some readings, without columns that no history asks for."""
        table = schema.summaries
        columns = [table.c[name] for name in SummaryRow._fields]
        wanted: list[SummaryRow] = []
        with self._database.explained(), self._database.engine.connect() as connection:
            for some in slices(run_ids):
                query = select(*columns).where(table.c.run_id.in_(some), table.c.reading.not_in(list(leaving_out)))
                wanted += map(SummaryRow._make, connection.execute(query))
        return wanted

    def of(self, run_id: str) -> list[Summary]:
        """Read the summaries of one run, whole."""
        table = schema.summaries
        columns = [table.c[name] for name in Summary.__dataclass_fields__]
        rows = self._database.read(select(*columns).where(table.c.run_id == run_id))
        return [Summary(**row) for row in rows]


def _row(run_id: str, summary: Summary) -> Values:
    values = {name: getattr(summary, name) for name in Summary.__dataclass_fields__}  # `asdict` copies each, for long
    reason = None if summary.reason is None else clean_text(summary.reason)
    return values | {"run_id": run_id, "reason": reason}
