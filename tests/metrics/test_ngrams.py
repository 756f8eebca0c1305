from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bench.metrics.bleu import Bleu
from bench.metrics.chrf import ChrF
from bench.metrics.ngrams import shared_ngrams
from bench.record import Sample

TEXTS = st.lists(
    st.tuples(st.text("ab éé\u3000\n東👩", max_size=12), st.text("ab éx東", max_size=12)), min_size=1, max_size=6
)


def by_sacrebleu(scorer: Any, given: list[str], wanted: list[str]) -> list[list[int]]:
    scorer._ref_cache = scorer._cache_references([wanted])
    return [list(row) for row in scorer._extract_corpus_statistics(given, None)]


@given(TEXTS)
def test_chrf_counts_are_those_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    given, wanted = [a for a, _ in pairs], [b for _, b in pairs]
    rows = ChrF().statistics([Sample(i, str(i), b, a) for i, (a, b) in enumerate(pairs)], ())
    assert np.array_equal(rows[:, :-1], by_sacrebleu(CHRF(), given, wanted))


@given(TEXTS)
def test_bleu_counts_are_those_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    given, wanted = [a for a, _ in pairs], [b for _, b in pairs]
    rows = Bleu().statistics([Sample(i, str(i), b, a) for i, (a, b) in enumerate(pairs)], ())
    assert np.array_equal(rows[:, :-1], by_sacrebleu(BLEU(force=True), given, wanted))


def test_by_hand() -> None:
    """aab and ab share a, b and ab."""
    found = shared_ngrams(["aab"], ["ab"], 3, str)
    assert found is not None
    assert (found.given.tolist(), found.wanted.tolist(), found.hits.tolist()) == ([3], [2], [[2, 1, 0]])


def test_too_many_symbols_do_not_fit() -> None:
    assert shared_ngrams(["a"] * 10, ["".join(map(chr, range(0x4E00, 0x5400)))] * 10, 6, str) is None
