"""The database's tables, as they are at the newest version. `migrations/` holds the way there.

JSON columns keep the order of keys; every non-finite number in them is null (`bench.store.encoding`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

HEAD = "0007"
"""The newest version of the database, as in `migrations/versions`; versions sort as text."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_KEY = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of type INTEGER."""

environments = Table(
    "environments",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("body", JSON, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("suite", Text, nullable=False, index=True),
    Column("suite_text", Text, nullable=False),
    Column("suite_hash", String(64), nullable=False),
    Column("plan_hash", String(64), nullable=False),
    Column("command", Text, nullable=False),
    Column("started_at", String(40), nullable=False, index=True),
    Column("finished_at", String(40)),
    Column("status", String(16), nullable=False),
    Column("environment_hash", ForeignKey("environments.hash"), nullable=False),
    Column("machine_key", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("rerun", Boolean, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("restrictions", JSON, nullable=False, server_default=text("'{}'")),
    Column("race", JSON, nullable=False, server_default=text("'{}'")),
    Index(None, "suite_hash", "plan_hash", "machine_key"),
)
"""`restrictions`: options that left out a part of the suite, such as `{"limit": 5}`; empty for a whole run.
`race`: what a race came to (`bench.racing`); empty for a run that answered everything."""

records = Table(
    "records",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("model", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("cell_id", String(64), nullable=False),
    Column("family", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cell", JSON, nullable=False),
    Column("machine_key", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text),
    Column("started_at", String(40), nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("doubts", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("environment_hash", ForeignKey("environments.hash"), nullable=False),
    Column("log_path", Text),
    Column("samples_path", Text),
    Column("timings_path", Text),
    Column("reused_from", String(32)),
    Column("schema_version", Integer, nullable=False),
    Column("pruned_at", String(40)),
    UniqueConstraint("run_id", "model", "variant", "task", "process"),
    Index(None, "cell_id", "machine_key", "status"),
)
"""One row per cell and process of a run. Two names may stand for equal models: `cell_id` may come twice.
`pruned_at`: when its samples and timings were removed on purpose; what is left is in `summaries`."""

facts = Table(
    "facts",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("record_id", ForeignKey("records.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False, index=True),
    Column("value", Double),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text),
    Column("low", Double),
    Column("high", Double),
    Column("process", Integer, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("suite", Text, primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("tagged_at", String(40), nullable=False),
)
"""Names that people give to runs of a suite: `tag:NAME` is a baseline of the gate."""

summaries = Table(
    "summaries",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("variant", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("reading", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("higher_is_better", Boolean, nullable=False),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("n", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text),
    Column("status", String(16), nullable=False),
    Column("cell_id", String(64), nullable=False),
    Column("terms", String(64), nullable=False),
    Column("measured_in", String(32)),
    Column("reason_code", String(32)),
)
"""One row per reading of a cell: what a year of nights is read from, and what stays when raw timings go."""

canaries = Table(
    "canaries",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("taken_at", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("parts", JSON, nullable=False),
)
"""How long a fixed piece of work took on the machine of a run, once per measuring of it."""
