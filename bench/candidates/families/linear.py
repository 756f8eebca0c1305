"""`linear`: logistic regression or a linear support vector machine over TF-IDF of words and characters.

The honest rival of every network: it is fitted in seconds, starts in milliseconds and answers in a fraction of one.
scikit-learn solves it; what answers is numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from bench.candidates import tfidf
from bench.candidates.checkpoint import locate
from bench.candidates.family import Family, Look
from bench.candidates.heads import HEADED, HEADS_FILE, Head, Headed, Kept, Solver, facts_of, solve_head, write_heads
from bench.candidates.interface import Ability, Context, ModelFacts, Tagged
from bench.candidates.pairs import parts
from bench.candidates.solving import Lines, Notify, Outputs, Solving
from bench.candidates.windows import windows
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, VariantSpec
from bench.suite.curriculum import Choices, Range, SolverRecipe

SHORTEST = 3
"""Characters of the shortest run that is counted: two say little of a word, and there are as many of them."""


class LinearRecipe(SolverRecipe):
    """How a linear model is fitted."""

    tried: ClassVar[Mapping[str, Choices | Range]] = {
        "c": [0.3, 1.0, 3.0, 10.0, 30.0],
        "words": [1, 2],
        "characters": [0, 5],
        "min_count": [1, 2],
        "solver": ["logistic", "svm"],
    }

    solver: Solver = "logistic"
    """`logistic` gives chances, `svm` (a linear support vector machine) margins; numbers are fitted by ridge
    regression either way."""
    c: float = Field(default=10.0, gt=0)
    """Inverse strength of the regularisation; of ridge regression its penalty is 1 / c."""
    words: int = Field(default=2, ge=0, le=5)
    """Words of the longest run that is counted; 0 for none."""
    characters: int = Field(default=5, ge=0, le=8)
    """Characters of the longest run inside a word that is counted, from 3 on; 0 for none."""
    min_count: int = Field(default=1, ge=1)
    """Training texts that a run must be in."""
    max_features: int = Field(default=100_000, ge=1)
    """Runs of words, and of characters, that are kept: those in most texts."""
    lowercase: bool = True
    """Whether capitals are read as small letters."""
    balanced: bool = False
    """Whether each label weighs the same, however rare."""

    @model_validator(mode="after")
    def _reads_something(self) -> LinearRecipe:
        if not self.words and self.characters < SHORTEST:
            raise ValueError(f"'words: 0' needs 'characters' of {SHORTEST} or more; else nothing of a text is read")
        if 0 < self.characters < SHORTEST:
            raise ValueError(f"'characters' ({self.characters}) must be {SHORTEST} or more, or 0 for none")
        return self

    def grams(self, ability: Ability) -> list[tfidf.Grams]:
        """List what is counted of a text, or of a token."""
        if ability == "tag":
            return [tfidf.Grams("tokens", 1, 1, lowercase=False)]
        kinds = [tfidf.Grams("words", 1, self.words, self.lowercase)] if self.words else []
        if self.characters:
            kinds.append(tfidf.Grams("characters", SHORTEST, self.characters, self.lowercase))
        return kinds


class Fitted:
    """Heads with what each reads of a text."""

    def __init__(self, readers: Sequence[tfidf.TfIdf], heads: Sequence[Head]) -> None:
        self.readers, self.heads = readers, heads

    @property
    def parameters(self) -> int:
        """Numbers that were learnt, how rare each gram is among them."""
        return sum(head.weights.size + head.bias.size for head in self.heads) + sum(
            reader.width for reader in self.readers
        )

    def outputs(self, head: int, texts: Sequence[str]) -> Outputs:
        """Compute what a head says of texts."""
        own, reader = self.heads[head], self.readers[head]
        rows = [_product(reader.features(text), own) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, own.weights.shape[1]))

    def save(self, folder: Path) -> None:
        """Write heads and vocabularies."""
        about = [{"features": reader.described()} for reader in self.readers]
        arrays = {name: a for number, each in enumerate(self.readers) for name, a in each.tensors(str(number)).items()}
        write_heads(folder, self.heads, about, arrays)


def _product(features: tfidf.Sparse, head: Head) -> Outputs:
    places, values = features
    return np.asarray(values @ head.weights[places] + head.bias, dtype=np.float64)


class LinearSolving(Solving):
    """TF-IDF, then one solver for each head."""

    recipe = LinearRecipe

    def solve(
        self, spec: ModelSpec, recipe: SolverRecipe, heads: Sequence[Lines], device: str, notify: Notify
    ) -> Fitted:
        """Learn the vocabularies and solve the heads."""
        assert isinstance(recipe, LinearRecipe)
        readers, solved = [], []
        for lines in heads:
            grams = recipe.grams(lines.ability)
            reader = tfidf.learn(lines.texts, grams, min_count=recipe.min_count, most=recipe.max_features)
            notify(f"{len(lines.texts):,} texts, {reader.width:,} features")
            solver, seed = recipe.solver, recipe.seed
            matrix = _matrix([reader.features(text) for text in lines.texts], reader, lines)
            readers.append(reader)
            solved.append(
                solve_head(matrix, lines, solver, recipe.c, balanced=recipe.balanced, seed=seed, notify=notify)
            )
        return Fitted(readers, solved)


def _matrix(rows: Sequence[tfidf.Sparse], reader: tfidf.TfIdf, lines: Lines) -> Any:
    """Put sparse vectors under each other."""
    from scipy.sparse import csr_matrix

    blocks = tfidf.PAIRED if any(len(parts(text)) > 1 for text in lines.texts[:1]) else 1
    starts = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    values = np.concatenate([values for _, values in rows]).astype(np.float64)
    return csr_matrix((values, places, starts), shape=(len(rows), blocks * reader.width))


class Linear(Headed):
    """One head of a fitted linear model."""

    def __init__(self, spec: ModelSpec, context: Context) -> None:
        kept = Kept.read(spec.name, _folder(spec))
        number = kept.choose(spec, context)
        self.abilities = frozenset({context.ability})
        self._head = kept.head(number, context.labels)
        self._reader = tfidf.TfIdf.read(kept.rows[number]["features"], kept.arrays, str(number))
        self.log_probabilities = self._head.solver == "logistic"
        self._notes = {"features": self._reader.width, "solver": self._head.solver}

    def answers(self, texts: Sequence[str]) -> list[Any]:
        """Let the head answer the features of each text."""
        return [self._head.answer(_product(self._reader.features(text), self._head)) for text in texts]

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Tag each token by what it is and what is around it."""
        tagged = []
        for sentence in sentences:
            rows = [_product(self._reader.features(text), self._head) for text in windows(sentence)]
            tagged.append(Tagged(tuple(self._head.labels[int(row.argmax())] for row in rows), 0))
        return tagged

    def facts(self) -> ModelFacts:
        """Describe the head, and how rare each gram is; the vocabulary's texts are no weights."""
        return facts_of([self._head], [block.rarity for block in self._reader.blocks], **self._notes)


def _folder(spec: ModelSpec) -> Path:
    place = locate(str(spec.checkpoint), Path())
    if place.folder is None:
        raise UnsupportedError(
            f"model '{spec.name}': a linear model is a folder that `bench fit` wrote, and '{spec.checkpoint}' is none; "
            "give its 'fit', or that folder"
        )
    return place.folder


class LinearFamily(Family):
    """TF-IDF under a linear head."""

    name = "linear"
    summary = "TF-IDF over words and characters under logistic regression or a linear SVM; fitted in seconds"
    abilities = frozenset(HEADED)
    lacks = {
        "generate": "a linear model writes no text",
        "choose": "a linear model knows fixed labels, not a question's choices",
        "log_likelihood": "a linear model has no likelihood of a text",
        "rank": "a linear model compares no query with a document",
    }
    scorings = {"classify": ("head",)}
    needs = ("fit", "checkpoint")
    takes_variants = False
    needs_torch = False
    look = Look("#CC79A7", "#E39BC3", "P", "triangle-right")
    solving = LinearSolving()

    def why_no_head(self, spec: ModelSpec, labels: Sequence[str]) -> str | None:
        """Explain that the checkpoint is none that a solver fitted."""
        if spec.fit is not None:
            return None
        try:
            fitted = (_folder(spec) / HEADS_FILE).is_file()
        except UnsupportedError as error:
            return str(error)
        return None if fitted else f"its checkpoint holds no fitted head ({HEADS_FILE}); add a 'fit' to fit one"

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Linear:
        """Load the head for a task."""
        return Linear(spec, context)
