"""A database as the first version of bench left it: its migration alone, filled by plain SQL."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from bench.store import database

HASH, ENVIRONMENT = "e" * 64, '{"cpu": "x"}'
RUN = {
    "id": "20250101-023000-aaaa",
    "suite": "old",
    "suite_text": "name: old # ü",
    "suite_hash": "s",
    "plan_hash": "p",
    "command": "bench run old.yaml",
    "started_at": "2025-01-01T02:30:00+00:00",
    "finished_at": "2025-01-01T03:00:00+00:00",
    "status": "complete",
    "environment_hash": HASH,
    "machine_key": "machine",
    "profile": "quick",
    "rerun": False,
    "plan": '[["id-a", "a · t"]]',
    "settings": '{"objectives": ["accuracy"]}',
}
RECORD = {
    "run_id": RUN["id"],
    "model": "a",
    "variant": "float32",
    "task": "t",
    "process": 0,
    "cell_id": "c",
    "family": "encoder",
    "kind": "classification",
    "cell": '{"payload": {}, "identity": {"n": 1}, "unsupported": null}',
    "machine_key": "machine",
    "status": "ok",
    "reason": None,
    "started_at": "2025-01-01T02:31:00+00:00",
    "wall_s": 1.5,
    "doubts": "[]",
    "notes": '{"labels": ["x", "y"]}',
    "environment_hash": HASH,
    "log_path": None,
    "samples_path": None,
    "timings_path": None,
    "reused_from": None,
    "schema_version": 1,
}
FACT = {
    "record_id": 1,
    "name": "load_s",
    "value": 0.25,
    "unit": "s",
    "source": "clock",
    "reason": None,
    "low": None,
    "high": None,
    "process": 0,
}


def make_first_version(url: str) -> None:
    """Fills the database at `url`."""
    engine = database.make_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO environments (hash, body) VALUES (:hash, :body)"), {"hash": HASH, "body": ENVIRONMENT}
        )
        for table, row in (("runs", RUN), ("records", RECORD), ("facts", FACT)):
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    engine.dispose()
