"""The baseline `nearest`: cosines as scikit-learn computes them, and the answer of the most similar example."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.candidates import FAMILIES
from bench.candidates.interface import Context, Decoding, Taught
from bench.candidates.nearest import Index
from bench.suite import ModelSpec, VariantSpec

TAUGHT = (
    Taught("twelve boxes of green tea", "tea"),
    Taught("a crane lifts the steel beams", "steel"),
    Taught("steel screws, in boxes", "screws"),
)


def nearest(ability: str, taught=TAUGHT, **changes):
    spec = ModelSpec(name="near", family="baseline", strategy="nearest")
    return FAMILIES["baseline"].load(spec, VariantSpec(), Context("cpu", ability, taught=taught, **changes))


def test_similarities_are_cosines_of_tfidf() -> None:
    texts = [example.text for example in TAUGHT]
    query = "boxes of green steel"
    parts = []
    for options in ({}, {"analyzer": "char_wb", "ngram_range": (3, 4)}):
        vectoriser = TfidfVectorizer(sublinear_tf=True, **options).fit(texts)
        parts.append((vectoriser.transform(texts).toarray(), vectoriser.transform([query]).toarray()))
    rows, wanted = np.hstack([part[0] for part in parts]), np.hstack([part[1] for part in parts])[0]
    cosines = rows @ wanted / np.linalg.norm(rows, axis=1) / np.linalg.norm(wanted)
    np.testing.assert_allclose(Index(texts).similarities(query), cosines, atol=1e-6)
    assert Index(texts).similarities("xyz").tolist() == [0, 0, 0]


def test_the_answer_is_that_of_the_most_similar_example() -> None:
    written = nearest("generate").generate(["the crane lifts beams", "green tea"], Decoding())
    assert [answer.text for answer in written] == ["steel", "tea"]
    labels = ("screws", "steel", "tea", "never seen")
    scores = nearest("classify", labels=labels).classify(["green tea, please"])[0].scores
    assert int(np.argmax(scores)) == 2
    assert scores[3] == 0


def test_numbers_and_several_labels_are_looked_up_too() -> None:
    numbers = (Taught("cold", "-3.5"), Taught("hot", "31"))
    assert [answer.value for answer in nearest("rate", numbers).rate(["so hot", "very cold"])] == [31.0, -3.5]
    several = (Taught("rain and wind", ("wet", "windy")), Taught("sun", ()))
    marked = nearest("mark", several, labels=("dry", "wet", "windy")).mark(["wind, rain", "sun"])
    assert [[score > np.log(0.5) for score in answer.scores] for answer in marked] == [[False, True, True], [False] * 3]


def test_documents_are_ranked_by_their_similarity() -> None:
    scores = nearest("rank").rank(["green tea"], [["steel", "some green tea", "tea"]])[0].scores
    assert np.argsort(scores).tolist() == [0, 2, 1]
