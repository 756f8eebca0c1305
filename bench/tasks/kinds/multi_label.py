"""Several labels at once: which of a fixed set apply to a text, none and all among the possible answers."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import cast

from bench.candidates.interface import Classified, Marks
from bench.data.answers import read_labels
from bench.data.base import Column, Columns, Dataset, Example
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.asking import Asking
from bench.tasks.base import Bound, Workload
from bench.tasks.kind import Kind

HALF = math.log(0.5)
"""Log-probability above which a label applies."""


def written(labels: Iterable[str]) -> str:
    """Write a set of labels as a record keeps it.

    >>> written(["wet", "cold"])
    '["wet", "cold"]'
    """
    return json.dumps(list(labels), ensure_ascii=False)


class MultiLabel(Asking[Classified]):
    """A workload whose answers are a log-probability of each label by itself."""

    ability = "mark"

    def sample(self, index: int, answer: Classified) -> Sample:
        """Make the row with the labels that are likelier than not, in the task's order."""
        example = self.examples[index]
        right = self.columns.several(example) or ()
        applied = [label for label, score in zip(self.labels, answer.scores, strict=True) if score > HALF]
        return self.row(
            index,
            answer,
            reference=written(label for label in self.labels if label in right),
            prediction=written(applied),
            scores=answer.scores,
            answers=tuple(label for label in self.labels if label in right),
        )


class MultiLabelKind(Kind):
    """Any of a fixed set of labels."""

    name = "multi-label"
    summary = "which of a fixed set of labels apply to a text: any number of them at once"
    columns = Columns((Column("text"),), Column("labels", read_labels, may_be_none=True))
    ability = "mark"
    many_labels = True
    rules = ("majority", "nearest")
    answers = "labels"
    metrics = ("micro_f1", "macro_f1", "subset_accuracy")

    def labels_of(self, data: Dataset) -> frozenset[str]:
        """Collect the labels that occur in a split."""
        return frozenset(label for example in data.examples for label in self.columns.several(example) or ())

    def learnt(
        self, template: str, examples: Sequence[Example], labels: Sequence[str]
    ) -> tuple[list[str], Sequence[object]]:
        """List the texts, and for each which labels apply."""
        rows = [self.columns.several(example) or () for example in examples]
        return self.texts(template, examples), [[float(label in own) for label in labels] for own in rows]

    def right_places(self, examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
        """Count how often each label applies."""
        counts = Counter(label for example in examples for label in self.columns.several(example) or ())
        return tuple(counts[label] for label in labels)

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Ask for each label by itself."""
        prompts = self.texts(bound.prompt or "{text}", bound.examples)
        return MultiLabel(bound, self.columns, prompts, cast("Marks", bound.model).mark)
