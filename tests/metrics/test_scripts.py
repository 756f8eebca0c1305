"""Words of any script, what metrics overlook, and several references, against sacrebleu and rouge-score."""

from __future__ import annotations

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from bench.errors import InputError
from bench.metrics.bleu import Bleu
from bench.metrics.catalogue import METRICS, resolve, with_options
from bench.metrics.chrf import ChrF
from bench.metrics.exact_match import ExactMatch
from bench.metrics.rouge_l import RougeL
from bench.metrics.scripts import unicode_words
from bench.metrics.ter import Ter
from bench.metrics.token_f1 import TokenF1
from bench.record import Sample
from bench.tasks import KINDS

TEXTS = {
    "zh": "今天的天气很好，我们去公园散步。",
    "ja": "東京は日本の首都です。",
    "th": "วันนี้อากาศดีมาก",
    "ar": "وصلت الشحنة إلى الميناء أمس",
    "ru": "груз прибыл в порт вчера",
    "ko": "화물이 어제 항구에 도착했다",
    "de": "Größere Züge fuhren über die Brücke",
    "en": "“The load” – it left port.",
}


def scored(metric, pairs):
    samples = [
        Sample(i, str(i), refs[0], given, answers=tuple(refs) if len(refs) > 1 else None)
        for i, (given, refs) in enumerate(pairs)
    ]
    return float(metric.value(metric.statistics(samples, ()).sum(axis=0)))


OVERLOOKED = {
    "rougeL": {"zh", "ja", "th", "ar", "ru", "ko"},
    "bleu": {"zh", "ja", "th"},
    "ter": {"zh", "ja", "th"},
    "token_f1": {"zh", "ja", "th"},
    "exact_match": {"zh", "ja", "th"},
    "chrf": set(),
}


@pytest.mark.parametrize("name", OVERLOOKED)
def test_a_metric_overlooks_the_scripts_that_it_cannot_split(name):
    metric = METRICS[name]()
    assert {script for script, text in TEXTS.items() if metric.overlooks(text)} == OVERLOOKED[name]


@pytest.mark.parametrize("name", ["rouge1", "rouge2", "rougeL", "rougeLsum", "bleu", "token_f1", "exact_match"])
def test_the_remedy_reads_what_was_overlooked(name):
    for text in TEXTS.values():
        metric = METRICS[name]()
        if metric.overlooks(text):
            mended = metric.configured(metric.remedy(text))
            assert not mended.overlooks(text)
            assert scored(mended, [(text, [text])]) == pytest.approx(100.0 if name == "bleu" else 1.0)
            assert mended.signature != metric.signature


def test_bleu_tokenises_by_sacrebleus_names():
    given, right = "今天天气很好，我们去散步。", TEXTS["zh"]
    for tokenize in ("zh", "char", "intl", "none"):
        metric = Bleu().configured({"tokenize": tokenize})
        expected = sacrebleu.corpus_bleu([given], [[right]], tokenize=tokenize, force=True).score
        assert scored(metric, [(given, [right])]) == pytest.approx(expected)
        assert f"tok:{tokenize}" in metric.signature


def test_words_of_every_script():
    assert unicode_words("A naïve Straße, 5 kg") == ("a", "naïve", "strasse", "5", "kg")
    assert unicode_words("กำ❤️x") == ("กํ", "า", "x")  # NFKC parts SARA AM; the heart's variation selector joins nothing
    assert unicode_words("हिन्दी भाषा") == ("हिन्दी", "भाषा")


SEVERAL = [
    ("the cat sat on the mat", ["a cat was on a mat", "the cat sat on the mat"]),
    ("one two three four five", ["one two three four"]),
    ("red blue", ["blue", "red green blue", "red"]),
]


@pytest.mark.parametrize(
    ("metric", "function"),
    [(Bleu(), sacrebleu.corpus_bleu), (ChrF(), sacrebleu.corpus_chrf), (Ter(), sacrebleu.corpus_ter)],
)
def test_several_references_are_sacrebleus(metric, function):
    streams = [[refs[k] if k < len(refs) else None for _, refs in SEVERAL] for k in range(3)]
    assert scored(metric, SEVERAL) == pytest.approx(function([given for given, _ in SEVERAL], streams).score)
    several = metric.configured({}, several=True)
    assert "nrefs:var" in several.signature
    assert "nrefs:1" in metric.signature


def test_of_several_references_the_best_counts():
    scorer = RougeScorer(["rougeL"])
    best = [max(scorer.score(ref, given)["rougeL"].fmeasure for ref in refs) for given, refs in SEVERAL]
    assert scored(RougeL(), SEVERAL) == pytest.approx(sum(best) / len(best))
    assert scored(ExactMatch(), [("Red.", ["blue", "red"])]) == 1.0


def test_answers_of_unicode_words():
    metric = TokenF1().configured({"words": "unicode"})
    assert scored(metric, [("天气很好", ["天气好"])]) == pytest.approx(6 / 7)
    assert scored(ExactMatch().configured({"words": "unicode"}), [("北京市。", ["北京市"])]) == 1.0


def test_options_are_checked_against_what_the_metrics_declare():
    metrics = resolve(["rouge", "bleu"], KINDS["summarisation"])
    made = with_options(metrics, {"rouge": {"words": "unicode"}})
    assert [metric.settings for metric in made] == [{"words": "unicode"}] * 3 + [{}]
    for options, why in [
        ({"chrf": {"words": "unicode"}}, "no metric of the task"),
        ({"bleu": {"words": "unicode"}}, "no setting 'words'"),
        ({"bleu": {"tokenize": "zz"}}, "its values are 13a"),
    ]:
        with pytest.raises(InputError, match=why):
            with_options(metrics, options)
