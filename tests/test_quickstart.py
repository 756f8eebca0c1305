"""The embedded default: its checkpoints are there and documented, and its scores do not depend on the batch size."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.planning import Options, Plan, make_plan, open_suite
from bench.record import Cell, Sample
from bench.tasks.batching import Batching
from bench.tasks.metrics import resolve
from bench.tasks.scoring import score

MODELS = [f"{family}-{size}" for family in ("gpt2", "bert", "t5", "ours") for size in ("small", "large")]
EXAMPLES = 32
MAX_BYTES = 15_000_000


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return make_plan(open_suite("quickstart"), tmp_path_factory.mktemp("results"), Options(limit=EXAMPLES))


def test_every_checkpoint_is_committed_and_made_by_its_recipe(plan: Plan) -> None:
    assert plan.fits == ()
    stale = {cell.model for cell in plan.cells if cell.to_run().stale_checkpoint}
    assert stale == set()
    for cell in plan.cells:
        if cell.family != "baseline":
            known = cell.to_run().provenance or {}
            assert {"recipe_hash", "data_hash", "seed", "steps", "wall_s", "final_validation_loss"} <= set(known)
            assert 150_000 <= known["parameters"] <= 3_000_000


def test_the_checkpoints_are_small(plan: Plan) -> None:
    folder = plan.suite.path.parent / "quickstart"
    assert sorted(path.name for path in folder.iterdir() if path.name != "recipes" and path.name[0] != ".") == sorted(
        MODELS
    )
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MAX_BYTES


def scored(cell: Cell, plan: Plan, batch_size: int) -> list[Sample]:
    from bench.running.worker.cell import bind_task, load_model

    job = cell.to_run()
    data = plan.datasets[job.data_hash]
    return score(bind_task(job, load_model(job, data, "cpu"), data), Batching(examples=batch_size)).samples


@pytest.mark.slow
@pytest.mark.parametrize("task", ["status", "headline", "german"])
@pytest.mark.parametrize("model", MODELS)
def test_batch_1_and_batch_32_score_the_same(model: str, task: str, plan: Plan) -> None:
    cell = next(cell for cell in plan.cells if cell.model == model and cell.task == task)
    if cell.unsupported is not None:
        assert cell.family == "encoder"
        return
    one, many = scored(cell, plan, 1), scored(cell, plan, 32)
    assert [row.prediction for row in one] == [row.prediction for row in many]
    labels = cell.to_run().labels
    for metric in resolve(cell.to_run().task.metrics, cell.kind):
        values = [float(metric.value(metric.statistics(rows, labels).sum(0))) for rows in (one, many)]
        assert values[0] == values[1]


def test_suites_that_need_a_network_or_packages_are_well_formed() -> None:
    for name in ("hub", "linear", "pretrained", "runtimes"):
        suite = open_suite(name)
        assert suite.value.name == name
        for model in suite.value.models:
            if (
                model.checkpoint
                and "/" in model.checkpoint
                and not model.checkpoint.startswith(("package:", "quickstart"))
            ):
                assert model.revision is not None and len(model.revision) == 40
    assert Path(open_suite("quickstart").path).is_file()
