"""Alembic migrations of the database, run by `bench.store.database`; a file in `versions` per version."""
