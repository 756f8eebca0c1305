"""Linear heads over features: how they are solved, what they say of a text, and how they are kept without pickle.

scikit-learn solves them and is imported for that alone; what they say is a product of numpy.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.candidates.interface import Ability, Classified, Context, ModelFacts, PartialModel, Rated
from bench.candidates.solving import Lines, Notify, log_sigmoid, log_softmax
from bench.digest import content_hash
from bench.errors import EnvironmentLackError, FitError, UnsupportedError
from bench.suite import ModelSpec

Solver = Literal["logistic", "svm"]
Arrays = dict[str, NDArray[Any]]
Features: TypeAlias = Any
"""An array, or a sparse matrix of scipy, which has no types; shape `(n, features)`."""
UNSEEN = -20.0
"""Logit of a label that no training example has: a chance of 2·10⁻⁹."""
ITERATIONS = 2000
"""Of a solver, at most; a few hundred are usual."""
HEADS_FILE, ARRAYS_FILE = "heads.json", "heads.safetensors"
BELONGS = "heads"
"""Key of the arrays' file under which the hash of what `heads.json` says stands."""
HEADED: tuple[Ability, ...] = ("classify", "mark", "rate", "tag")
"""What a head can be for."""


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of one head."""

    ability: Ability
    labels: tuple[str, ...]
    solver: Solver
    weights: NDArray[np.float32]
    """Shape `(features, outputs)`."""
    bias: NDArray[np.float32]
    """Shape `(outputs,)`."""

    def answer(self, logits: NDArray[np.float64], tokens: int = 0, *, cut: bool = False) -> Classified | Rated:
        """Make the answer of a row of outputs.

        `classify` and `tag` give log-probabilities, and `mark` that of each label by itself. A support vector machine
        knows margins alone: `classify` gives these as they are, which order the labels, and `mark` treats them as
        log-odds, so that their sign decides.
        """
        if self.ability == "rate":
            return Rated(float(logits[0]), tokens, cut)
        if self.ability == "mark":
            return Classified(tuple(log_sigmoid(logits).tolist()), tokens, cut)
        scores = logits if self.solver == "svm" else log_softmax(logits[None])[0]
        return Classified(tuple(scores.tolist()), tokens, cut)


class Headed(PartialModel):
    """A model that answers by one head; a subclass computes what the head reads."""

    def answers(self, texts: Sequence[str]) -> list[Any]:
        """Let the head answer each text."""
        raise NotImplementedError(f"{type(self).__name__} has no answers")

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Score every label: log-probabilities, or the margins of a support vector machine."""
        return self.answers(texts)

    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the log-probability of each label by itself."""
        return self.answers(texts)

    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Give each text its number."""
        return self.answers(texts)


def solve_head(
    features: Features, lines: Lines, solver: Solver, c: float, *, balanced: bool, seed: int, notify: Notify
) -> Head:
    """Solve one head.

    Args:
        features: shape `(n, features)`, an array or a sparse matrix of scipy.
        lines: what is learnt.
        solver: `logistic` or `svm`.
        c: inverse strength of the regularisation.
        balanced: whether each label weighs the same, however rare.
        seed: of the support vector machine's order of examples.
        notify: told where the solver did not converge.

    Raises:
        FitError: all examples have the same label.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        columns = _columns(features, lines, _Settings(solver, c, "balanced" if balanced else None, seed))
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        notify(f"the solver did not converge in {ITERATIONS} iterations; lower 'c' ({c:g}), or take fewer features")
    weights, bias = columns
    return Head(lines.ability, lines.labels, solver, weights.astype(np.float32), bias.astype(np.float32))


@dataclass(frozen=True, slots=True)
class _Settings:
    solver: Solver
    c: float
    class_weight: str | None
    seed: int

    def classifier(self) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.solver == "svm":
            return LinearSVC(C=self.c, class_weight=self.class_weight, random_state=self.seed, max_iter=ITERATIONS)
        return LogisticRegression(C=self.c, class_weight=self.class_weight, max_iter=ITERATIONS)


Columns = tuple[NDArray[np.float64], NDArray[np.float64]]


def _columns(features: Features, lines: Lines, settings: _Settings) -> Columns:
    if lines.ability == "rate":
        from sklearn.linear_model import Ridge

        model = Ridge(alpha=1 / settings.c, random_state=settings.seed).fit(features, lines.targets)
        return np.asarray(model.coef_)[:, None], np.atleast_1d(np.asarray(model.intercept_))
    if lines.ability == "mark":
        pairs = [_yes_or_no(features, lines.targets[:, place], settings) for place in range(len(lines.labels))]
        return np.column_stack([weights for weights, _ in pairs]), np.array([bias for _, bias in pairs])
    return _one_of(features, lines, settings)


def _one_of(features: Features, lines: Lines, settings: _Settings) -> Columns:
    right = lines.targets.astype(np.int64)
    seen = np.unique(right)
    if len(seen) < 2:
        name = lines.labels[seen[0]] if len(seen) else "nothing"
        raise FitError(f"all training examples have the label '{name}', so that there is nothing to tell apart")
    model = settings.classifier().fit(features, right)
    coefficients, intercepts = np.asarray(model.coef_), np.atleast_1d(np.asarray(model.intercept_))
    if len(seen) == 2:  # one row stands for both
        below = -1.0 if settings.solver == "svm" else 0.0
        coefficients = np.vstack([below * coefficients[0], coefficients[0]])
        intercepts = np.array([below * intercepts[0], intercepts[0]])
    weights, bias = np.zeros((coefficients.shape[1], len(lines.labels))), np.full(len(lines.labels), UNSEEN)
    weights[:, seen], bias[seen] = coefficients.T, intercepts
    return weights, bias


def _yes_or_no(
    features: Features, applies: NDArray[np.float64], settings: _Settings
) -> tuple[NDArray[np.float64], float]:
    """Solve one label by itself; one that all examples have, or none, is as likely as it was."""
    count = float(applies.sum())
    if count in (0.0, float(len(applies))):
        return np.zeros(features.shape[1]), float(np.log((count + 0.5) / (len(applies) - count + 0.5)))
    model = settings.classifier().fit(features, applies.astype(np.int64))
    return np.asarray(model.coef_)[0], float(np.atleast_1d(model.intercept_)[0])


def write_heads(folder: Path, heads: Sequence[Head], about: Sequence[Mapping[str, object]], arrays: Arrays) -> None:
    """Write heads with what is known of each, and further arrays, into a folder."""
    from safetensors.numpy import save_file

    rows = [
        {"ability": head.ability, "labels": list(head.labels), "solver": head.solver, **more}
        for head, more in zip(heads, about, strict=True)
    ]
    for number, head in enumerate(heads):
        arrays = arrays | {f"{number}.weights": head.weights, f"{number}.bias": head.bias}
    folder.mkdir(exist_ok=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(contiguous, folder / ARRAYS_FILE, metadata={BELONGS: content_hash(rows)})
    (folder / HEADS_FILE).write_text(json.dumps({"version": 1, "heads": rows}, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Kept:
    """The heads of a folder."""

    folder: Path
    rows: Sequence[Mapping[str, Any]]
    arrays: Arrays

    @classmethod
    def read(cls, name: str, folder: Path) -> Kept:
        """Read what `write_heads` wrote.

        Args:
            name: of the model in the suite, for messages.
            folder: of the fitted model.

        Raises:
            EnvironmentLackError: a file is missing or damaged, or they are of different models.
        """
        from safetensors import SafetensorError, safe_open

        try:
            rows = json.loads((folder / HEADS_FILE).read_text(encoding="utf-8"))["heads"]
            with safe_open(folder / ARRAYS_FILE, "numpy") as stored:
                arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
                belongs = (stored.metadata() or {}).get(BELONGS)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise EnvironmentLackError(
                f"model '{name}': '{folder}' holds no whole {HEADS_FILE} and {ARRAYS_FILE} ({type(error).__name__}); "
                "run `bench fit` again, or copy the folder again"
            ) from error
        if belongs != content_hash(rows):
            raise EnvironmentLackError(
                f"model '{name}': '{folder}': {HEADS_FILE} is not the one that was written with {ARRAYS_FILE}, so that "
                "labels and weights may not belong together; run `bench fit` again, or copy both files again"
            )
        odd = next((key for key, array in arrays.items() if not np.isfinite(array).all()), None)
        if odd is not None:
            raise EnvironmentLackError(
                f"model '{name}': '{folder}/{ARRAYS_FILE}' holds values that are no numbers ('{odd}'); run `bench fit` "
                "again"
            )
        return cls(folder, rows, arrays)

    def choose(self, spec: ModelSpec, context: Context) -> int:
        """Find the head for a task.

        Raises:
            UnsupportedError: there is none for it.
        """
        for number, row in enumerate(self.rows):
            if row["ability"] == context.ability and set(context.labels) <= set(row["labels"]):
                return number
        known = "; ".join(f"{row['ability']} {', '.join(row['labels'][:8])}".strip() for row in self.rows)
        raise UnsupportedError(
            f"model '{spec.name}': none of its heads ({known}) is for this task; name the task in the recipe's 'tasks' "
            "and run `bench fit` again"
        )

    def head(self, number: int, labels: Sequence[str] = ()) -> Head:
        """Read one head, its outputs in the order of a task's labels."""
        row, weights, bias = self.rows[number], self.arrays[f"{number}.weights"], self.arrays[f"{number}.bias"]
        if labels:
            order = [row["labels"].index(label) for label in labels]
            weights, bias = np.ascontiguousarray(weights[:, order]), bias[order]
        return Head(row["ability"], tuple(labels or row["labels"]), row["solver"], weights, bias)


def facts_of(heads: Sequence[Head], further: Sequence[NDArray[Any]] = (), **notes: object) -> ModelFacts:
    """Describe a model of heads: what was learnt, and the bytes of its arrays."""
    arrays = [array for head in heads for array in (head.weights, head.bias)]
    count = sum(array.size for array in [*arrays, *further])
    stored = sum(array.nbytes for array in [*arrays, *further])
    return ModelFacts(int(count), int(stored), "float32", notes=dict(notes))
