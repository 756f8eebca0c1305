"""TF-IDF: the numbers of scikit-learn's own vectoriser, and what is kept and read again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.candidates.pairs import Pair
from bench.candidates.tfidf import PAIRED, Grams, TfIdf, learn

TEXTS = (
    "The crane is late; the crane!",
    "Zwölf Kisten  grüner Tee",
    "a I",
    "北京市的天气很好",
    "late late late tea TEA",
    "",
)
GRAMS = (Grams("words", 1, 2), Grams("characters", 3, 5))


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_numbers_are_those_of_scikit_learn(lowercase: bool) -> None:
    ours = learn(TEXTS, [Grams(g.kind, g.low, g.high, lowercase) for g in GRAMS])
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, lowercase=lowercase)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, lowercase=lowercase)
    right = [vectoriser.fit_transform(TEXTS).toarray() for vectoriser in (words, characters)]
    for block, vectoriser in zip(ours.blocks, (words, characters), strict=True):
        assert list(block.vocabulary) == sorted(vectoriser.vocabulary_)
    dense = np.zeros((len(TEXTS), ours.width))
    for row, text in zip(dense, TEXTS, strict=True):
        places, values = ours.vector(text)
        row[places] = values
    np.testing.assert_allclose(dense, np.hstack(right), atol=1e-6)


def test_what_is_kept_reads_the_same() -> None:
    reader = learn(TEXTS, GRAMS)
    again = TfIdf.read(reader.described(), reader.tensors("0"), "0")
    for text in TEXTS:
        for own, other in zip(reader.vector(text), again.vector(text), strict=True):
            np.testing.assert_array_equal(own, other)


def test_the_rarest_are_left_out() -> None:
    reader = learn(["red tea", "red box", "red tea"], [Grams("words", 1, 1)], min_count=2)
    assert list(reader.blocks[0].vocabulary) == ["red", "tea"]
    assert list(learn(["red tea", "red box"], [Grams("words", 1, 1)], most=1).blocks[0].vocabulary) == ["red"]


def test_both_texts_of_a_pair_are_told_apart() -> None:
    reader = learn([Pair.of("", "red tea", "tea")], [Grams("words", 1, 1)])
    forth, back = (reader.features(Pair.of("", *texts)) for texts in (("red tea", "tea"), ("tea", "red tea")))
    assert forth[0].tolist() != back[0].tolist()
    assert max(forth[0]) < PAIRED * reader.width
    shared = [value for place, value in zip(*forth, strict=True) if 2 * reader.width <= place < 3 * reader.width]
    assert len(shared) == 1  # the tea
