"""Loads the data of a suite's tasks for planning, once per task, and finds the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.data.base import Dataset
from bench.data.source import load, overlap
from bench.errors import BenchError, EnvironmentLackError, nearest
from bench.suite import Suite, TaskSpec
from bench.suite.yaml_file import Located
from bench.tasks import KINDS
from bench.tasks.kind import Kind


@dataclass
class Data:
    """The loaded splits of one suite; loading is remembered."""

    suite: Located[Suite]
    limit: int | None = None
    """`--limit`: most examples of each scored split."""
    _loaded: dict[tuple[str, str, int | None], Dataset] = field(default_factory=dict)
    _overlaps: dict[tuple[str, str, int | None], int] = field(default_factory=dict)
    _labels: dict[int, tuple[TaskSpec, tuple[str, ...]]] = field(default_factory=dict)
    """By the task itself, which is kept beside them: a suite of many models asks for each of its tasks that often."""

    def scored(self, task: TaskSpec) -> Dataset:
        """Load the split that is scored."""
        caps = [task.max_examples or self.suite.value.defaults.max_examples, self.limit]
        set_caps = [cap for cap in caps if cap is not None]
        return self.split(task, task.data.split, min(set_caps) if set_caps else None)

    def check(self, task: TaskSpec) -> None:
        """Load the split that is scored and find its labels.

        Raises:
            SuiteError: the data cannot be read as the task needs it, or there are none.
        """
        scored = self.scored(task)
        if not scored.examples:
            at = ("tasks", self.suite.value.tasks.index(task), "data")
            raise self.suite.error(at, f"{scored.origin}: no examples; check the split and the filters")
        self.labels(task)

    def split(self, task: TaskSpec, split: str, most: int | None) -> Dataset:
        """Load a split of a task's data.

        Raises:
            SuiteError: the data cannot be read as the task needs it, with the place in the suite.
        """
        key = (task.name, split, most)
        self._check_split(task, split)
        if key not in self._loaded:
            spec = task.data.model_copy(update={"split": split})
            seed, kind = self.suite.value.defaults.seed, KINDS[task.kind]
            labelled = _has_labels(kind)
            whole = None if most is None or not labelled else self.split(task, split, None)  # read for the labels
            try:
                dataset = load(
                    spec,
                    kind.columns,
                    base=self.suite.path.parent,
                    max_examples=most,
                    seed=seed,
                    whole=whole,
                    labelled=labelled,
                )
            except EnvironmentLackError:
                raise
            except BenchError as error:
                place = ("tasks", self.suite.value.tasks.index(task), "data")
                raise self.suite.error(place, str(error)) from error
            self._loaded[key] = dataset
        return self._loaded[key]

    def overlap(self, task: TaskSpec, split: str, most: int | None) -> int:
        """Count how many scored inputs are in another split of at most so many examples; remembered, as models that
        learn from the same rows ask the same.

        Raises:
            SuiteError: the split cannot be read.
        """
        key = (task.name, split, most)
        if key not in self._overlaps:
            self._overlaps[key] = overlap(self.split(task, split, most), self.scored(task), KINDS[task.kind].columns)
        return self._overlaps[key]

    def _check_split(self, task: TaskSpec, split: str) -> None:
        """Raise where one file would have to be two splits: a model must not be trained on what it is scored on."""
        path = task.data.path
        if split != task.data.split and path is not None and (self.suite.path.parent / path.expanduser()).is_file():
            place = ("tasks", self.suite.value.tasks.index(task), "data", "path")
            raise self.suite.error(
                place,
                f"training needs the split '{split}', and this is a single file; give a folder with {split}.jsonl and "
                f"{task.data.split}.jsonl",
            )

    def labels(self, task: TaskSpec) -> tuple[str, ...]:
        """Find the labels of a task in order, once; none for a kind without labels.

        Raises:
            SuiteError: a row has a label that the suite does not list, or 'label_names' does not tell labels apart.
        """
        if id(task) not in self._labels:
            self._labels[id(task)] = task, self._labels_of(task)
        return self._labels[id(task)][1]

    def _labels_of(self, task: TaskSpec) -> tuple[str, ...]:
        kind = KINDS[task.kind]
        if not _has_labels(kind):
            return ()
        whole = self.split(task, task.data.split, None)
        labels_here = sorted(kind.labels_of(whole))
        at = ("tasks", self.suite.value.tasks.index(task))
        listed = labels_here if task.labels is None else task.labels
        for label in labels_here:
            if label not in listed:
                raise self.suite.error(
                    (*at, "labels"),
                    f"the data has the label '{label}', which is not listed; {nearest(label, listed)}",
                )
        labels = tuple(listed)
        wrong = _unclear_names(labels, task.label_names)
        if wrong is not None:
            raise self.suite.error((*at, "label_names"), wrong)
        return labels


def _has_labels(kind: Kind) -> bool:
    return kind.labelled or kind.many_labels


def _unclear_names(labels: Sequence[str], names: Mapping[str, str]) -> str | None:
    """Explain what is wrong with the texts that stand for labels, or None."""
    for name in names:
        if name not in labels:
            return f"the task has no label '{name}'; {nearest(name, labels)}"
    written: dict[str, str] = {}
    for label in labels:
        text = names.get(label, label)
        if text in written and names:
            return f"'{written[text]}' and '{label}' are both written '{text}'; no answer could tell them apart"
        written[text] = label
    return None
