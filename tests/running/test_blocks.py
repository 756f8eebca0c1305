"""Blocks of work: one task and one process each, but for tasks that a shared load joins."""

from __future__ import annotations

import random

from bench.record import Cell
from bench.running.blocks import schedule
from tests.jobs import make_job


def cell(model: str, task: str, share: bool = False) -> Cell:
    job = make_job(model, task, share_load=share)
    return Cell(model, "causal-lm", "float32", task, "k", job, {"model": model, "task": task})


def test_a_block_is_all_candidates_of_a_task_in_one_process_in_random_order() -> None:
    cells = [cell(model, task) for model in "abcdef" for task in "xyz"]
    blocks = schedule(cells, 2, seed=3)
    assert [block.process for block in blocks] == [0, 0, 0, 1, 1, 1]
    for process in (0, 1):
        own = [block for block in blocks if block.process == process]
        assert sorted(block.tasks for block in own) == [("x",), ("y",), ("z",)]
        assert all(sorted(cell.model for cell in block.cells) == list("abcdef") for block in own)
    orders = {tuple(cell.model for cell in block.cells) for block in blocks}
    assert len(orders) > 1
    assert blocks == schedule(cells, 2, seed=3)
    assert blocks != schedule(cells, 2, seed=4)
    assert len({block.name for block in blocks}) == 6


def test_tasks_that_a_load_joins_are_one_block_and_the_others_are_not() -> None:
    cells = [cell("a", "x", share=True), cell("a", "y", share=True), cell("b", "y", share=True)]
    cells += [cell("b", "z", share=True), cell("c", "x"), cell("c", "w")]
    random.Random(1).shuffle(cells)
    blocks = {frozenset(block.tasks): block for block in schedule(cells, 1, seed=0)}
    assert set(blocks) == {frozenset("xyz"), frozenset("w")}
    models = [cell.model for cell in blocks[frozenset("xyz")].cells]
    assert sorted(models) == ["a", "a", "b", "b", "c"]
    assert abs(models.index("a") - (len(models) - 1 - models[::-1].index("a"))) == 1  # one after the other
