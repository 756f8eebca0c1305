"""For each declared family the maker of a tiny model of it, as a suite's entry.

A family that is added to bench adds a line to `MAKERS`; `test_contract` then holds its models to the common contract,
in every runtime that executes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.candidates import FAMILIES
from bench.fit.session import fit
from bench.running.worker.executed import context_of, engine_for
from bench.suite import CellJob, ModelSpec
from tests import checkpoints
from tests.checkpoints import SHAPE, TEXTS, make_checkpoint
from tests.fit.jobs import COLOURS
from tests.fit.solved import solver_job, write_vectors

SMALLEST = SHAPE.model_copy(update={"layers": 1, "max_length": 64})
"""One layer: what is exported takes its time by the layer."""

HOSTILE = (
    "",
    " ",
    "\x00\x1b[2J\u202e",
    "😀" * 3,
    "<s></s><pad><unk><|endoftext|>[CLS][SEP]",
    "\n\t\r",
    "{text} {0} %s",
    "a" * 300,
)
"""Texts that something may take for more than texts."""

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


def over_network(folder: Path) -> ModelSpec:
    """Fit a head over the vectors of a network."""
    network = Path(str(own_checkpoint("encoder")(folder / "vectors-of").checkpoint))
    job = solver_job("embedding", folder / "fitted-over-network", checkpoint=network)
    fit(job, lambda _: None)
    return job.model.model_copy(update={"checkpoint": str(job.output)})


def solved(family: str) -> Maker:
    """Make the maker of a family that a solver fits."""

    def make(folder: Path) -> ModelSpec:
        vectors = write_vectors(folder / "vectors") if family == "embedding" else None
        if vectors is not None:
            words = dict.fromkeys(" ".join(TEXTS).replace(",", "").split())
            with (vectors / "glove.txt").open("a") as file:
                file.writelines(f"{word} {place / 100} 0.2 0.3\n" for place, word in enumerate(words))
        job = solver_job(family, folder / f"fitted-{family}", checkpoint=vectors)
        fit(job, lambda _: None)
        return job.model.model_copy(update={"checkpoint": str(job.output)})

    return make


def loaded(job: CellJob, **changes: Any) -> Any:
    """Load the model of a job, as a cell does, with a label count of 1 each."""
    context = replace(context_of(job), label_counts=(1,) * len(job.labels), engine=engine_for(job), **changes)
    return FAMILIES[job.model.family].load(job.model, job.variant, context)


MAKERS: Mapping[str, Maker] = {
    "baseline": rule,
    "causal-lm": own_checkpoint("causal-lm"),
    "embedding": solved("embedding"),
    "embedding:network": over_network,
    "encoder": own_checkpoint("encoder"),
    "linear": solved("linear"),
    "seq2seq": own_checkpoint("seq2seq"),
    "torch-module": factory,
    "transformer": own_checkpoint("transformer"),
}
"""By the family, and behind a colon the form of its models where they have several."""
ELSEWHERE = frozenset({"endpoint"})
"""Families whose models do not run in our process; what holds them is in a folder of their own (`tests/served`)."""
LIMITS: Mapping[str, int] = {"embedding:network": SMALLEST.max_length}
"""Most tokens of an input of models that do not say it themselves."""
LABELS_OF: Mapping[str, tuple[str, ...]] = dict.fromkeys(("embedding", "linear"), tuple(COLOURS))
"""Labels that a family's tiny model knows, where they are not those of `tests.checkpoints`."""
