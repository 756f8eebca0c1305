"""The most similar training example, by the cosine of TF-IDF vectors: numpy alone, an inverted index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.candidates import tfidf

GRAMS = (tfidf.Grams("words", 1, 1), tfidf.Grams("characters", 3, 4))
"""Words, and runs of characters for languages without spaces and for words in another form."""


class Index:
    """Texts that are found by what they have in common with another."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.reader = tfidf.learn(texts, GRAMS)
        rows = [self._vector(text) for text in texts]
        self.count = len(texts)
        places = np.concatenate([own for own, _ in rows]) if rows else np.zeros(0, dtype=np.int64)
        values = np.concatenate([own for _, own in rows]) if rows else np.zeros(0, dtype=np.float32)
        owners = np.repeat(np.arange(len(rows), dtype=np.int32), [len(own) for own, _ in rows])
        order = np.argsort(places, kind="stable")
        self._owners, self._values = owners[order], values[order]
        self._starts = np.searchsorted(places[order], np.arange(self._width + 1))

    @property
    def _width(self) -> int:
        return self.reader.width * tfidf.PAIRED

    def _vector(self, text: str) -> tfidf.Sparse:
        """Read a text; of a pair both texts and what they share."""
        places, values = self.reader.features(text)
        length = float(np.sqrt(values @ values))
        return places, np.asarray(values / length if length else values, dtype=np.float32)

    @property
    def nbytes(self) -> int:
        """Count the bytes of the index."""
        return self._owners.nbytes + self._values.nbytes + self._starts.nbytes

    def similarities(self, text: str) -> NDArray[np.float64]:
        """Compute the cosine of a text with every text of the index, shape `(count,)`, 0 to 1."""
        places, values = self._vector(text)
        spans = [slice(self._starts[place], self._starts[place + 1]) for place in places]
        if not spans:
            return np.zeros(self.count)
        owners = np.concatenate([self._owners[span] for span in spans])
        products = np.concatenate([self._values[span] * value for span, value in zip(spans, values, strict=True)])
        return np.asarray(np.bincount(owners, weights=products, minlength=self.count), dtype=np.float64)

    def nearest(self, text: str) -> int:
        """Find the most similar text, the first on a tie."""
        return int(self.similarities(text).argmax())
