"""Names to metrics."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.errors import InputError
from bench.metrics.catalogue import fits
from bench.tasks import KINDS
from bench.tasks.metrics import resolve


def names(wanted: list[str], kind: str) -> list[str]:
    return [metric.name for metric in resolve(wanted, kind)]


def test_groups_expand_and_each_metric_comes_once() -> None:
    assert names(["rouge", "bleu", "rougeL"], "summarisation") == ["rouge1", "rouge2", "rougeL", "bleu"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_has_defaults_that_suit_it(kind: str) -> None:
    assert [metric.name for metric in resolve([], kind)] == list(KINDS[kind].metrics)
    assert all(fits(metric, KINDS[kind]) for metric in resolve([], kind))


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        resolve(["acuracy"], "classification")


def test_a_metric_of_another_kind_is_refused_with_those_that_fit() -> None:
    with pytest.raises(InputError, match="'bleu' makes no sense for classification; these do: accuracy"):
        resolve(["bleu"], "classification")


def test_resolving_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bench.tasks.metrics import resolve; from bench.data import source\n"
        f"for kind in {list(KINDS)!r}: resolve([], kind)\n"
        "heavy = {'torch', 'transformers', 'evaluate', 'datasets', 'pandas'}\n"
        "heavy |= {'sacrebleu', 'rouge_score', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "micro_f1", "weighted_f1", "matthews", "ece"])
def test_metrics_of_labels_suit_multiple_choice_too(name: str) -> None:
    assert names([name], "multiple-choice") == [name]


def test_a_refused_metric_says_which_answers_it_is_for() -> None:
    with pytest.raises(InputError, match=r"'bleu' is for text; the answer to classification is: label"):
        resolve(["bleu"], "classification")


def test_a_name_with_a_slash_is_an_evaluate_module() -> None:
    assert names(["owner/name"], "translation") == ["owner/name"]
    with pytest.raises(InputError, match="no such file or folder"):
        resolve(["./no/such/folder"], "translation")
