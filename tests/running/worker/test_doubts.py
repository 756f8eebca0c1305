"""Doubts of one cell that only the worker can see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.candidates.checkpoint import weights_identity
from bench.data.base import Dataset
from bench.record import Sample
from bench.running.worker.doubts import answer_doubts, own_doubts
from tests.factories import Sketch, Task, make_cell
from tests.jobs import make_job


@pytest.mark.parametrize(("revision", "codes"), [(None, ["unpinned_revision"]), ("5f2c", [])])
def test_a_model_of_the_hub_without_a_revision_is_doubted(revision: str | None, codes: list[str]) -> None:
    cell = make_cell(Sketch("theirs"), Task("topic"))
    for subfolder in (None, "onnx"):
        weights = weights_identity("acme/tiny", subfolder, revision)
        pinned = replace(cell, identity=dict(cell.identity) | {"weights": weights})
        doubts = own_doubts(pinned, 0)
        assert [doubt.code for doubt in doubts] == codes


@pytest.mark.parametrize(("longest", "codes"), [(7, []), (8, ["outputs_at_limit"])])
def test_answers_that_end_at_the_limit_are_counted(longest: int, codes: list[str]) -> None:
    cell = make_cell(Sketch("writer"), Task("titles", "summarisation"))
    cell = replace(cell, job=make_job("writer", "titles", "summarisation", max_new_tokens=8))
    samples = [Sample(i, str(i), "a", "a", output_tokens=longest if i == 0 else 3) for i in range(50)]
    doubts = answer_doubts(cell, Dataset((), "", ""), samples, 0, {})
    assert [doubt.code for doubt in doubts] == codes
    assert not codes or "1 of 50 answers" in doubts[0].message
    if codes:
        (doubt,) = answer_doubts(cell, Dataset((), "", ""), samples, 0, {"max_new_tokens": 7})
        assert "as long as the model writes, 7 tokens" in doubt.message
