"""Texts as sparse vectors: how often words and runs of characters occur, weighed by how rare they are.

Reading a text takes numpy alone: neither torch nor scikit-learn is imported, so that a model of this kind starts in
milliseconds and takes little memory. The numbers are those of scikit-learn's `TfidfVectorizer(sublinear_tf=True)`, one
for words and one for characters beside each other (`tests/candidates/test_tfidf.py` holds that).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.candidates.pairs import parts

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]
Sparse = tuple[Indices, Floats]
"""Places of the values that are not 0, ascending, and the values."""

WORD = re.compile(r"(?u)\b\w\w+\b")
SPACES = re.compile(r"\s\s+")
PAIRED = 4
"""Blocks of the vector of a pair: the first text, the second, their product, and how far they are apart.
Source: Conneau et al. 2017 (InferSent)."""


def word_grams(text: str, low: int, high: int) -> Iterator[str]:
    """Yield the runs of `low` to `high` words of two and more letters.

    >>> list(word_grams("a dark red hut", 1, 2))
    ['dark', 'red', 'hut', 'dark red', 'red hut']
    """
    words = WORD.findall(text)
    for size in range(low, high + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


def character_grams(text: str, low: int, high: int) -> Iterator[str]:
    """Yield the runs of `low` to `high` characters inside words, a space at both ends of each.

    A language without spaces is one long word, whose runs are as good.

    >>> list(character_grams("tea", 3, 4))
    [' te', 'tea', 'ea ', ' tea', 'tea ']
    """
    for word in SPACES.sub(" ", text).split():
        padded = f" {word} "
        for size in range(low, high + 1):
            yield padded[:size]
            for start in range(1, len(padded) - size + 1):
                yield padded[start : start + size]
            if len(padded) <= size:
                break  # a short word counts once


def token_grams(text: str, low: int, high: int) -> Iterator[str]:
    """Yield what is told of a token in its sentence, which `bench.candidates.windows.window` has written, as it is."""
    yield from text.split("\n")


GRAMS: Mapping[str, Callable[[str, int, int], Iterator[str]]] = {
    "words": word_grams,
    "characters": character_grams,
    "tokens": token_grams,
}


@dataclass(frozen=True, slots=True)
class Grams:
    """What is counted of a text."""

    kind: str
    """A key of `GRAMS`."""
    low: int
    high: int
    lowercase: bool = True

    def count(self, text: str) -> Counter[str]:
        """Count what occurs in a text."""
        return Counter(GRAMS[self.kind](text.lower() if self.lowercase else text, self.low, self.high))


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of grams with the vocabulary that was learnt."""

    grams: Grams
    vocabulary: Mapping[str, int]
    """The place of each gram."""
    rarity: Floats
    """ln((1 + texts) / (1 + texts that have it)) + 1, by place."""

    def vector(self, text: str) -> Sparse:
        """Weigh the grams of a text: (1 + ln count) · rarity, scaled to length 1."""
        known = self.vocabulary
        counts = {known[gram]: count for gram, count in self.grams.count(text).items() if gram in known}
        places = np.fromiter(counts, np.int64, len(counts))
        order = np.argsort(places)
        counted = np.fromiter(counts.values(), np.float32, len(counts))[order]
        places = places[order]
        values = (1 + np.log(counted)) * self.rarity[places]
        length = math.sqrt(float(values @ values))
        return places, np.asarray(values / length if length else values, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class TfIdf:
    """Several kinds of grams, one beside another."""

    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        """Count the values of a vector."""
        return sum(len(block.rarity) for block in self.blocks)

    def vector(self, text: str) -> Sparse:
        """Read one text."""
        offset, places, values = 0, [], []
        for block in self.blocks:
            own, weights = block.vector(text)
            places.append(own + offset)
            values.append(weights)
            offset += len(block.rarity)
        return np.concatenate(places), np.concatenate(values)

    def features(self, text: str) -> Sparse:
        """Read a text, or both of a pair side by side with their product and their distance."""
        read = [self.vector(part) for part in parts(text)]
        return read[0] if len(read) == 1 else paired(read[0], read[1], self.width)

    def tensors(self, prefix: str) -> dict[str, NDArray[Any]]:
        """List the arrays that hold all that was learnt."""
        arrays: dict[str, NDArray[Any]] = {}
        for number, block in enumerate(self.blocks):
            terms = "\0".join(sorted(block.vocabulary, key=block.vocabulary.__getitem__))
            arrays[f"{prefix}.{number}.terms"] = np.frombuffer(terms.encode(), dtype=np.uint8)
            arrays[f"{prefix}.{number}.rarity"] = block.rarity
        return arrays

    def described(self) -> list[dict[str, object]]:
        """Describe what is counted, JSON-able."""
        names = ("kind", "low", "high", "lowercase")
        return [{name: getattr(block.grams, name) for name in names} for block in self.blocks]

    @classmethod
    def read(cls, described: Sequence[Mapping[str, Any]], tensors: Mapping[str, NDArray[Any]], prefix: str) -> TfIdf:
        """Read what `described` and `tensors` wrote."""
        blocks = []
        for number, grams in enumerate(described):
            terms = tensors[f"{prefix}.{number}.terms"].tobytes().decode()
            vocabulary = {term: place for place, term in enumerate(terms.split("\0") if terms else ())}
            blocks.append(Block(Grams(**grams), vocabulary, tensors[f"{prefix}.{number}.rarity"]))
        return cls(tuple(blocks))


def paired(first: Sparse, second: Sparse, width: int) -> Sparse:
    """Put two vectors side by side, with their product and their distance.

    >>> one, two = (np.array([0, 2]), np.array([1.0, 2.0])), (np.array([2]), np.array([3.0]))
    >>> [part.tolist() for part in paired(one, two, 3)]
    [[0, 2, 5, 8, 9, 11], [1.0, 2.0, 3.0, 6.0, 1.0, 1.0]]
    """
    both, at_first, at_second = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    either = np.union1d(first[0], second[0])
    apart = np.zeros(len(either), dtype=np.float32)
    apart[np.searchsorted(either, first[0])] += first[1]
    apart[np.searchsorted(either, second[0])] -= second[1]
    places = (first[0], second[0] + width, both + 2 * width, either + 3 * width)
    values = (first[1], second[1], first[1][at_first] * second[1][at_second], np.abs(apart))
    return np.concatenate(places), np.concatenate(values)


def learn(texts: Iterable[str], grams: Sequence[Grams], *, min_count: int = 1, most: int | None = None) -> TfIdf:
    """Learn which grams there are, and how rare each is.

    Args:
        texts: of which pairs count as two.
        grams: what is counted.
        min_count: texts that a gram must be in.
        most: grams of a kind that are kept, those in most texts first.
    """
    split = [part for text in texts for part in parts(text)]
    return TfIdf(tuple(_block(split, each, min_count, most) for each in grams))


def _block(texts: Sequence[str], grams: Grams, min_count: int, most: int | None) -> Block:
    within: Counter[str] = Counter()
    for text in texts:
        within.update(grams.count(text).keys())
    often = [(term, count) for term, count in within.items() if count >= min_count and "\0" not in term]
    often.sort(key=lambda pair: (-pair[1], pair[0]))
    kept = sorted(often[:most])
    counts = np.array([count for _, count in kept], dtype=np.float64)
    rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
    if grams.kind == "tokens":  # what is told of a token is a fact, not a word
        rarity = np.ones(len(kept))
    return Block(grams, {term: place for place, (term, _) in enumerate(kept)}, rarity.astype(np.float32))
