"""BLEU's words are those of sacrebleu's `13a`, though each word is read by itself."""

from __future__ import annotations

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from bench.metrics.bleu import _words
from tests.metrics.pairs import adversarial_texts, random_texts

ALPHABET = ["a", "Z", "5", "0", ".", ",", "-", "&", "&amp;", "&lt;", ";", "(", "'", "/", "…", "é", "<skipped>"]
BETWEEN = [" ", " ", "  ", "\t", "\n", "\u2028", "\x1c", "\xa0"]


def test_words_of_random_texts() -> None:
    scorer, rng = BLEU(), np.random.default_rng(0)
    texts = ["".join(rng.choice(ALPHABET + BETWEEN, size=int(rng.integers(0, 14)))) for _ in range(20_000)]
    texts += [text for pair in (*random_texts(), *adversarial_texts()) for text in pair]
    wrong = [text for text in texts if _words(text) != scorer._preprocess_segment(text).split()]
    assert wrong == []
