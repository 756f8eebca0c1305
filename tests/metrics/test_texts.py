"""Metrics of texts against sacrebleu, rouge-score and a second writing of SQuAD's rules."""

from __future__ import annotations

import collections
import re
import string
from typing import Any

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from bench.metrics.base import Metric
from bench.metrics.bleu import Bleu
from bench.metrics.chrf import ChrF
from bench.metrics.exact_match import ExactMatch
from bench.metrics.rouge1 import Rouge1
from bench.metrics.rouge2 import Rouge2
from bench.metrics.rouge_l import RougeL
from bench.metrics.rouge_lsum import RougeLsum
from bench.metrics.ter import Ter
from bench.metrics.token_f1 import TokenF1
from bench.record import Sample
from tests.metrics.pairs import adversarial_texts, random_texts, text_samples, wrong_texts

Pairs = list[tuple[str, str]]
SETS = {
    "random": random_texts(),
    "adversarial": adversarial_texts(),
    "all-wrong": wrong_texts(),
    "empty": [("", "")] * 3,
    "nothing-said": [("", "a b c d e")] * 3,
    "nothing-wanted": [("a b c d e", "")] * 3,
    "short": [("a b", "a b")],
    "no-long-hit": [("a b x c d y", "a b z c d w")] * 2,
}


def corpus(function: Any) -> Any:
    return lambda pairs: function([p for p, _ in pairs], [[r for _, r in pairs]]).score


def rouge(kind: str) -> Any:
    def mean(pairs: Pairs) -> float:
        scorer = RougeScorer([kind], use_stemmer=False)
        return sum(scorer.score(right, given)[kind].fmeasure for given, right in pairs) / len(pairs)

    return mean


def squad_words(text: str) -> list[str]:
    bare = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def squad_f1(pairs: Pairs) -> float:
    found = []
    for given, right in pairs:
        left, wanted = squad_words(given), squad_words(right)
        same = sum((collections.Counter(left) & collections.Counter(wanted)).values())
        if not left or not wanted:
            found.append(float(left == wanted))
        elif same == 0:
            found.append(0.0)
        else:
            precision, recall = same / len(left), same / len(wanted)
            found.append(2 * precision * recall / (precision + recall))
    return sum(found) / len(found)


def squad_exact(pairs: Pairs) -> float:
    return sum(squad_words(given) == squad_words(right) for given, right in pairs) / len(pairs)


CASES: list[tuple[Metric, Any]] = [
    (Bleu(), corpus(sacrebleu.corpus_bleu)),
    (ChrF(), corpus(sacrebleu.corpus_chrf)),
    (Ter(), corpus(sacrebleu.corpus_ter)),
    (Rouge1(), rouge("rouge1")),
    (Rouge2(), rouge("rouge2")),
    (RougeL(), rouge("rougeL")),
    (RougeLsum(), rouge("rougeLsum")),
    (TokenF1(), squad_f1),
    (ExactMatch(), squad_exact),
]


@pytest.mark.parametrize("pairs", SETS.values(), ids=SETS.keys())
@pytest.mark.parametrize(("metric", "library"), CASES, ids=[metric.name for metric, _ in CASES])
def test_equals_the_library(metric: Metric, library: Any, pairs: Pairs) -> None:
    value = float(metric.value(metric.statistics(text_samples(pairs), ()).sum(axis=0)))
    assert value == pytest.approx(library(pairs), abs=1e-9)


def test_bleu_by_hand() -> None:
    samples = [Sample(0, "", "a b c d e", "a b c d")]
    value = float(Bleu().value(Bleu().statistics(samples, ()).sum(axis=0)))
    assert value == pytest.approx(100 * 2.718281828459045 ** (1 - 5 / 4))


def test_no_prediction_counts_as_empty() -> None:
    samples = [Sample(0, "", "a b c d", None), Sample(1, "", "a b c d", "a b c d")]
    for metric, library in CASES:
        value = float(metric.value(metric.statistics(samples, ()).sum(axis=0)))
        assert value == pytest.approx(library([("", "a b c d"), ("a b c d", "a b c d")]), abs=1e-9)


def test_signatures_are_sacrebleus() -> None:
    for metric, scorer in ((Bleu(), sacrebleu.BLEU()), (ChrF(), sacrebleu.CHRF()), (Ter(), sacrebleu.TER())):
        scorer.corpus_score(["a b c d"], [["a b c d"]])
        assert metric.signature == str(scorer.get_signature())


def test_rouge_says_what_a_sentence_is() -> None:
    assert "|sentences:lines|rouge-score:" in str(RougeLsum().signature)
    assert "sentences" not in str(RougeL().signature)
