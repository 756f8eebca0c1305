"""Second version: tags, summaries and canaries, for the history of nights."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables; the summaries of older runs are written when their history is first read."""
    op.create_table(
        "tags",
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("tagged_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("suite", "name", name="pk_tags"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_tags_run_id_runs", ondelete="CASCADE"),
    )
    op.create_index("ix_tags_run_id", "tags", ["run_id"])
    _create_summaries()
    op.create_table(
        "canaries",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("taken_at", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("parts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_canaries"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_canaries_run_id_runs", ondelete="CASCADE"),
    )
    op.create_index("ix_canaries_run_id", "canaries", ["run_id"])


def _create_summaries() -> None:
    op.create_table(
        "summaries",
        sa.Column("run_id", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "variant", "task", "reading", "unit")),
        sa.Column("higher_is_better", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("value", "low", "high")),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("cell_id", sa.String(64), nullable=False),
        sa.Column("terms", sa.String(64), nullable=False),
        sa.Column("measured_in", sa.String(32)),
        sa.PrimaryKeyConstraint("run_id", "model", "variant", "task", "reading", name="pk_summaries"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_summaries_run_id_runs", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop what this version made; bench itself never does."""
    for table in ("canaries", "summaries", "tags"):
        op.drop_table(table)
