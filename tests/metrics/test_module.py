"""Metrics of one's own, of `evaluate`, and ours behind its interface."""

from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.errors import HubError, InputError, UsageError
from bench.metrics import exact_match, module, token_f1
from bench.plugins import look_beside
from bench.tasks.metrics import resolve
from tests.metrics.pairs import random_texts, text_samples

SAMPLES = text_samples(random_texts(40))
WORDS = """
import datasets
import evaluate
class Words(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        features = datasets.Features({"predictions": text, "references": datasets.Sequence(text)})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)
    def _compute(self, predictions, references):
        each = [len(p.split()) for p in predictions]
        said = sum(each)
        wanted = sum(len(r[0].split()) for r in references)
        return {"each": each, "per_word": said / max(1, wanted), "said": said}
"""


def is_json(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """Whether each prediction is JSON."""

    def valid(text: str) -> bool:
        try:
            json.loads(text)
        except ValueError:
            return False
        return True

    return [float(valid(text)) for text in predictions]


def words_ratio(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Words said per word wanted: not a mean over examples."""
    return sum(len(p.split()) for p in predictions) / sum(len(r.split()) for r in references)


words_ratio.higher_is_better = False  # type: ignore[attr-defined]


def raises(predictions: Sequence[str], references: Sequence[str]) -> float:
    raise RuntimeError("no")


def test_a_callable_that_gives_a_score_per_example() -> None:
    (metric,) = resolve(["tests.metrics.test_module:is_json"], "translation")
    rows = metric.statistics(text_samples([("{}", "x"), ("{", "x"), ("[1]", "x"), ("", "x")]), ())
    assert rows[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert float(metric.value(rows.sum(axis=0))) == 0.5
    assert metric.higher_is_better


def test_a_callable_for_all_is_exact_and_its_rows_give_the_linearised_variance() -> None:
    (metric,) = resolve(["tests.metrics.test_module:words_ratio"], "translation")
    rows = metric.statistics(SAMPLES, ())
    said = np.asarray([len(str(s.prediction).split()) for s in SAMPLES], dtype=float)
    wanted = np.asarray([len(s.reference.split()) for s in SAMPLES], dtype=float)
    whole = said.sum() / wanted.sum()
    assert float(metric.value(rows.sum(axis=0))) == pytest.approx(whole, abs=1e-12)
    delta_method = (said - whole * wanted) / wanted.mean()
    assert rows[:, 0].std() == pytest.approx(delta_method.std(), rel=0.1)
    assert not metric.higher_is_better


def test_influences_of_a_mean_are_its_scores() -> None:
    scores = [0.3, 0.1, 0.9, 0.5]
    found = module.influences(lambda chosen: sum(scores[i] for i in chosen) / len(chosen), 4)
    assert found == pytest.approx(scores)


def test_influences_of_blocks_keep_the_mean_and_its_standard_error() -> None:
    scores = np.random.default_rng(8).normal(size=2000)
    calls: list[int] = []

    def score(chosen: Sequence[int]) -> float:
        calls.append(len(chosen))
        return float(scores[list(chosen)].mean())

    found = np.asarray(module.influences(score, 2000, blocks=200))
    assert calls == [2000, *[1990] * 200]
    assert found.mean() == pytest.approx(scores.mean(), abs=1e-12)
    of_blocks = scores.reshape(200, 10).mean(axis=1)
    assert found.std() / 2000**0.5 == pytest.approx(of_blocks.std() / 200**0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("tests.metrics.test_module:wrds_ratio", UsageError, "did you mean 'words_ratio'"),
        ("tests.metrics.test_module:WORDS", UsageError, "not callable"),
        ("no_such_package:score", UsageError, "no module named"),
        ("evaluate:./no/such/folder", InputError, "no such file or folder"),
    ],
)
def test_wrong_names_fail_when_resolved(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve([name], "translation")


def leaves(predictions: Sequence[str], references: Sequence[str]) -> float:
    raise SystemExit(3)


def test_a_callable_that_ends_the_process_does_not() -> None:
    (metric,) = resolve([f"{__name__}:leaves"], "translation")
    with pytest.raises(InputError, match="leaves' raised SystemExit: 3"):
        metric.statistics(SAMPLES, ())


def test_a_callable_that_raises_is_named() -> None:
    (metric,) = resolve(["tests.metrics.test_module:raises"], "translation")
    with pytest.raises(InputError, match="test_module:raises' raised RuntimeError: no"):
        metric.statistics(SAMPLES, ())


@pytest.fixture
def local_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    evaluate = pytest.importorskip("evaluate")
    monkeypatch.setattr(evaluate.config, "HF_MODULES_CACHE", tmp_path / "modules")
    folder = tmp_path / "words_per_word"
    folder.mkdir()
    (folder / "words_per_word.py").write_text(WORDS)
    return folder


def test_a_local_evaluate_module(local_module: Path) -> None:
    (metric,) = resolve([f"evaluate:{local_module}#per_word"], "translation")
    samples = SAMPLES[:6]
    expected = words_ratio([str(s.prediction) for s in samples], [s.reference for s in samples])
    value = float(metric.value(metric.statistics(samples, ()).sum(axis=0)))
    assert value == pytest.approx(expected, abs=1e-9)


def test_a_folder_beside_the_suite_comes_before_one_where_bench_is_run(
    local_module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "words_per_word").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr("bench.plugins._folders", [])
    name = "evaluate:./words_per_word#per_word"
    with pytest.raises(InputError):  # there is a folder of this name here, and no module in it
        resolve([name], "translation")[0].statistics(SAMPLES[:2], ())
    look_beside(local_module.parent)
    assert resolve([name], "translation")[0].statistics(SAMPLES[:2], ()).shape == (2, 2)


def test_a_key_picks_numbers_per_example_too(local_module: Path) -> None:
    (metric,) = resolve([f"{local_module}#each"], "translation")
    rows = metric.statistics(SAMPLES[:6], ())
    assert rows[:, 0].tolist() == [len(str(s.prediction).split()) for s in SAMPLES[:6]]


def test_a_key_that_is_not_there_is_an_error(local_module: Path) -> None:
    (metric,) = resolve([f"evaluate:{local_module}#perword"], "translation")
    with pytest.raises(InputError, match="did you mean 'per_word'"):
        metric.statistics(SAMPLES[:2], ())


def test_a_hub_module_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (metric,) = resolve(["evaluate:no-such-metric"], "translation")
    with pytest.raises(HubError, match="not in the local cache"):
        metric.statistics(SAMPLES, ())


def test_examples_in_docstrings() -> None:
    for where in (module, exact_match, token_f1):
        assert doctest.testmod(where).failed == 0


def test_a_module_that_is_not_there_is_told_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "code = main(['plan', 'suite.yaml'])\n"
        "heavy = {'evaluate', 'datasets', 'huggingface_hub.hf_api', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'{code} {sorted(heavy)}')\n"
    )
    (tmp_path / "data.jsonl").write_text('{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n')
    (tmp_path / "suite.yaml").write_text(
        "name: s\nmodels: [{name: floor, family: baseline, strategy: majority}]\n"
        "tasks: [{name: t, kind: classification, data: {path: data.jsonl}, metrics: ['evaluate:nosuchmetric']}]\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    message, _, end = ended.stderr.strip().rpartition("\n")
    assert end == "3 []"
    assert "evaluate:nosuchmetric" in message and "\n" not in message
