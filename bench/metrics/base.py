"""The interface of a quality metric, and what it declares of itself.

A metric turns each example into a row of sufficient statistics, and sums of rows into a value. Everything else (the
score, its interval, paired tests, resampling) follows from the stored rows by arithmetic: a bootstrap replicate is
`value(weights @ statistics)`.

A metric of bench is one file in this folder; one of a third party is a class that an entry point of the group
`bench.metrics` names. Both are found, listed and shown from what the class declares.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import RATIO, Range, in_sentence
from bench.errors import InputError, nearest
from bench.record import Sample

Floats = NDArray[np.float64]

Field = Literal["prediction", "reference", "answers", "scores", "nll", "scored_tokens", "scored_bytes"]
"""What a metric reads of a `Sample`."""
LABELS_AND_TEXTS: frozenset[Field] = frozenset(("prediction", "reference"))
"""What every answer that is a label or a text has."""
PERCENT_POINT, SCORE_POINT = 0.01, 1.0
"""What people call a point: a hundredth of a share, and one of a score from 0 to 100."""
Answers = Literal["label", "short text", "text", "likelihood", "labels", "number", "tags", "order"]
"""What the answers of a kind of task are: one of a few, a short text of which any right one will do, a text, how likely
a text is, several of a few at once, a number, a tag for each token, or an order of documents."""


class Judged(Protocol):
    """What metrics ask of a kind of task; `bench.tasks.kind.Kind` declares it."""

    name: str
    answers: Answers
    metrics: tuple[str, ...]


class Metric(ABC):
    """One metric: stateless, made without arguments."""

    name: str
    """The name in suites and reports."""
    title: str
    """For headings, as the literature writes it."""
    short: str
    """For the heads of tables; the title where nothing shorter is declared."""
    unit: str = "ratio"
    """`ratio` (0 to 1), `score` (its own scale, such as BLEU's 0 to 100) or `count`."""
    range: Range = RATIO
    """The values that are possible; any other is a mistake of the metric, and is not shown."""
    higher_is_better: bool = True
    definition: str
    """What it is, in one sentence or formula."""
    source: str = ""
    """The publication or the program that defines it."""
    kinds: frozenset[str]
    """Kinds of answers (`Answers`), or of tasks, on which it makes sense."""
    reads: frozenset[Field] = LABELS_AND_TEXTS
    """What it reads of each sample."""
    groups: tuple[str, ...] = ()
    """Short names by which a suite may ask for it together with others."""
    proportion: bool = False
    """Whether it is a mean of 0/1 outcomes per example, so that a Wilson interval applies."""
    per_token: bool = False
    """Whether its unit is a token of the model's own, so that only models with the same tokens are compared by it."""
    point: float | None = PERCENT_POINT
    """What people call a point of it; None for a scale without points, whose changes are told in percent."""
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Settings that a suite may give it (`metric_options`), with their values, the default first."""
    settings: Mapping[str, str] = {}
    """The settings that differ from the defaults."""
    several: bool = False
    """Whether examples of the task have several right texts, which the signature then says."""

    def __init_subclass__(cls) -> None:
        """Let the title stand where nothing shorter is declared; a scale of its own has no bounds unless they are."""
        super().__init_subclass__()
        if cls.unit != "ratio" and cls.range is RATIO:
            cls.range = Range()
        if "title" in vars(cls) and "short" not in vars(cls):
            cls.short = cls.title

    @property
    def phrase(self) -> str:
        """The title as it reads inside a sentence."""
        return in_sentence(self.title)

    def configured(self, settings: Mapping[str, str], *, several: bool = False) -> Self:
        """Make the same metric with other settings.

        Raises:
            InputError: it has no such setting, or the setting no such value.
        """
        for name, value in settings.items():
            if name not in self.options:
                has = nearest(name, self.options) if self.options else "it has none"
                raise InputError(f"the metric '{self.name}' has no setting '{name}'; {has}")
            if value not in self.options[name]:
                valid = ", ".join(self.options[name])
                raise InputError(f"the metric '{self.name}' has no '{name}: {value}'; its values are {valid}")
        other = copy.copy(self)
        vars(other).pop("signature", None)
        other.settings = {name: value for name, value in settings.items() if value != self.options[name][0]}
        other.several = several
        return other

    def setting(self, name: str) -> str:
        """Look up the value of a setting."""
        return self.settings.get(name, self.options[name][0])

    def overlooks(self, text: str) -> bool:
        """Tell whether the metric reads so little of a reference that its value would say nothing."""
        return False

    def remedy(self, text: str) -> Mapping[str, str]:
        """Name the settings that read a reference which `overlooks` names; none where there are none."""
        return {}

    @cached_property
    def signature(self) -> str | None:
        """Name what fixes the number besides the texts, e.g. sacrebleu's signature."""
        return None

    def prepare(self) -> None:  # noqa: B027  most metrics have nothing to load
        """Load what computes the metric, so that a plan fails where a finished run would.

        Raises:
            EnvironmentLackError: something that it needs is not here.
            InputError: it cannot be loaded.
        """

    def half_examples(self, sums: Floats) -> Floats | None:
        """Make rows of statistics that stand for what few examples of a kind did not show, shape `(m, k)`; None where
        there are enough of each kind."""
        return None

    @abstractmethod
    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute the sufficient statistics, shape `(n, k)`: one row per sample."""

    @abstractmethod
    def value(self, sums: Floats) -> Floats:
        """Compute the metric, shape `(...)`, from sums of rows, shape `(..., k)`; the last column counts examples.

        NaN where the metric is undefined.
        """
