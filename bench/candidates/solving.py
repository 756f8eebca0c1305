"""What a family says of being fitted by a solver in one go, so that `bench.fit` need not know any family.

A family that is trained step by step declares a `Learning` instead. Here there are no steps: a solver sees all texts of
a head at once, and gives back an object that judges other texts and writes itself to a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.candidates.interface import Ability
from bench.suite import ModelSpec
from bench.suite.curriculum import SolverRecipe

Outputs = NDArray[np.float64]
Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lines:
    """What one head learns, or is judged by."""

    ability: Ability
    """What the head is for."""
    labels: tuple[str, ...]
    """In order; empty for numbers."""
    texts: tuple[str, ...]
    """Finished prompts; a pair of texts is a `bench.candidates.pairs.Pair`, a token one with what is around it."""
    targets: NDArray[np.float64]
    """Shape `(n,)`: the place of the right label, or the number; `(n, labels)` of 0 and 1 where several may be
    right."""


class Solved(Protocol):
    """What a solver gave."""

    @property
    def parameters(self) -> int:
        """Numbers that were learnt."""

    def outputs(self, head: int, texts: Sequence[str]) -> Outputs:
        """Compute what a head says of texts, shape `(n, outputs)`: logits, or numbers."""

    def save(self, folder: Path) -> None:
        """Write it so that the family's `load` reads it, without pickle."""


class Solving:
    """How the models of a family are fitted; derive from it."""

    recipe: ClassVar[type[SolverRecipe]]
    """The recipe with the family's options, which says which of them a search may try."""

    def solve(
        self, spec: ModelSpec, recipe: SolverRecipe, heads: Sequence[Lines], device: str, notify: Notify
    ) -> Solved:
        """Fit every head.

        Args:
            spec: the model's entry, its checkpoint absolute where it has one.
            recipe: of the class `recipe`.
            heads: what each learns.
            device: where a network that reads the texts may go.
            notify: told what a user should know, such as a solver that did not converge.

        Raises:
            FitError: there is nothing to learn.
        """
        raise NotImplementedError

    def why_not(self, spec: ModelSpec, texts: Iterable[str]) -> str | None:
        """Explain why nothing can be learnt from texts, as far as a glance at the files tells; None where nothing
        speaks against it.

        Args:
            spec: the model's entry, its checkpoint absolute where it has one.
            texts: what would be learnt, read only as far as it takes.
        """
        return None


def judge(lines: Lines, outputs: Outputs) -> tuple[float, float | None]:
    """Compute loss and accuracy of a head's outputs on the texts of `lines`.

    The loss is nats per text, per label where several may be right, or the mean squared error of numbers, which have
    no accuracy.
    """
    return JUDGES[lines.ability](lines.targets, outputs)


def log_softmax(logits: Outputs) -> Outputs:
    """Turn logits, shape `(n, labels)`, into log-probabilities.

    >>> np.exp(log_softmax(np.array([[0.0, np.log(3.0)]]))).round(2).tolist()
    [[0.25, 0.75]]
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float64)


def log_sigmoid(logits: Outputs) -> Outputs:
    """Turn the log-odds of each label by itself into log-probabilities.

    >>> np.exp(log_sigmoid(np.array([0.0, np.log(3.0)]))).round(2).tolist()
    [0.5, 0.75]
    """
    return np.asarray(-np.logaddexp(0.0, -logits), dtype=np.float64)


def _one_label(targets: Outputs, logits: Outputs) -> tuple[float, float | None]:
    right = targets.astype(np.int64)
    nats = -log_softmax(logits)[np.arange(len(right)), right]
    return float(nats.mean()), float((logits.argmax(axis=1) == right).mean())


def _each_label(targets: Outputs, logits: Outputs) -> tuple[float, float | None]:
    nats = -(targets * log_sigmoid(logits) + (1 - targets) * log_sigmoid(-logits))
    return float(nats.mean()), float(((logits > 0) == (targets > 0.5)).mean())


def _number(targets: Outputs, numbers: Outputs) -> tuple[float, float | None]:
    return float(np.mean((numbers[:, 0] - targets) ** 2)), None


JUDGES: Mapping[Ability, Callable[[Outputs, Outputs], tuple[float, float | None]]] = {
    "classify": _one_label,
    "tag": _one_label,
    "mark": _each_label,
    "rate": _number,
}
"""By the ability that a head has."""
