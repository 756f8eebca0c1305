"""Every built-in metric on 500 random and 50 adversarial examples, against the reference library called directly.

And from the stored rows: each replicate of the resampling is the library's number on the resampled examples, so that
any interval is that of resampling from scratch. A metric that is added without a reference here fails a test.
"""

from __future__ import annotations

import collections
import json
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu
import torch
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import pearsonr, spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    matthews_corrcoef,
    mean_absolute_error,
    ndcg_score,
    recall_score,
)
from sklearn.preprocessing import MultiLabelBinarizer

from bench.metrics.base import Metric
from bench.metrics.catalogue import METRICS
from bench.record import Sample
from bench.stats.resample import Resamples
from tests.metrics.pairs import (
    ANSWERS,
    LABELS,
    adversarial_texts,
    answers_of,
    label_samples,
    random_texts,
    resampled_as,
    text_samples,
)
from tests.metrics.test_texts import squad_words

Reference = Callable[[Sequence[Sample]], float]
BUILT_IN = sorted(METRICS.built_in)
UNICODE = ("", "Größe", "東京", "👩‍👩‍👧", "e\u0301")
"""Labels: empty, and outside ASCII."""
VOCABULARY = 7
TOP = 10
"""Documents of an order that are looked at where a suite says nothing."""
NAME = re.compile(r"(?<!\S)[BI]-(\S+)(?: I-\1(?!\S))*")
"""A name in a line of IOB tags: a beginning, or an `I` after nothing of its type, and all `I` of the type behind it."""


def split(samples: Sequence[Sample]) -> tuple[list[str], list[str]]:
    return [s.reference for s in samples], [s.prediction or "" for s in samples]


def labels(function: Any, **options: Any) -> Reference:
    return lambda samples: float(function(*split(samples), **options))


def corpus(function: Any) -> Reference:
    return lambda samples: float(function(split(samples)[1], [split(samples)[0]]).score)


def rouge(kind: str) -> Reference:
    scorer = RougeScorer([kind], use_stemmer=False)
    return lambda samples: float(
        np.mean([scorer.score(s.reference, s.prediction or "")[kind].fmeasure for s in samples])
    )


def squad(one: Callable[[list[str], list[str]], float]) -> Reference:
    """SQuAD's script keeps the highest over the right answers. It is no library: written again from its text."""

    def mean(samples: Sequence[Sample]) -> float:
        best = [
            max(one(squad_words(s.prediction or ""), squad_words(right)) for right in s.answers or (s.reference,))
            for s in samples
        ]
        return float(np.mean(best))

    return mean


def squad_f1(given: list[str], right: list[str]) -> float:
    same = sum((collections.Counter(given) & collections.Counter(right)).values())
    if not given or not right:
        return float(given == right)
    if not same:
        return 0.0
    precision, recall = same / len(given), same / len(right)
    return 2 * precision * recall / (precision + recall)


def calibration(samples: Sequence[Sample]) -> float:
    """From scikit-learn's reliability curve, whose bins are open on the other side: no confidence is on an edge."""
    confidence = np.array([np.exp(s.scores).max() for s in samples])
    right = np.array([s.prediction == s.reference for s in samples])
    share, mean = calibration_curve(right, confidence, n_bins=15)
    held = np.histogram(confidence, bins=np.linspace(0, 1, 16))[0]
    return float((held[held > 0] / len(samples) * np.abs(share - mean)).sum())


def torch_nats(samples: Sequence[Sample]) -> tuple[float, int]:
    """Torch's cross entropy over all tokens of all texts at once, and how many they are."""
    logits, targets = zip(*(sequence(s.index) for s in samples), strict=True)
    loss = torch.nn.functional.cross_entropy(torch.cat(logits), torch.cat(targets), reduction="sum")
    return float(loss), sum(map(len, targets))


def perplexity(samples: Sequence[Sample]) -> float:
    nats, tokens = torch_nats(samples)
    return math.exp(nats / tokens)


def bits_per_byte(samples: Sequence[Sample]) -> float:
    return torch_nats(samples)[0] / math.log(2) / sum(len(s.reference.encode()) for s in samples)


def numbers(function: Any) -> Reference:
    """A function of right and given numbers, as scikit-learn and scipy order them."""
    return lambda samples: float(function(*(list(map(float, side)) for side in split(samples))))


def subset_accuracy(samples: Sequence[Sample]) -> float:
    """Scikit-learn's accuracy of indicator matrices."""
    indicators = MultiLabelBinarizer(classes=list(LABELS)).fit([])
    given = [json.loads(s.prediction) if s.prediction else [] for s in samples]
    return float(accuracy_score(indicators.transform([s.answers or () for s in samples]), indicators.transform(given)))


def entity_f1(samples: Sequence[Sample]) -> float:
    """F1 of the spans that a regular expression finds; `test_entities.py` holds the metric to seqeval."""

    def spans(tags: str) -> set[tuple[int, int, str]]:
        return {(tags[: m.start()].count(" "), tags[: m.end()].count(" "), m[1]) for m in NAME.finditer(tags)}

    right, given = ([spans(text) for text in side] for side in split(samples))
    hits = sum(len(a & b) for a, b in zip(right, given, strict=True))
    return 2 * hits / (sum(map(len, right)) + sum(map(len, given)))


def tag_accuracy(samples: Sequence[Sample]) -> float:
    """Scikit-learn's accuracy of all tokens in one list; a tag that is lacking is wrong, one too many is left out."""
    right, given = [], []
    for s in samples:
        tags = s.reference.split()
        right += tags
        given += [*(s.prediction or "").split(), *[""] * len(tags)][: len(tags)]
    return float(accuracy_score(right, given))


def orders(samples: Sequence[Sample]) -> list[list[int]]:
    """The grades of each query's documents, best document first, the least relevant first among equals."""
    found = []
    for s in samples:
        pairs = zip(s.scores or (), map(int, s.answers or ()), strict=True)
        found.append([grade for _, grade in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))])
    return found


def ndcg(samples: Sequence[Sample]) -> float:
    """Scikit-learn's, which refuses a single document."""
    found = [
        ndcg_score([grades], [range(len(grades), 0, -1)], k=TOP) if len(grades) > 1 else float(grades[0] > 0)
        for grades in orders(samples)
    ]
    return float(np.mean(found))


def mrr(samples: Sequence[Sample]) -> float:
    """It is in no library here: written out."""
    return float(np.mean([next((1 / r for r, g in enumerate(own[:TOP], 1) if g), 0.0) for own in orders(samples)]))


def recall_at_k(samples: Sequence[Sample]) -> float:
    """Scikit-learn's recall of each row of an indicator matrix, in which there are no documents behind the last."""
    found = orders(samples)
    relevant = np.zeros((len(found), max(map(len, found))), dtype=int)
    for row, grades in zip(relevant, found, strict=True):
        row[: len(grades)] = np.array(grades) > 0
    shown = np.zeros_like(relevant)
    shown[:, :TOP] = 1
    return float(recall_score(relevant, shown, average="samples", zero_division=0))


REFERENCES: dict[str, Reference] = {
    "accuracy": labels(accuracy_score),
    "macro_f1": labels(f1_score, average="macro", zero_division=0),
    "micro_f1": labels(f1_score, average="micro", zero_division=0),
    "weighted_f1": labels(f1_score, average="weighted", zero_division=0),
    "matthews": labels(matthews_corrcoef),
    "ece": calibration,
    "exact_match": squad(lambda given, right: float(given == right)),
    "token_f1": squad(squad_f1),
    "bleu": corpus(sacrebleu.corpus_bleu),
    "chrf": corpus(sacrebleu.corpus_chrf),
    "ter": corpus(sacrebleu.corpus_ter),
    "rouge1": rouge("rouge1"),
    "rouge2": rouge("rouge2"),
    "rougeL": rouge("rougeL"),
    "rougeLsum": rouge("rougeLsum"),
    "perplexity": perplexity,
    "bits_per_byte": bits_per_byte,
    "subset_accuracy": subset_accuracy,
    "mae": numbers(mean_absolute_error),
    "pearson": numbers(lambda right, given: pearsonr(right, given).statistic),
    "spearman": numbers(lambda right, given: spearmanr(right, given).statistic),
    "entity_f1": entity_f1,
    "tag_accuracy": tag_accuracy,
    "ndcg": ndcg,
    "mrr": mrr,
    "recall_at_k": recall_at_k,
}


def sequence(index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and targets of one text: of 1 to 40 tokens, every tenth of 1000, every seventh nearly impossible."""
    generator = torch.Generator().manual_seed(index)
    length = 1000 if index % 10 == 0 else 1 + index % 40
    logits = torch.randn(length, VOCABULARY, generator=generator, dtype=torch.float64) * (200 if index % 7 == 0 else 3)
    return logits, torch.randint(VOCABULARY, (length,), generator=generator)


def likelihood_samples(n: int, text: str = "ab") -> list[Sample]:
    found = []
    for i in range(n):
        logits, targets = sequence(i)
        nll = -float(logits.log_softmax(-1).gather(1, targets.unsqueeze(1)).sum())
        said = text * (1 + i % 9)
        found.append(
            Sample(i, str(i), said, None, nll=nll, scored_tokens=len(targets), scored_bytes=len(said.encode()))
        )
    return found


def odd_labels() -> list[Sample]:
    """Fifty with empty and Unicode labels, the most of them wrong, as sure as it gets or not sure at all."""
    found = []
    for i in range(50):
        right, given = UNICODE[i % 5], UNICODE[(i * i + i // 11) % 5]
        rest = [0.0312, 0.21, 0.61, 1e-12][i % 4]
        scores = np.log(np.full(5, rest / 4))
        scores[UNICODE.index(given)] = np.log1p(-rest)
        found.append(Sample(i, str(i), right, given, scores=tuple(float(score) for score in scores)))
    return found


def answered(pairs: list[tuple[str, str]]) -> list[Sample]:
    """Questions with one to three right answers, and some without any."""
    found = []
    for i, (given, right) in enumerate(pairs):
        answers = (right, pairs[i - 1][1], pairs[i - 2][1])[: i % 4]
        found.append(Sample(i, str(i), answers[0] if answers else "", given, answers=answers))
    return found


def examples_for(metric: Metric) -> dict[str, list[Sample]]:
    if "likelihood" in metric.kinds:
        return {"random": likelihood_samples(500), "adversarial": likelihood_samples(50, "東👩‍👩‍👧")}
    if (kind := answers_of(metric)) is not None:
        random, adversarial = ANSWERS[kind]
        return {"random": random(500), "adversarial": adversarial()}
    if metric.name not in ("exact_match", "token_f1") and "label" in metric.kinds:
        return {"random": label_samples(500, scores=True), "adversarial": odd_labels()}
    found = {"random": text_samples(random_texts(500)), "adversarial": text_samples(adversarial_texts())}
    if "short text" in metric.kinds:
        found |= {"answers": answered(random_texts(500)), "odd answers": answered(adversarial_texts())}
    return found


def names_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    return LABELS if samples[0].reference in LABELS else UNICODE


def test_no_built_in_metric_is_without_its_reference() -> None:
    assert set(REFERENCES) == set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_equals_the_reference(name: str) -> None:
    metric: Metric = METRICS[name]()
    for samples in examples_for(metric).values():
        assert len(samples) in (500, 50)
        value = float(metric.value(metric.statistics(samples, names_of(samples)).sum(axis=0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = REFERENCES[name](samples)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", BUILT_IN)
def test_replicates_from_the_rows_are_those_of_resampling_from_scratch(name: str) -> None:
    metric: Metric = METRICS[name]()
    samples = examples_for(metric)["random"][:30]
    resamples = Resamples(len(samples), 12, 5)
    rows = metric.statistics(samples, names_of(samples))
    values = metric.value(resamples.sums([rows])[0])
    counts = next(resamples.chunks())
    assert len(counts) == len(values) == 12
    written, source = resampled_as(name, samples)
    for value, drawn in zip(values, counts, strict=True):
        again = [source[i] for i in np.repeat(np.arange(len(samples)), drawn)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert value == pytest.approx(REFERENCES[written](again), rel=1e-9, abs=1e-9)


def test_the_best_of_several_right_answers_counts_by_hand() -> None:
    samples = [
        Sample(0, "0", "Oslo", "in the city of Oslo", answers=("Oslo", "the city of Oslo")),
        Sample(1, "1", "", "", answers=()),
        Sample(2, "2", "", "today", answers=()),
    ]
    f1, exact = (METRICS[name]() for name in ("token_f1", "exact_match"))
    assert f1.statistics(samples, ())[:, 0].tolist() == pytest.approx([2 * 3 / (4 + 3), 1.0, 0.0])
    assert exact.statistics(samples, ())[:, 0].tolist() == [0.0, 1.0, 0.0]
