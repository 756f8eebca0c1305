"""Baselines, bring-your-own modules, and where checkpoints are found."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.checkpoint import files_hash, locate
from bench.candidates.families.baseline import Baseline, lead_sentence
from bench.candidates.families.torch_module import TorchModule
from bench.candidates.interface import Context, Decoding
from bench.errors import EnvironmentLackError, InputError
from bench.suite import ModelSpec, VariantSpec


class Letters(torch.nn.Module):
    """Scores a label by how often its first letter occurs."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([weight]))

    def classify(self, texts: list[str], labels: list[str]) -> torch.Tensor:
        counts = [[float(text.count(label[0])) for label in labels] for text in texts]
        return self.weight * torch.tensor(counts)


def build(**options: Any) -> Letters:
    return Letters(**options)


def build_nothing() -> object:
    return object()


def byo(factory: str, **options: Any) -> TorchModule:
    spec = ModelSpec(name="byo", family="torch-module", factory=f"{__name__}:{factory}", options=options)
    return TorchModule(spec, VariantSpec(), Context("cpu", "classify", ("red", "green")))


def test_a_module_of_ones_own_classifies() -> None:
    answers = byo("build", weight=2.0).classify(["rrg", "ggg"])
    assert [answer.scores for answer in answers] == [(4.0, 2.0), (0.0, 6.0)]
    assert byo("build").facts().parameters == 1


def test_a_factory_without_methods_is_told_which_to_add() -> None:
    with pytest.raises(InputError, match="none of the methods classify, choose, generate, log_likelihood"):
        byo("build_nothing")


def baseline(strategy: str, **context: Any) -> Baseline:
    spec = ModelSpec(name="floor", family="baseline", strategy=strategy)
    return Baseline(spec, VariantSpec(), Context("cpu", "classify", **context))


def test_majority_prefers_the_most_frequent_label() -> None:
    scores = baseline("majority", labels=("a", "b"), label_counts=(1, 2)).classify(["x"])[0].scores
    assert scores == pytest.approx((math.log(2 / 5), math.log(3 / 5)))


def test_copy_and_lead() -> None:
    text = "The crane came on 3. May. It works."
    assert baseline("copy").generate([text], Decoding())[0].text == text
    assert lead_sentence("Two lines\nof one. Next.") == "Two lines of one."
    assert baseline("lead").generate(["One. Two."], Decoding())[0].text == "One."


def test_a_checkpoint_is_a_folder_a_package_or_a_hub_name(tmp_path: Path) -> None:
    (tmp_path / "bert").mkdir()
    assert locate("bert", tmp_path).folder == tmp_path / "bert"
    assert locate("google-t5/t5-small", tmp_path).hub_name == "google-t5/t5-small"
    assert locate("package:torch/nn", tmp_path).folder is not None


def test_missing_checkpoints_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bert-base").mkdir()
    with pytest.raises(InputError, match="did you mean 'bert-base'"):
        locate("./bert-bas", tmp_path)
    with pytest.raises(EnvironmentLackError, match="is not installed"):
        locate("package:no_such_package_here", tmp_path)


def test_the_hash_follows_the_weights_and_not_the_provenance(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"abc")
    before = files_hash(tmp_path)
    (tmp_path / "provenance.json").write_text("{}")
    assert files_hash(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"abd")
    assert files_hash(tmp_path) != before
