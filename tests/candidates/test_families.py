"""What holds for every family: padding changes nothing, empty in gives empty out, tokens are called back one by one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates import FAMILIES as TABLE
from bench.candidates.huggingface import HuggingFaceLearning
from bench.candidates.interface import Context, Decoding
from bench.errors import UnsupportedError
from bench.suite import VariantSpec
from tests.checkpoints import FAMILIES, LABELS, TEXTS, context_of, load, spec_of

GENERATORS = ("causal-lm", "seq2seq", "transformer")


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_do_not_depend_on_the_batch(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "classification")
    together = model.classify(TEXTS)
    for text, answer in zip(TEXTS, together, strict=True):
        alone = model.classify([text])[0]
        assert alone.scores == pytest.approx(answer.scores, abs=1e-4)
        assert alone.input_tokens == answer.input_tokens
    assert model.classify([]) == []
    assert len({answer.scores for answer in together}) == len(TEXTS)


@pytest.mark.parametrize("family", GENERATORS)
def test_texts_do_not_depend_on_the_batch(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "translation")
    decoding = Decoding(max_new_tokens=12)
    together = model.generate(TEXTS, decoding)
    assert together == [model.generate([text], decoding)[0] for text in TEXTS]
    assert model.generate([], decoding) == []
    assert all(0 < answer.output_tokens <= 12 for answer in together)


@pytest.mark.parametrize("family", GENERATORS)
def test_every_token_is_called_back_once(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "translation")
    calls: list[int] = []
    answer = model.generate([TEXTS[0]], Decoding(max_new_tokens=9), lambda: calls.append(1))[0]
    assert len(calls) == answer.output_tokens


def test_label_likelihood_of_a_causal_model_by_hand(checkpoints: dict[str, Path]) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "classification")
    answer = model.classify([TEXTS[0], TEXTS[2]])[1]
    prompt = model.tokenizer(TEXTS[2])["input_ids"]
    for label, score in zip(LABELS, answer.scores, strict=True):
        ids = model.tokenizer(f" {label}", add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = model.module(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        expected = sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(ids))
        assert score == pytest.approx(expected, abs=1e-4)


def test_label_likelihood_of_a_seq2seq_model_is_the_loss(checkpoints: dict[str, Path]) -> None:
    model = load("seq2seq", checkpoints["seq2seq"], "classification")
    answer = model.classify([TEXTS[0], TEXTS[2]])[0]
    source = model.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    for label, score in zip(LABELS, answer.scores, strict=True):
        target = model.tokenizer(label, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            loss = model.module(input_ids=source, labels=target).loss
        assert score == pytest.approx(-float(loss) * target.shape[1], abs=1e-4)


def test_likelihood_of_a_text_is_the_loss_and_long_texts_are_scored_whole(
    checkpoints: dict[str, Path],
) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "language-modelling")
    short, long = model.log_likelihood([TEXTS[0], " ".join(TEXTS * 8)])
    ids = [model.tokenizer.bos_token_id, *model.tokenizer(TEXTS[0])["input_ids"]]
    with torch.inference_mode():
        logits = model.module(torch.tensor([ids])).logits[0].log_softmax(-1)
    expected = -sum(float(logits[place, token]) for place, token in enumerate(ids[1:]))
    assert short.nll == pytest.approx(expected, rel=1e-5)
    assert short.scored_bytes == len(TEXTS[0].encode())
    assert long.scored_tokens == len(model.tokenizer(" ".join(TEXTS * 8))["input_ids"]) > model.max_tokens


@pytest.mark.parametrize("family", FAMILIES)
def test_overlong_inputs_are_counted_not_hidden(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "classification")
    long, short = model.classify([" ".join(TEXTS * 20), "red"])
    limit = 128 if family != "seq2seq" else model.max_tokens
    assert long.truncated and not short.truncated
    assert long.input_tokens <= limit


def test_labels_that_a_head_does_not_know_are_unsupported(checkpoints: dict[str, Path]) -> None:
    from bench.candidates.families.encoder import Encoder
    from bench.candidates.interface import Context
    from tests.checkpoints import spec_of

    with pytest.raises(
        UnsupportedError, match="not the task's label 'purple'; say which output is which label with 'head_labels"
    ):
        Encoder(
            spec_of("encoder", checkpoints["encoder"]),
            VariantSpec(),
            Context("cpu", "classify", ("purple",)),
        )


def test_a_head_that_gives_numbers_is_unsupported_until_it_is_replaced(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "numbers"
    shutil.copytree(checkpoints["encoder"], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "regression"}))
    spec, labels = spec_of("encoder", folder), tuple(config["id2label"].values())
    assert "problem_type: regression" in str(TABLE["encoder"].why_no_head(spec, labels))
    with pytest.raises(UnsupportedError, match="gives numbers"):
        TABLE["encoder"].load(spec, VariantSpec(), Context("cpu", "classify", labels))
    learning = TABLE["encoder"].learning
    assert isinstance(learning, HuggingFaceLearning)
    net, _ = learning.checkpoint(spec, labels)
    assert net.config.problem_type is None


def test_facts_count_shared_weights_once(checkpoints: dict[str, Path]) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "translation")
    known = model.facts()
    unique = {id(parameter): parameter.numel() for parameter in model.module.parameters()}
    assert known.parameters == sum(unique.values())
    assert known.weights_bytes >= 4 * known.parameters


@pytest.mark.parametrize(
    "variant", [VariantSpec(dtype="bfloat16"), VariantSpec(quantise="int8"), VariantSpec(prune=0.5)]
)
def test_variants_answer_and_differ(variant: VariantSpec, checkpoints: dict[str, Path]) -> None:
    plain = load("encoder", checkpoints["encoder"], "classification")
    other = load("encoder", checkpoints["encoder"], "classification", variant)
    assert other.classify(TEXTS) != plain.classify(TEXTS)
    assert len(other.classify(TEXTS)[0].scores) == len(LABELS)
    assert other.facts().parameters == plain.facts().parameters
    if variant.quantise or variant.dtype == "bfloat16":
        assert other.facts().weights_bytes < plain.facts().weights_bytes


def test_pruning_zeroes_its_share(checkpoints: dict[str, Path]) -> None:
    model = load("encoder", checkpoints["encoder"], "classification", VariantSpec(prune=0.5))
    linear = [layer for layer in model.module.modules() if isinstance(layer, torch.nn.Linear)]
    zeros = sum(int((layer.weight == 0).sum()) for layer in linear)
    assert zeros == sum(layer.weight.numel() // 2 for layer in linear)


@pytest.mark.parametrize("family", ["causal-lm", "transformer"])
def test_stop_strings_end_the_text_and_the_decoding(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "translation")
    whole = model.generate([TEXTS[0]], Decoding(max_new_tokens=20))[0]
    stop, calls = next(char for char in whole.text[1:] if char.isascii() and char != whole.text[0]), []
    cut = model.generate([TEXTS[0]], Decoding(max_new_tokens=20, stop=(stop,)), lambda: calls.append(1))[0]
    assert stop not in cut.text and whole.text.startswith(cut.text)
    assert len(calls) == cut.output_tokens < whole.output_tokens
    assert model.generate([*TEXTS], Decoding(max_new_tokens=20, stop=(stop,)))[0] == cut


def test_a_limit_on_the_input_leaves_room_for_the_output(checkpoints: dict[str, Path]) -> None:
    from bench.candidates import FAMILIES as TABLE
    from tests.checkpoints import context_of, spec_of

    family = "causal-lm"
    context = context_of("translation", max_input_tokens=16)
    model = TABLE[family].load(spec_of(family, checkpoints[family]), VariantSpec(), context)
    answer = model.generate([" ".join(TEXTS)], Decoding(max_new_tokens=40))[0]
    assert answer.input_tokens == 16 and answer.truncated


def test_a_translator_begins_with_the_token_that_its_configuration_forces(checkpoints: dict[str, Path]) -> None:
    model = load("seq2seq", checkpoints["seq2seq"], "translation")
    language = model.tokenizer(" Norway", add_special_tokens=False)["input_ids"][0]
    model.module.generation_config.forced_bos_token_id = language
    written: list[int] = []
    generate = type(model.module).generate

    def kept(*arguments: Any, **options: Any) -> Any:
        output = generate(model.module, *arguments, **options)
        written.extend(output[:, 1].tolist())
        return output

    model.module.generate = kept
    model.generate(TEXTS, Decoding(max_new_tokens=4))
    assert written == [language] * len(TEXTS)


def test_the_window_of_perplexity_is_what_the_suite_asks_for_and_is_kept(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.candidates.decoding import windows

    monkeypatch.setattr(windows, "WINDOW_CAP", 16)
    folder = checkpoints["causal-lm"]
    capped = load("causal-lm", folder, "language-modelling")
    context = context_of("language-modelling", max_input_tokens=40)
    asked = TABLE["causal-lm"].load(spec_of("causal-lm", folder), VariantSpec(), context)
    assert (capped.facts().notes["window_tokens"], capped.facts().notes["stride_tokens"]) == (16, 8)
    assert (asked.facts().notes["window_tokens"], asked.facts().notes["stride_tokens"]) == (40, 20)
    assert "window_tokens" not in load("causal-lm", folder, "translation").facts().notes
    text = " ".join(TEXTS * 3)
    assert capped.log_likelihood([text])[0].nll == pytest.approx(strided(capped, text, 16, 8), rel=1e-5)
    assert asked.log_likelihood([text])[0].nll == pytest.approx(strided(asked, text, 40, 20), rel=1e-5)


def strided(model: Any, text: str, size: int, stride: int) -> float:
    """Returns the nats of a text, token by token: each sees what its window holds before it, at least a stride."""
    ids = [model.tokenizer.bos_token_id, *model.tokenizer(text, add_special_tokens=False)["input_ids"]]
    total = 0.0
    for place in range(1, len(ids)):
        start = 0 if place < size else ((place - size) // stride + 1) * stride
        with torch.inference_mode():
            logits = model.module(torch.tensor([ids[start:place]])).logits[0, -1].log_softmax(-1)
        total -= float(logits[ids[place]])
    return total
