"""For each declared family the maker of a tiny model of it, as a suite's entry.

A family that is added to bench adds a line to `MAKERS`; `test_contract` then holds its models to the common contract,
in every runtime that executes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.suite import ModelSpec
from tests import checkpoints
from tests.checkpoints import SHAPE, make_checkpoint

SMALLEST = SHAPE.model_copy(update={"layers": 1, "max_length": 64})
"""One layer: what is exported takes its time by the layer."""

Maker = Callable[[Path], ModelSpec]


def own_checkpoint(family: str) -> Maker:
    """Make the maker of a family that writes checkpoints with random weights."""

    def make(folder: Path) -> ModelSpec:
        before, checkpoints.SHAPE = checkpoints.SHAPE, SMALLEST
        try:
            place = make_checkpoint(family, folder)
        finally:
            checkpoints.SHAPE = before
        return ModelSpec(name=f"tiny-{family}", family=family, checkpoint=str(place))

    return make


def factory(folder: Path) -> ModelSpec:
    """Name a module of one's own, which classifies."""
    return ModelSpec(name="tiny-module", family="torch-module", factory="tests.contract.module:Lengths")


def rule(folder: Path) -> ModelSpec:
    """Name a rule."""
    return ModelSpec(name="majority", family="baseline", strategy="majority")


MAKERS: Mapping[str, Maker] = {
    "baseline": rule,
    "causal-lm": own_checkpoint("causal-lm"),
    "encoder": own_checkpoint("encoder"),
    "seq2seq": own_checkpoint("seq2seq"),
    "torch-module": factory,
    "transformer": own_checkpoint("transformer"),
}
ELSEWHERE = frozenset({"endpoint"})
"""Families whose models do not run in our process; what holds them is in a folder of their own (`tests/served`)."""
