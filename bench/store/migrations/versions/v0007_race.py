"""Seventh version: what the race of a run came to."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; runs before raced nothing."""
    op.add_column("runs", sa.Column("race", sa.JSON, nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Drop the column; bench itself never does."""
    op.drop_column("runs", "race")
