"""Sixth version: a code beside the sentence that says why a value or its interval is missing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; `bench.catalogue.reasons.stored` knows the sentences of rows that have no code."""
    op.add_column("summaries", sa.Column("reason_code", sa.String(32)))


def downgrade() -> None:
    """Drop the column; bench itself never does."""
    op.drop_column("summaries", "reason_code")
