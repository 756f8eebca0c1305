"""Fourth version: jobs in place of payloads, and identities without defaults; every id changes once."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from bench.digest import content_hash
from bench.store.older_cells import id_of, is_older, renewed, terms_of

revision = "0004"
down_revision = "0003"

SLICE = 500
"""Rows that are held in memory at once."""

records = sa.table(
    "records",
    *(sa.column(name) for name in ("id", "run_id", "model", "variant", "task", "cell_id")),
    sa.column("cell", sa.JSON),
)
runs = sa.table("runs", sa.column("id"), sa.column("plan", sa.JSON), sa.column("plan_hash"))
summaries = sa.table(
    "summaries", *(sa.column(name) for name in ("run_id", "model", "variant", "task", "cell_id", "terms"))
)


def upgrade() -> None:
    """Write every cell anew, and its new id wherever the old one stood."""
    connection = op.get_bind()
    ids: dict[str, str] = {}
    last = 0
    while True:
        query = sa.select(records).where(records.c.id > last).order_by(records.c.id).limit(SLICE)
        rows = connection.execute(query).mappings().all()
        if not rows:
            break
        last = rows[-1]["id"]
        for row in rows:
            if is_older(row["cell"]):
                ids[row["cell_id"]] = _renew(connection, row)
    for run in connection.execute(sa.select(runs)).mappings().all():
        plan = [[ids.get(cell_id, cell_id), label] for cell_id, label in run["plan"]]
        if plan != run["plan"]:
            changed = {"plan": plan, "plan_hash": content_hash(plan)}
            connection.execute(sa.update(runs).where(runs.c.id == run["id"]).values(**changed))


def _renew(connection: sa.Connection, row: sa.RowMapping) -> str:
    """Write a record's cell anew, and its id and terms into the summaries of its readings; return the id."""
    cell: Mapping[str, object] = renewed(row["cell"])
    cell_id = id_of(cell)
    values = {"cell": cell, "cell_id": cell_id}
    connection.execute(sa.update(records).where(records.c.id == row["id"]).values(**values))
    names = [summaries.c[name] == row[name] for name in ("run_id", "model", "variant", "task")]
    terms = {"cell_id": cell_id, "terms": terms_of(cell)}
    connection.execute(sa.update(summaries).where(*names).values(**terms))
    return cell_id


def downgrade() -> None:
    """Leave the cells as they are; bench itself never goes back."""
