"""Fifth version: which options left out a part of a run's suite."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; of runs before, nothing is known to have been left out."""
    op.add_column("runs", sa.Column("restrictions", sa.JSON, nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Drop the column; bench itself never does."""
    op.drop_column("runs", "restrictions")
