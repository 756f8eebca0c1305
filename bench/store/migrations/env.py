"""Alembic's entry: runs the migrations inside the transaction that `bench.store.database` has begun."""

from alembic import context

from bench.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
