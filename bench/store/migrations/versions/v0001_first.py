"""First version: environments, runs, records, facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "environments",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_environments"),
    )
    _create_runs()
    _create_records()
    _create_facts()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("suite_text", sa.Text, nullable=False),
        sa.Column("suite_hash", sa.String(64), nullable=False),
        sa.Column("plan_hash", sa.String(64), nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("finished_at", sa.String(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("environment_hash", sa.String(64), nullable=False),
        sa.Column("machine_key", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("rerun", sa.Boolean, nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(
            ["environment_hash"], ["environments.hash"], name="fk_runs_environment_hash_environments"
        ),
    )
    op.create_index("ix_runs_suite", "runs", ["suite"])
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_index("ix_runs_suite_hash_plan_hash_machine_key", "runs", ["suite_hash", "plan_hash", "machine_key"])


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "variant", "task")),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("cell_id", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("family", "kind")),
        sa.Column("cell", sa.JSON, nullable=False),
        sa.Column("machine_key", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("wall_s", sa.Double, nullable=False),
        sa.Column("doubts", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("environment_hash", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text) for name in ("log_path", "samples_path", "timings_path")),
        sa.Column("reused_from", sa.String(32)),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_records_run_id_runs", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["environment_hash"], ["environments.hash"], name="fk_records_environment_hash_environments"
        ),
        sa.UniqueConstraint(
            "run_id",
            "model",
            "variant",
            "task",
            "process",
            name="uq_records_run_id_model_variant_task_process",
        ),
    )
    op.create_index("ix_records_cell_id_machine_key_status", "records", ["cell_id", "machine_key", "status"])


def _create_facts() -> None:
    op.create_table(
        "facts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("record_id", _KEY, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("process", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_facts_record_id_records", ondelete="CASCADE"),
    )
    op.create_index("ix_facts_record_id", "facts", ["record_id"])
    op.create_index("ix_facts_name", "facts", ["name"])


def downgrade() -> None:
    """Drop everything; bench itself never does."""
    for table in ("facts", "records", "runs", "environments"):
        op.drop_table(table)
