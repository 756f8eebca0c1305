"""Third version: when the rows of a record were pruned."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; nothing was pruned before."""
    op.add_column("records", sa.Column("pruned_at", sa.String(40)))


def downgrade() -> None:
    """Drop the column; bench itself never does."""
    op.drop_column("records", "pruned_at")
