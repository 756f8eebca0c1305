"""What a kind of task declares of itself: the base class of the one file that a kind is.

A file in `bench/tasks/kinds/` holds one class derived from `Kind`, or a plug-in names its own by an entry point in the
group `bench.tasks`. The suite's checks, the reading of data, prompts, default metrics and the worker read the
declaration, and no list of kinds is kept anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.candidates.family import Style
from bench.candidates.interface import Ability
from bench.data.base import Columns, Dataset, Example
from bench.metrics.base import Answers
from bench.suite import Scoring, TaskSpec
from bench.tasks.base import Bound, Workload


class Kind:
    """A declaration; derive a class from it, set what differs, and write `workload`."""

    name: str
    """As in suites and records."""
    summary: ClassVar[str] = ""
    """One line for `bench ls tasks`."""
    version: ClassVar[int] = 1
    """Raised when it scores differently, so that old cells are not taken for new ones."""

    columns: Columns
    """What it reads of the data."""
    prompt_columns: ClassVar[tuple[str, ...]] = ()
    """What a prompt may name; the input alone where it is empty."""
    prompts: ClassVar[Mapping[Style, str]] = {}
    """Default prompt by the style that a family reads; the input as it is where there is none."""

    ability: Ability
    """What a model must be able to do, unless the answer is written (`scoring: generated`)."""
    scorings: tuple[Scoring, ...] = ()
    """Ways in which one of a few answers may be chosen; empty where nothing is chosen."""
    labelled: ClassVar[bool] = False
    """Whether all examples choose among the same labels, which stand in the reference column."""
    many_labels: ClassVar[bool] = False
    """Whether an example has several of the same labels: a set of them, or one for each token."""
    chances: ClassVar[bool] = True
    """Whether scores are log-probabilities where the model's are; else they only order, or are numbers."""
    rules: tuple[str, ...] = ()
    """Baselines that make sense for it."""

    answers: Answers
    """What its answers are, by which metrics say whether they fit."""
    metrics: tuple[str, ...] = ()
    """Metrics of a task that names none; the first is the task's `quality`."""

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Bind a task to its data and to a loaded model."""
        raise NotImplementedError(f"the kind of task '{self.name}' has no 'workload'")

    def labels_of(self, data: Dataset) -> frozenset[str]:
        """Collect the labels that occur in a split."""
        return data.expected_texts(self.columns)

    def texts(self, template: str, examples: Sequence[Example]) -> list[str]:
        """Write the prompt of each example."""
        return [template.format_map(example.columns) for example in examples]

    def learnt(
        self, template: str, examples: Sequence[Example], labels: Sequence[str]
    ) -> tuple[list[str], Sequence[object]]:
        """List what a solver learns: the texts that it reads, and for each the place of its label.

        Raises:
            ValueError: a row has a label that is not among `labels`.
        """
        places = {label: place for place, label in enumerate(labels)}
        wanted = [self.columns.reference_text(example) for example in examples]
        for label in wanted:
            if label not in places:
                raise ValueError(f"the label '{label}' is not one of the task's; list all of them under its 'labels'")
        return self.texts(template, examples), [places[label] for label in wanted]

    def right_places(self, examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
        """Count how often each label, or each position among the choices, is right; for the majority baseline."""
        if not self.labelled:
            return ()
        counts = Counter(str(self.columns.value(example)) for example in examples)
        return tuple(counts[label] for label in labels)

    def answer(self, example: Example) -> str | tuple[str, ...]:
        """Look up what is right, as a rule says it that answers like the most similar example."""
        value = self.columns.value(example)
        return value if isinstance(value, str) else tuple(map(str, value if isinstance(value, list) else ()))

    def mean(self, examples: Sequence[Example]) -> float:
        """Compute the mean of the right numbers; 0 for a kind without numbers."""
        return 0.0

    def right_texts(self, examples: Sequence[Example]) -> Mapping[str, int]:
        """Count how often each text is the right answer, where texts are few; for the majority baseline."""
        return {}
