"""Cells that fd65d2f stored are found again: the ids of the same suite, planned today, are those after migration."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from bench.digest import content_hash
from bench.history.remember import terms_of
from bench.host.package import embedded_suites
from bench.planning import Options, make_plan, open_suite
from bench.record import Cell
from bench.store import Store, database
from bench.store.older_cells import NOT_TERMS, id_of, renewed
from bench.suite import CellJob, ModelSpec

STORED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "cells_of_fd65d2f.json").read_text(encoding="utf-8")
)
"""Payload, identity and id of some cells of the quickstart at `--limit 20`, and of three changes of it."""
CHANGES = {
    "quickstart": ("", ""),
    "off": ("profile: quick", "profile: 'off'"),
    "shared": ("model_memory_bytes, ", ""),
    "other": ("batch_size: 32", "batch_tokens: 512"),
}
RUN = "20260101-020000-abcd"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Cell]]:
    """Return what plans a suite again, with the models of which something is stored."""

    @cache
    def plan_of(name: str) -> dict[str, Cell]:
        quickstart, folder = embedded_suites()["quickstart"], tmp_path_factory.mktemp(name)
        (folder / "quickstart").symlink_to(quickstart.parent / "quickstart")
        wanted = {old["model"] for old in STORED[name]}
        lines = quickstart.read_text().replace(*CHANGES[name]).splitlines()
        models = [line for line in lines if line.startswith("  - {name: ")]
        left_out = {line for line in models if line.split("name: ")[1].split(",")[0] not in wanted}
        (folder / "suite.yaml").write_text("\n".join(line for line in lines if line not in left_out))
        plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options(limit=20))
        return {cell.label: cell for cell in plan.cells}

    return plan_of


def label_of(old: dict[str, Any]) -> str:
    return Cell(old["model"], old["family"], old["variant"], old["task"], old["kind"]).label


def column(old: dict[str, Any]) -> dict[str, Any]:
    return {name: old[name] for name in ("payload", "identity", "unsupported")}


@pytest.mark.parametrize("name", sorted(STORED))
def test_the_same_cells_planned_today_have_the_renewed_ids(
    name: str, planned: Callable[[str], dict[str, Cell]]
) -> None:
    today = planned(name)
    for old in STORED[name]:
        assert content_hash(old["identity"]) == old["id"]
        new = renewed(column(old))
        assert (id_of(new), new["identity"]) == (today[label_of(old)].id, dict(today[label_of(old)].identity))


def test_a_payload_is_read_as_the_job_that_it_was() -> None:
    for old in STORED["quickstart"]:
        job = CellJob.from_json(renewed(column(old))["job"])  # type: ignore[arg-type]
        assert job.template == old["payload"]["template"]
        assert job.task.metrics == old["payload"]["task"]["metrics"]
        assert job.model.checkpoint == old["payload"]["model"]["checkpoint"]
        assert CellJob.from_json(job.to_json()) == job


def test_a_job_of_another_version_opens() -> None:
    job = STORED["quickstart"][0]["payload"]
    newer = job | {"later": 1, "model": job["model"] | {"later": "lora"}}
    assert "later" not in CellJob.model_fields and "later" not in ModelSpec.model_fields
    assert CellJob.from_json(newer) == CellJob.from_json(job)
    gone = CellJob.from_json(job | {"model": {"name": "m", "family": "no-such", "variants": []}})
    assert (gone.model.family, gone.task.name) == ("no-such", job["task"]["name"])
    assert gone.to_json()["model"]["family"] == "no-such"


def fill(url: str, cells: list[dict[str, Any]]) -> None:
    """Make a database of version 0003 with one finished run."""
    engine, config = database.make_engine(url), Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    plan = [[old["id"], label_of(old)] for old in cells]
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(text("INSERT INTO environments VALUES ('e', '{}')"))
        connection.execute(
            text(
                "INSERT INTO runs VALUES (:id, 's', '', 'h', :hash, 'bench run', '2026-01-01T02:00:00+00:00', NULL, "
                "'complete', 'e', 'machine', 'quick', FALSE, :plan, '{}')"
            ),
            {"id": RUN, "hash": content_hash(plan), "plan": json.dumps(plan)},
        )
        for old in cells:
            row = {name: old[name] for name in ("model", "variant", "task", "family", "kind")}
            row |= {"run": RUN, "cell_id": old["id"], "cell": json.dumps(column(old))}
            connection.execute(
                text(
                    "INSERT INTO records (run_id, model, variant, task, process, cell_id, family, kind, cell, "
                    "machine_key, status, started_at, wall_s, doubts, notes, environment_hash, schema_version) VALUES "
                    "(:run, :model, :variant, :task, 0, :cell_id, :family, :kind, :cell, 'machine', 'ok', "
                    "'2026-01-01T02:00:01+00:00', 1.5, '[]', '{}', 'e', 2)"
                ),
                row,
            )
            terms = content_hash({key: value for key, value in old["identity"].items() if key not in NOT_TERMS})
            connection.execute(
                text(
                    "INSERT INTO summaries (run_id, model, variant, task, reading, unit, higher_is_better, value, n, "
                    "source, status, cell_id, terms) VALUES (:run, :model, :variant, :task, 'load_s', 's', FALSE, 1.0, "
                    "1, 'clock', 'ok', :cell_id, :terms)"
                ),
                row | {"terms": terms},
            )
    engine.dispose()


def test_a_database_of_then_is_taken_along(tmp_path: Path, planned: Callable[[str], dict[str, Cell]]) -> None:
    cells = [old for old in STORED["quickstart"] if old["unsupported"] is None]
    (tmp_path / "results").mkdir()
    fill(f"sqlite:///{tmp_path / 'results' / 'bench.db'}", cells)
    today = planned("quickstart")
    with Store.open(tmp_path / "results") as store:
        assert store.migration.before == "0003"
        stored = store.load(RUN)
        assert stored.info.plan == tuple((today[label_of(old)].id, label_of(old)) for old in cells)
        assert store.resume(stored.info) is None  # found by the hash of its plan, and complete
        for record in stored.records:
            assert record.cell.id == today[record.cell.label].id
            assert record.cell.job is not None
            assert record.cell.job.task == today[record.cell.label].to_run().task
        again = store.begin_run(stored.info.__class__("s", "", "h", "bench run", "machine", "quick"))
        for cell in (today[label_of(old)] for old in cells):
            linked = store.reuse(again, cell, 0)
            assert linked is not None and linked[1] == RUN and linked[0].cell == cell
        rows = store.database.read(text("SELECT model, task, cell_id, terms FROM summaries"))
    by_name = {(cell.model, cell.task): cell for cell in today.values()}
    assert len(rows) == len(cells)
    for row in rows:
        cell = by_name[row["model"], row["task"]]
        assert (row["cell_id"], row["terms"]) == (cell.id, terms_of(cell))
