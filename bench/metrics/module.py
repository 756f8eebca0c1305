"""Metrics from elsewhere: any callable, any Hugging Face `evaluate` module; and ours behind its interface.

A suite names a callable `package.module:function` and an evaluate module `evaluate:NAME`, with `@REVISION`
for a pinned one of the Hub and `#KEY` for one of several results: `evaluate:./metrics/mine#score`. A name
with a slash, `./metrics/mine` or `owner/name`, needs no `evaluate:`. Such a module is code that runs here:
naming it is consent to that.

A function of lists has no sufficient statistics. Where it gives a number per example those are the rows, and
their mean is the value. Where it gives one number for all, the rows are its jackknife influences (see
`influences`): their mean is the number exactly, and intervals are those of the metric linearised at the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Protocol

import numpy as np

from bench.catalogue.readings import Range
from bench.errors import EnvironmentLackError, HubError, InputError, UsageError, nearest
from bench.metrics.base import PERCENT_POINT, Floats, Metric
from bench.metrics.hub import download
from bench.metrics.rows import ANSWER_KINDS, LABEL_KINDS, counted, mean, predictions, references
from bench.plugins import beside, load_object
from bench.record import Sample

PREFIX = "evaluate:"
ALL_KINDS = LABEL_KINDS | ANSWER_KINDS
"""Answers whose samples have a prediction and a reference; of several right answers the first is the reference."""
LOWER_IS_BETTER = frozenset({"wer", "cer", "mse", "mape", "smape", "mase", "brier_score"})
"""The Hub's own modules whose lowest value is best, those apart that are called like a metric of bench; a callable says
so by `higher_is_better = False`."""
BLOCKS = 200
"""Most calls of a metric that gives one number for all; a standard error from 200 blocks is known to 5 %
(1 / √(2·200))."""

Texts = Sequence[str]
Score = Callable[[Texts, Texts, Sequence[str]], float | list[float]]
"""From predictions, references and labels to one number, or one per example."""


def influences(score: Callable[[Sequence[int]], float], n: int, blocks: int = BLOCKS) -> list[float]:
    """Compute one number per example, whose mean is the score of all: score + (mean of s₋ᵢ − s₋ᵢ)·(n − 1).

    s₋ᵢ is the score without example i. For a mean of per-example scores these are the scores themselves.
    Beyond `blocks` examples, `blocks` runs of neighbours are left out in turn, and their influence is scaled
    by √(n / blocks), so that the variance of the mean of the rows is that of the grouped jackknife.
    Costs min(n, blocks) + 1 calls.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 11.

    >>> influences(lambda chosen: sum(chosen) / len(chosen), 3)
    [0.0, 1.0, 2.0]
    """
    whole = score(range(n))
    if n < 2:
        return [whole] * n
    blocks = min(n, blocks)
    block = np.arange(n) * blocks // n
    without = np.asarray([score(np.flatnonzero(block != b).tolist()) for b in range(blocks)])[block]
    return [float(row) for row in whole + (n / blocks) ** 0.5 * (blocks - 1) * (without.mean() - without)]


class External(Metric):
    """A metric whose number comes from a function of lists. Rows: `score or influence, 1`."""

    definition = "What the named function or module computes."
    range = Range()

    def __init__(
        self,
        name: str,
        score: Score,
        *,
        unit: str,
        higher_is_better: bool,
        kinds: frozenset[str],
        prepare: Callable[[], object] = tuple,
    ) -> None:
        self.name = name
        self.title = self.short = name.replace("_", " ")
        self.unit = unit
        self.higher_is_better = higher_is_better
        self.kinds = kinds
        self.point = PERCENT_POINT if unit == "ratio" else None
        self._score = score
        self._prepare = prepare

    @cached_property
    def signature(self) -> str | None:
        """The name, which says what computes it and at which revision."""
        return self.name

    def prepare(self) -> None:
        """Load what computes the metric, so that a plan fails where a finished run would.

        Raises:
            HubError: the Hub does not serve it.
            InputError: it cannot be loaded.
        """
        self._prepare()

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(score or influence, 1)`, shape `(n, 2)`."""
        if not samples:
            return np.zeros((0, 2))
        given, wanted = predictions(samples), references(samples)
        whole = self._score(given, wanted, labels)
        if isinstance(whole, list):
            if len(whole) != len(samples):
                raise InputError(f"metric '{self.name}' gave {len(whole)} scores for {len(samples)} examples")
            return counted(whole)

        def on(chosen: Sequence[int]) -> float:
            part = self._score([given[i] for i in chosen], [wanted[i] for i in chosen], labels)
            return whole if len(chosen) == len(samples) else _number(part, self.name)

        return counted(influences(on, len(samples)))

    def value(self, sums: Floats) -> Floats:
        """Compute the mean of the rows."""
        return mean(sums)


def find(name: str) -> Metric:
    """Find the metric behind `package.module:function` or `evaluate:NAME`.

    Raises:
        InputError: there is no such callable, or no such folder.
    """
    if name.startswith(PREFIX) or ":" not in name:
        return _of_evaluate(name)
    function = load_object(name)
    if not callable(function):
        raise UsageError(f"metric '{name}' is not callable; give a function of predictions and references")

    def score(given: Texts, wanted: Texts, labels: Sequence[str]) -> float | list[float]:
        return _read(_called(name, lambda: function(list(given), list(wanted))), name, None)

    return External(
        name,
        score,
        unit=str(getattr(function, "unit", "score")),
        higher_is_better=bool(getattr(function, "higher_is_better", True)),
        kinds=frozenset(getattr(function, "kinds", ALL_KINDS)),
    )


def _called(name: str, call: Callable[[], object]) -> object:
    try:
        return call()
    except (Exception, SystemExit) as error:  # whatever the user's own code does, the others are computed
        raise InputError(f"metric '{name}' raised {type(error).__name__}: {error}") from error


def _read(result: object, name: str, key: str | None) -> float | list[float]:
    """Read the number, or the numbers, that a metric's result holds."""
    if isinstance(result, Mapping):
        if key in result and not isinstance(result[key], Mapping):
            return _read(result[key], name, None)
        numbers = {str(k): v for k, v in result.items() if isinstance(v, Real | np.number)}
        last = key or name.removeprefix(PREFIX).partition("@")[0].rstrip("/").rpartition("/")[2]
        if last not in numbers and (key is not None or len(numbers) != 1):
            raise InputError(f"metric '{name}' gives no '{last}'; {nearest(last, numbers)}; name one as '{name}#KEY'")
        return float(numbers.get(last, next(iter(numbers.values()))))
    if isinstance(result, Sequence | np.ndarray) and not isinstance(result, str):
        return [_number(value, name) for value in result]
    return _number(result, name)


def _number(value: object, name: str) -> float:
    if isinstance(value, Real | np.number | np.bool_):
        return float(value)
    raise InputError(f"metric '{name}' gave a {type(value).__name__}; a number, or one per example, is needed")


class Evaluated(Protocol):
    """What is used of an `evaluate` module."""

    features: Mapping[str, object] | list[Mapping[str, object]]

    def compute(self, *, predictions: Sequence[object], references: Sequence[object]) -> object:
        """Compute what the module computes, by name."""


class _Module:
    """An `evaluate` module, loaded at the first use."""

    def __init__(self, name: str) -> None:
        rest, _, key = name.removeprefix(PREFIX).partition("#")
        self.name = name
        self.path, _, self.revision = rest.partition("@")
        self.place = beside(str(Path(self.path).expanduser())) if "/" in self.path else None
        self.key = key or None
        self._unreached: HubError | None = None

    def __call__(self, given: Texts, wanted: Texts, labels: Sequence[str]) -> float | list[float]:
        """Compute the module's number."""
        left = self._as_expected("predictions", given, labels)
        right = self._as_expected("references", wanted, labels)
        result = _called(self.name, lambda: self._loaded.compute(predictions=left, references=right))
        return _read(result, self.name, self.key)

    def load(self) -> None:
        """Load the module."""
        _ = self._loaded

    @cached_property
    def _loaded(self) -> Evaluated:
        if self._unreached is not None:
            raise self._unreached  # asked before: every cell of a report would wait for it again
        try:
            place = self.place or download(self.name, self.path, self.revision)
            import evaluate  # takes seconds: after what may not be there

            loaded: Evaluated = evaluate.load(str(place.absolute()), keep_in_memory=True)
        except HubError as error:
            self._unreached = error
            raise
        except ImportError as error:
            raise EnvironmentLackError(f"metric '{self.name}': {error}; install what it names") from error
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"metric '{self.name}' cannot be loaded: {error}") from error
        return loaded

    def _as_expected(self, column: str, texts: Texts, labels: Sequence[str]) -> list[object]:
        """Turn texts into what the module declares: label numbers, floats, or lists of one reference."""
        declared = self._loaded.features
        feature = (declared[0] if isinstance(declared, list) else declared)[column]
        nested = getattr(feature, "feature", None)
        dtype = str(getattr(nested if nested is not None else feature, "dtype", "string"))
        values: list[object] = [_as_type(text, dtype, labels, self.name) for text in texts]
        return [[value] for value in values] if nested is not None else values


def _as_type(text: str, dtype: str, labels: Sequence[str], name: str) -> str | int | float:
    if dtype.startswith(("int", "uint")) and labels:
        return labels.index(text) if text in labels else len(labels)
    try:
        if dtype.startswith(("int", "uint")):
            return int(text)
        return float(text) if dtype.startswith("float") else text
    except ValueError as error:
        raise InputError(f"metric '{name}' needs numbers ({dtype}), and got '{text}'") from error


def _of_evaluate(name: str) -> Metric:
    module = _Module(name)
    if not module.path:
        raise InputError(f"'{name}' names no module; write 'evaluate:NAME'")
    if module.path.startswith((".", "/", "~")) and module.place is None:
        raise InputError(
            f"metric '{name}': there is no such file or folder, neither beside the suite nor where bench is run"
        )
    from bench.metrics.catalogue import METRICS  # which imports this module

    base = Path(module.path).stem
    better = METRICS[base].higher_is_better if base in METRICS else base not in LOWER_IS_BETTER
    return External(name, module, unit="score", higher_is_better=better, kinds=ALL_KINDS, prepare=module.load)
