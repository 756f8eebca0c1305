"""`embedding`: vectors of whole texts under a linear head; and documents ranked by how near they are to a query.

The vectors come from a sentence-transformers or model2vec folder, or are means of word vectors from a text file
(GloVe's format). Only the head is fitted; the vectors stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from bench.candidates.checkpoint import files_hash, locate
from bench.candidates.family import Asks, Family, Look
from bench.candidates.heads import HEADED, HEADS_FILE, Head, Headed, Kept, Solver, solve_head, write_heads
from bench.candidates.interface import Classified, Context, ModelFacts
from bench.candidates.pairs import parts
from bench.candidates.solving import Lines, Notify, Outputs, Solving
from bench.candidates.vectors import Embedded, Embedder, Floats, form_of, knows_any, open_light
from bench.errors import EnvironmentLackError, FitError, InputError, UnsupportedError
from bench.suite import ModelSpec, VariantSpec
from bench.suite.curriculum import Choices, Range, SolverRecipe

ENCODER = "vectors"
"""Folder of a fitted model that holds what gives the vectors."""
PROBED = "probed"
"""Name of the array with the vectors of a few training texts."""
PROBES = 4
"""Beginnings of training texts whose vectors are kept, to know them again."""
PROBE_WORDS, PROBE_LETTERS = 4, 32
"""Words and letters of such a beginning at most, so that few limits of the input cut it; a text may have no spaces."""
APART, APART_INT8 = 0.25, 1.0
"""By what share of its length such a vector may differ, and in 8 bits: those of all-MiniLM-L6-v2 differ by 0.02 in
bfloat16 and by 0.2 to 0.75 in int8, unlike vectors of length 1 by 1.4."""
OTHER_VECTORS = ", so that there is nothing to tell them apart by; take vectors of their language and script"
HEADED_HERE = tuple(ability for ability in HEADED if ability != "tag")


class EmbeddingRecipe(SolverRecipe):
    """How the head over vectors is fitted."""

    begins_with = "checkpoint"
    tried: ClassVar[Mapping[str, Choices | Range]] = {
        "c": [0.1, 1.0, 10.0, 100.0],
        "solver": ["logistic", "svm"],
    }

    solver: Solver = "logistic"
    """`logistic` gives chances, `svm` (a linear support vector machine) margins; numbers are fitted by ridge
    regression either way."""
    c: float = Field(default=10.0, gt=0)
    """Inverse strength of the regularisation; of ridge regression its penalty is 1 / c."""
    balanced: bool = False
    """Whether each label weighs the same, however rare."""


def _features(embedder: Embedder, texts: Sequence[str]) -> tuple[Floats, Embedded]:
    """Embed texts; of a pair both texts, their product and their distance, side by side."""
    split = [parts(text) for text in texts]
    found = embedder.embed([part for both in split for part in both])
    if not split or len(split[0]) == 1:
        return found.vectors, found
    first, second = found.vectors[0::2], found.vectors[1::2]
    tokens = tuple(a + b for a, b in zip(found.tokens[0::2], found.tokens[1::2], strict=True))
    cut = tuple(a or b for a, b in zip(found.cut[0::2], found.cut[1::2], strict=True))
    joined = np.hstack([first, second, first * second, np.abs(first - second)])
    return joined, Embedded(joined, tokens, cut)


class Fitted:
    """Heads over the same vectors."""

    def __init__(self, embedder: Embedder, heads: Sequence[Head], identity: str, probes: Sequence[str]) -> None:
        self.embedder, self.heads, self.identity, self.probes = embedder, heads, identity, probes

    @property
    def parameters(self) -> int:
        """Numbers of the vectors' model and of the heads."""
        return self.embedder.parameters + sum(head.weights.size + head.bias.size for head in self.heads)

    def outputs(self, head: int, texts: Sequence[str]) -> Outputs:
        """Compute what a head says of texts."""
        own = self.heads[head]
        return np.asarray(_features(self.embedder, texts)[0] @ own.weights + own.bias, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the heads, and what gives the vectors beside them."""
        folder.mkdir(exist_ok=True)
        self.embedder.save(folder / ENCODER)
        about = {"vectors": self.identity, "probes": list(self.probes)}
        write_heads(folder, self.heads, [about for _ in self.heads], {PROBED: self.embedder.embed(self.probes).vectors})


class Remembering:
    """What gives vectors, and keeps those of every text: trials and folds of a fit ask for the same ones."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.parameters, self.nbytes, self.notes = embedder.parameters, embedder.nbytes, embedder.notes
        self._known: dict[str, Floats] = {}

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts, each once; nothing is told of their tokens."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self.embedder.embed(new).vectors, strict=True))
        vectors = np.stack([self._known[text] for text in texts]) if texts else self.embedder.embed([]).vectors
        return Embedded(vectors, (0,) * len(texts), (False,) * len(texts))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens that are read of each text."""
        return self.embedder.lengths(texts)

    def save(self, folder: Path) -> None:
        """Write what gives the vectors."""
        self.embedder.save(folder)


class EmbeddingSolving(Solving):
    """One solver for each head, over vectors that stay as they are."""

    recipe = EmbeddingRecipe

    def __init__(self) -> None:
        self._opened: tuple[str, Remembering] | None = None

    def solve(
        self, spec: ModelSpec, recipe: SolverRecipe, heads: Sequence[Lines], device: str, notify: Notify
    ) -> Fitted:
        """Embed the texts, and solve the heads."""
        assert isinstance(recipe, EmbeddingRecipe)
        folder = _folder(spec)
        identity = files_hash(folder)
        if self._opened is None or self._opened[0] != f"{identity} {device}":
            opened = open_embedder(spec, VariantSpec(), Context(device, "classify"), folder)
            self._opened = f"{identity} {device}", Remembering(opened)
        embedder, solved = self._opened[1], []
        for lines in heads:
            features, _ = _features(embedder, lines.texts)
            if len(set(lines.texts)) > 1 and not np.ptp(features, axis=0).any():
                raise FitError(f"all {len(lines.texts):,} training texts have one and the same vector{OTHER_VECTORS}")
            notify(f"{len(lines.texts):,} texts, {features.shape[1]:,} features")
            solver, seed = recipe.solver, recipe.seed
            solved.append(
                solve_head(features, lines, solver, recipe.c, balanced=recipe.balanced, seed=seed, notify=notify)
            )
        return Fitted(embedder, solved, identity, _probes(heads[0].texts))

    def why_not(self, spec: ModelSpec, texts: Iterable[str]) -> str | None:
        """Explain that word vectors have no word of the texts."""
        folder = _vectors_in(_folder(spec))
        if form_of(folder) != "words" or knows_any(folder, (part for text in texts for part in parts(text))):
            return None
        return f"no word of the training texts has a vector in '{folder}'{OTHER_VECTORS}"


def _probes(texts: Sequence[str]) -> list[str]:
    """Take the first few words of some texts, of a pair of its first; no beginning twice."""
    beginnings = (" ".join(parts(text)[0].split()[:PROBE_WORDS])[:PROBE_LETTERS] for text in texts)
    return list(islice(dict.fromkeys(beginnings), PROBES))


def open_embedder(spec: ModelSpec, variant: VariantSpec, context: Context, folder: Path) -> Embedder:
    """Open what gives the vectors.

    Raises:
        UnsupportedError: a variant of vectors that are looked up.
        EnvironmentLackError: a file is missing or damaged.
    """
    if form_of(folder) == "sentence":
        from bench.candidates.sentences import SentenceEncoder

        return SentenceEncoder(spec, variant, context, folder)
    if variant != VariantSpec():
        raise UnsupportedError(
            f"model '{spec.name}': its vectors are looked up, and have no variants; leave '{variant.label}' out"
        )
    return open_light(spec.name, folder, context.max_input_tokens)


@dataclass(frozen=True, slots=True)
class FittedOver:
    """A few texts of the training with their vectors, by which those under a head are known again."""

    name: str
    """Of the model in the suite, for messages."""
    folder: Path
    """Of the fitted model."""
    probes: Sequence[str]
    vectors: Floats
    """Shape `(probes, width)`."""
    apart: float | None
    """By what share of its length each may differ; None where any may."""

    def check_width(self, embedder: Embedder) -> None:
        """Refuse vectors of another width than the head reads; nothing is embedded.

        Raises:
            EnvironmentLackError: they are of another one.
        """
        width, wanted = embedder.embed([]).vectors.shape[1], self.vectors.shape[1]
        if width != wanted:
            raise self._another(f"vectors of {width:,} numbers, and the head reads {wanted:,}")

    def check_values(self, embedder: Embedder) -> None:
        """Refuse vectors that differ from those of the fit, where what is loaded reads the whole text.

        Raises:
            EnvironmentLackError: one does.
        """
        if self.apart is None:
            return
        again = embedder.embed(self.probes)
        apart = np.linalg.norm(again.vectors - self.vectors, axis=1)
        same = apart <= self.apart * np.linalg.norm(self.vectors, axis=1)
        if not bool((same | np.array(again.cut)).all()):
            raise self._another("other values for the same texts")

    def _another(self, how: str) -> EnvironmentLackError:
        return EnvironmentLackError(
            f"model '{self.name}': what '{self.folder / ENCODER}' gives is not what the head was fitted over ({how}): "
            "it is another model, or a file of it was changed; run `bench fit` again"
        )


class Embedding(Headed):
    """Vectors, and the head for a task."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        folder = _folder(spec)
        self.device = context.device
        self.abilities = frozenset({context.ability})
        self._head: Head | None = None
        self._fitted_over: FittedOver | None = None
        self._collection: tuple[Sequence[str], Floats, int, bool] | None = None
        if context.ability in HEADED_HERE:
            kept = Kept.read(spec.name, folder)
            self._head = kept.head(kept.choose(spec, context), context.labels)
            self.log_probabilities = self._head.solver == "logistic"
            probes, vectors = kept.rows[0]["probes"], kept.arrays[PROBED]
            self._fitted_over = FittedOver(spec.name, folder, probes, vectors, _most_apart(variant))
        self._embedder = open_embedder(spec, variant, context, _vectors_in(folder))
        if self._fitted_over is not None:
            self._fitted_over.check_width(self._embedder)

    def check_parts(self) -> None:
        """Refuse vectors over which the head was not fitted.

        Raises:
            EnvironmentLackError: they are of another model, or a file of it was changed.
        """
        if self._fitted_over is not None:
            self._fitted_over.check_values(self._embedder)

    def answers(self, texts: Sequence[str]) -> list[Any]:
        """Let the head answer the vectors of the texts."""
        if not texts or self._head is None:
            return []
        features, found = _features(self._embedder, texts)
        rows = np.asarray(features @ self._head.weights + self._head.bias, dtype=np.float64)
        told = zip(rows, found.tokens, found.cut, strict=True)
        return [self._head.answer(row, tokens, cut=cut) for row, tokens, cut in told]

    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Score each query's documents by the cosine of their vectors; documents that were indexed are not read
        again."""
        asked = self._embedder.embed(queries)
        units = _units(asked.vectors)
        ranked = []
        for place, own in enumerate(documents):
            known = self._collection is not None and self._collection[0] is own
            vectors, read, cut = self._collection[1:] if self._collection is not None and known else self._read(own)
            tokens = asked.tokens[place] + (0 if known else read)
            ranked.append(Classified(tuple((vectors @ units[place]).tolist()), tokens, asked.cut[place] or cut))
        return ranked

    def index(self, documents: Sequence[str]) -> None:
        """Read documents that will be ranked for many queries."""
        self._collection = (documents, *self._read(documents))

    def _read(self, documents: Sequence[str]) -> tuple[Floats, int, bool]:
        """Embed documents, shape `(n, width)`, each of length 1; with their tokens, and whether any was cut."""
        found = self._embedder.embed(documents)
        return _units(found.vectors), sum(found.tokens), any(found.cut)

    def unknown_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """Count the words or tokens that have no vector, and all of them."""
        count = getattr(self._embedder, "unknown_tokens", None)
        return (0, 0) if count is None else count(texts)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens that are read of each text."""
        split = [parts(text) for text in texts]
        counts = iter(self._embedder.lengths([part for both in split for part in both]))
        return [sum(next(counts) for _ in both) for both in split]

    def length(self, text: str) -> int:
        """Count the tokens that are read of a text."""
        return self.lengths([text])[0]

    def facts(self) -> ModelFacts:
        """Describe the vectors' model and the head together."""
        head = [] if self._head is None else [self._head.weights, self._head.bias]
        own = getattr(self._embedder, "facts", None)
        known = ModelFacts(0, 0, "float32") if own is None else own()
        return ModelFacts(
            self._embedder.parameters + sum(array.size for array in head),
            self._embedder.nbytes + sum(array.nbytes for array in head),
            known.dtype,
            known.attention,
            known.module,
            notes={**known.notes, **self._embedder.notes},
        )


def _most_apart(variant: VariantSpec) -> float | None:
    """Tell how far the vectors of a variant may be from those of the fit; None where weights were taken out of it, or
    4 bits are left of them, which moves vectors as far as another model does."""
    if variant.quantise == "int4" or variant.prune or variant.shrink or variant.sparsity:
        return None
    return APART_INT8 if variant.quantise else APART


def _units(vectors: Floats) -> Floats:
    """Scale vectors to length 1; one of nothing stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _folder(spec: ModelSpec) -> Path:
    place = locate(str(spec.checkpoint), Path())
    if place.folder is None:
        raise UnsupportedError(
            f"model '{spec.name}': vectors are read from a folder on this machine, and '{spec.checkpoint}' is none; "
            "download it (`hf download`), and give its folder"
        )
    return place.folder


def _vectors_in(folder: Path) -> Path:
    """Find what gives the vectors: inside a fitted model, or the folder itself."""
    return folder / ENCODER if (folder / HEADS_FILE).is_file() else folder


class EmbeddingFamily(Family):
    """Vectors of texts under a linear head."""

    name = "embedding"
    summary = "sentence-transformers, model2vec or word vectors under a logistic head; ranks by cosine without one"
    abilities = frozenset((*HEADED_HERE, "rank"))
    lacks = {
        "generate": "vectors write no text",
        "choose": "a head over vectors knows fixed labels, not a question's choices",
        "log_likelihood": "vectors have no likelihood of a text",
        "tag": "a vector stands for a whole text, not for its tokens",
    }
    scorings = {"classify": ("head",)}
    needs = ("checkpoint",)
    look = Look("#56B4E9", "#7CC8F2", "p", "triangle-left")
    solving = EmbeddingSolving()

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Embedding:
        """Load the vectors, and the head for a task."""
        return Embedding(spec, variant, context)

    def uses_torch(self, spec: ModelSpec) -> bool:
        """Tell whether the vectors come from a network; those that are looked up need no torch."""
        try:
            return form_of(_vectors_in(_folder(spec))) == "sentence"
        except (InputError, EnvironmentLackError, UnsupportedError, OSError):
            return True

    def why_not(self, kind: Asks, spec: ModelSpec | None) -> str | None:
        """Explain that there is no head for a task that needs one."""
        reason = super().why_not(kind, spec)
        if reason is not None or spec is None or spec.fit is not None or kind.ability not in HEADED_HERE:
            return reason
        try:
            fitted = (_folder(spec) / HEADS_FILE).is_file()
        except (InputError, EnvironmentLackError, UnsupportedError):
            return None  # its loading says so
        return None if fitted else f"the vectors of '{spec.name}' have no head; add a 'fit' to fit one"
