"""Faults that are planted into good checkpoints and code paths are found before anything is scored; good ones pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.candidates.huggingface import HuggingFaceModel
from bench.errors import AdmissionError, EnvironmentLackError
from tests.admission import scenes
from tests.admission.scenes import CHOICES, HEAD, OWN, WRITES, recorded

Weights = dict[str, torch.Tensor]


def changed(folder: Path, change: Callable[[Weights], Weights]) -> None:
    """Rewrite the weights of the saved model."""
    path = folder / "model" / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


@pytest.mark.parametrize("suite", [CHOICES, WRITES])
def test_a_good_decoder_keeps_its_fast_path(tmp_path: Path, suite: str) -> None:
    scenes.decoder(tmp_path)
    record = recorded(tmp_path, suite)
    admission = record.notes["admission"]
    assert isinstance(admission, dict)
    assert (admission["compared"], admission["differing"], admission["fast_path_left"]) == (4, 0, None)
    assert {doubt.code for doubt in record.doubts} <= {"answers_all_equal", "outputs_at_limit"}


def test_a_good_encoder_is_admitted_without_a_doubt(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    record = recorded(tmp_path, HEAD)
    assert record.doubts == ()
    assert any(fact.name == "admission_s" and fact.value is not None and fact.value > 0 for fact in record.facts)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: {k: v for k, v in w.items() if "classifier" not in k}, "classifier.bias, classifier.weight"),
        (lambda w: {f"_orig_mod.{k}": v for k, v in w.items()}, "_orig_mod"),
        (lambda w: {f"module.{k}": v for k, v in w.items()}, "'module.'"),
        (lambda w: {k: v for k, v in w.items() if "layer.1." not in k}, "weights are not in the file"),
        (lambda w: w | {"classifier.weight": torch.zeros(5, 32)}, "another shape"),
        (lambda w: w | {"classifier.bias": torch.full((3,), torch.nan)}, "nan"),
        (lambda w: w | {"classifier.weight": torch.full((3, 32), torch.inf)}, "nan|inf"),
    ],
)
def test_weights_that_are_missing_renamed_or_no_numbers(
    tmp_path: Path, change: Callable[[Weights], Weights], says: str
) -> None:
    scenes.encoder(tmp_path)
    changed(tmp_path, change)
    with pytest.raises(AdmissionError, match=says):
        recorded(tmp_path, HEAD)


def test_no_tokenizer_and_a_tokenizer_of_another_language(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    with pytest.raises(AdmissionError, match=r"does not know 3 of the 3 tokens"):
        recorded(tmp_path, HEAD, ("uno", "dos tres"))
    (tmp_path / "model" / "tokenizer.json").unlink()
    with pytest.raises((AdmissionError, EnvironmentLackError), match="holds no tokenizer"):
        recorded(tmp_path, HEAD)


def test_a_tokenizer_with_more_tokens_than_the_embedding_has_rows(tmp_path: Path) -> None:
    module = scenes.encoder(tmp_path)
    scenes.save(tmp_path, module, scenes.tokenizer([*scenes.WORDS, "one", "two"]))
    with pytest.raises(AdmissionError, match="25 tokens and its embedding 23 rows, so that 2 tokens"):
        recorded(tmp_path, HEAD)


def test_a_pointer_in_place_of_the_weights(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    (tmp_path / "model" / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid x\nsize 1\n")
    with pytest.raises(EnvironmentLackError, match="Git LFS pointer"):
        recorded(tmp_path, HEAD)


def padding_that_leaks(self: HuggingFaceModel, texts: list[str], limit: int, **options: bool) -> Any:
    ids, cut = self.encode(texts, limit, **options)
    batch = self.padded(ids, self.pad_id)
    return {**batch, "attention_mask": torch.ones_like(batch["attention_mask"])}, cut


def padded_without_mask(original: Callable[..., Any]) -> Callable[..., Any]:
    def padded(self: HuggingFaceModel, rows: Any, fill: int) -> Any:
        batch = original(self, rows, fill)
        return {**batch, "attention_mask": torch.ones_like(batch["attention_mask"])}

    return padded


def test_a_mask_that_is_dropped_leaves_the_fast_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.encoder(tmp_path)
    good = recorded(tmp_path, HEAD)
    monkeypatch.setattr(HuggingFaceModel, "padded", padded_without_mask(HuggingFaceModel.padded))
    record = recorded(tmp_path, HEAD)
    assert "fast_path_left" in {doubt.code for doubt in record.doubts}
    for one, other in zip(record.samples, good.samples, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_a_shifted_position_in_the_cached_path_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.candidates.decoding import continuations

    scenes.decoder(tmp_path, "GPT2")
    good = recorded(tmp_path, CHOICES)
    original = continuations._log_probabilities

    def shifted(model: Any, cache: Any, allowed: Any, ids: Any, positions: Any, targets: Any) -> Any:
        return original(model, cache, allowed, ids, positions + 1, targets)

    monkeypatch.setattr(continuations, "_log_probabilities", shifted)
    record = recorded(tmp_path, CHOICES)
    assert "fast_path_left" in {doubt.code for doubt in record.doubts}
    for one, other in zip(record.samples, good.samples, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


def test_a_model_that_reads_ahead_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.decoder(tmp_path, "GPT2")
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", unmasked(torch.nn.functional.scaled_dot_product_attention)
    )
    with pytest.raises(AdmissionError, match="what follows a token changes its prediction"):
        recorded(tmp_path, CHOICES)


def unmasked(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def attend(query: Any, key: Any, value: Any, *_: Any, **options: Any) -> torch.Tensor:
        return original(query, key, value, **{k: v for k, v in options.items() if k in ("scale", "enable_gqa")})

    return attend


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return [[float('nan')] * 3 for _ in texts]", "gave nan as a score"),
        ("return [[1.0, float('inf'), 0.0] for _ in texts]", "gave inf as a score"),
        ("return [[0.5, 0.5, 0.5] for _ in texts]", "all answers have the same score"),
    ],
)
def test_scores_of_an_own_model_that_choose_nothing(tmp_path: Path, body: str, says: str) -> None:
    scenes.own_model(tmp_path, body)
    with pytest.raises(AdmissionError, match=says):
        recorded(tmp_path, OWN)


def test_settings_of_the_checkpoint_that_change_the_next_token_are_followed(tmp_path: Path) -> None:
    module = scenes.decoder(tmp_path)
    plain = recorded(tmp_path, WRITES)
    module.generation_config.bad_words_ids = [[token] for token in range(4, 15)]
    scenes.save(tmp_path, module, scenes.tokenizer())
    asked = recorded(tmp_path, WRITES)
    banned = set(scenes.WORDS[:11])
    assert any(banned & set(str(sample.prediction).split()) for sample in plain.samples)
    assert not any(banned & set(str(sample.prediction).split()) for sample in asked.samples)


def test_a_prompt_is_not_ended_by_the_tokenizer(tmp_path: Path) -> None:
    from tokenizers import processors

    module = scenes.decoder(tmp_path)
    plain = recorded(tmp_path, CHOICES)
    words = scenes.tokenizer()
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 3)]
    )
    scenes.save(tmp_path, module, words)
    ended = recorded(tmp_path, CHOICES)
    for one, other in zip(plain.samples, ended.samples, strict=True):
        assert one.scores == pytest.approx(other.scores)


def test_head_labels_name_the_outputs(tmp_path: Path) -> None:
    module = scenes.encoder(tmp_path)
    named = recorded(tmp_path, HEAD)
    module.config.id2label = {index: f"LABEL_{index}" for index in range(3)}
    scenes.save(tmp_path, module, scenes.tokenizer())
    suite = HEAD.replace("./model}", "./model, head_labels: {0: alpha, 1: beta, LABEL_2: gamma}}")
    numbered = recorded(tmp_path, suite)
    assert [sample.prediction for sample in numbered.samples] == [sample.prediction for sample in named.samples]
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert set(config["id2label"].values()) == {"LABEL_0", "LABEL_1", "LABEL_2"}
