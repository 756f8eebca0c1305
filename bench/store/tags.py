"""Names that people give to runs of a suite."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from bench.errors import UsageError, nearest
from bench.store import schema
from bench.store.database import Database
from bench.store.runs import RunInfo, utc_now


class Tags:
    """The tags of all suites of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, info: RunInfo, name: str) -> str | None:
        """Name a run of its suite, and return the id of the run that had the name before."""
        table = schema.tags
        row = {"suite": info.suite, "name": name, "run_id": info.id, "tagged_at": utc_now().isoformat()}
        same = (table.c.suite == info.suite, table.c.name == name)

        def move(connection: Connection) -> str | None:
            before: str | None = connection.execute(select(table.c.run_id).where(*same)).scalar()
            connection.execute(delete(table).where(*same))
            connection.execute(insert(table).values(**row))
            return before

        return self._database.change_once(move)

    def of(self, suite: str) -> dict[str, str]:
        """Read the tags of a suite: name → id of the run."""
        query = select(schema.tags).where(schema.tags.c.suite == suite).order_by(schema.tags.c.name)
        return {row["name"]: row["run_id"] for row in self._database.read(query)}

    def run_of(self, suite: str, name: str) -> str:
        """Find the id of the run that has a tag.

        Raises:
            UsageError: no run of the suite has it.
        """
        tags = self.of(suite)
        if name not in tags:
            hint = nearest(name, tags) if tags else "no run has a tag yet"
            raise UsageError(f"no run of '{suite}' is tagged '{name}'; {hint}; `bench tag RUN {name}` sets one")
        return tags[name]
