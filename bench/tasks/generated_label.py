"""Classification by what a model writes: the label that its text, or the first line of it, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.candidates.interface import Generated
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.base import Bound
from bench.tasks.generation import Generation


def plain(text: str) -> str:
    """Returns a text as labels are compared: no case, single spaces, no stop at the end."""
    return " ".join(text.split()).casefold().rstrip(" .")


class GeneratedLabel(Generation):
    """A workload whose answers are texts. One that names no label is kept as the prediction, and is wrong."""

    def __init__(self, spec: TaskSpec, bound: Bound) -> None:
        super().__init__(spec, bound)
        written = bound.label_texts or bound.labels
        self._named = {plain(text): label for text, label in zip(written, bound.labels, strict=True)}

    def samples(self, indices: Sequence[int], answers: Sequence[Generated]) -> list[Sample]:
        """Returns rows with the label that each text is."""
        rows = super().samples(indices, answers)
        return [replace(row, prediction=self._label(row.prediction or "")) for row in rows]

    def _label(self, text: str) -> str:
        """Returns the label; a model that was not tuned to stop writes on after it, in a line of its own."""
        first = text.strip().partition("\n")[0]
        return self._named.get(plain(text), self._named.get(plain(first), text))
