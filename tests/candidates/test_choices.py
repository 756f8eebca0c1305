"""Choices by likelihood: equal to one plain forward pass per choice, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates import FAMILIES as TABLE
from bench.candidates.interface import Context
from bench.errors import UnsupportedError
from bench.suite import VariantSpec
from tests.checkpoints import TEXTS, context_of, load, spec_of

CHOICES = (
    ("red", "a dark blue house near the water"),
    ("tea", "12 boxes of tea", "blue", "one two"),
    ("x", "Norway"),
    ("mat", "the cat sat on the mat", "May"),
    ("ten", "nine ten"),
)
CHOOSERS = ("causal-lm", "seq2seq", "transformer")


def causal_by_hand(model: Any, text: str, choice: str) -> tuple[float, int]:
    prompt = model.tokenizer(text)["input_ids"]
    ids = model.tokenizer(f" {choice}", add_special_tokens=False)["input_ids"]
    logits = model.module(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(ids)), len(ids)


def seq2seq_by_hand(model: Any, text: str, choice: str) -> tuple[float, int]:
    source = model.tokenizer(text, return_tensors="pt")["input_ids"]
    target = model.tokenizer(choice, return_tensors="pt")["input_ids"]
    return -float(model.module(input_ids=source, labels=target).loss) * target.shape[1], target.shape[1]


def in_house_by_hand(model: Any, text: str, choice: str) -> tuple[float, int]:
    config = model.config
    source = torch.tensor([model.tokenizer(text)["input_ids"]])
    ids = [*model.tokenizer(choice, add_special_tokens=False)["input_ids"], config.eos_id]
    mask = torch.ones_like(source, dtype=torch.bool)
    logits = model.net(source, mask, torch.tensor([[config.bos_id, *ids[:-1]]]))[0].log_softmax(-1)
    return sum(float(logits[place, token]) for place, token in enumerate(ids)), len(ids)


BY_HAND = {"causal-lm": causal_by_hand, "seq2seq": seq2seq_by_hand, "transformer": in_house_by_hand}


@pytest.mark.parametrize("family", CHOOSERS)
def test_a_choice_scores_what_a_plain_forward_pass_gives_it(family: str, checkpoints: dict[str, Path]) -> None:
    model = load(family, checkpoints[family], "multiple-choice")
    answers = model.choose(TEXTS, CHOICES)
    for text, own, answer in zip(TEXTS, CHOICES, answers, strict=True):
        with torch.inference_mode():
            expected = [BY_HAND[family](model, text, choice) for choice in own]
        assert answer.scores == pytest.approx([score for score, _ in expected], abs=2e-4)
        assert answer.choice_tokens == tuple(count for _, count in expected)
        assert model.choose([text], [own])[0].scores == pytest.approx(answer.scores, abs=2e-4)
    assert model.choose([], []) == []


def test_labels_are_choices_that_every_text_shares(checkpoints: dict[str, Path]) -> None:
    for family in ("causal-lm", "seq2seq"):
        model = load(family, checkpoints[family], "classification")
        assert model.classify(TEXTS) == model.choose(TEXTS, [model.context.label_texts] * len(TEXTS))


def test_the_in_house_head_gives_way_to_likelihood_when_asked(checkpoints: dict[str, Path]) -> None:
    family = "transformer"
    spec = spec_of(family, checkpoints[family])
    model = TABLE[family].load(spec, VariantSpec(), context_of("classification", scoring="likelihood"))
    assert model.classify(TEXTS) == model.choose(TEXTS, [model.context.label_texts] * len(TEXTS))
    assert model.classify(TEXTS) != load(family, checkpoints[family], "classification").classify(TEXTS)


def test_a_long_prompt_is_cut_for_its_own_choices_alone_and_counted(checkpoints: dict[str, Path]) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "multiple-choice")
    long = " ".join(TEXTS * 8)
    together = model.choose([long, TEXTS[0]], [("red", "blue"), (" ".join(TEXTS[:3]), "red")])
    alone = model.choose([long], [("red", "blue")])[0]
    assert together[0].truncated and not together[1].truncated
    assert together[0].input_tokens == alone.input_tokens
    longest = max(alone.choice_tokens)
    assert alone.input_tokens == model.context_tokens - longest + 1
    assert together[0].scores == pytest.approx(alone.scores, abs=2e-4)


def test_a_choice_longer_than_the_model_reads_is_unsupported(checkpoints: dict[str, Path]) -> None:
    for family in ("causal-lm", "transformer"):
        model = load(family, checkpoints[family], "multiple-choice")
        with pytest.raises(UnsupportedError, match="longer than"):
            model.choose(["red"], [(" ".join(TEXTS * 20), "red")])


@pytest.mark.parametrize("prompt", ["", "Answer: ", "Answer:\n"])
def test_the_space_before_a_choice_is_the_choice_s(prompt: str, checkpoints: dict[str, Path]) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "multiple-choice")
    answer = model.choose([prompt], [("red", "green")])[0]
    ids = model.tokenizer(prompt.rstrip(" "))["input_ids"] or [model.tokenizer.bos_token_id]
    with torch.inference_mode():
        first = model.module(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    lead = "" if prompt.endswith("\n") else " "
    token = model.tokenizer(f"{lead}red", add_special_tokens=False)["input_ids"]
    if len(token) == 1:
        assert answer.scores[0] == pytest.approx(float(first[token[0]]), abs=1e-4)
    assert answer.choice_tokens[0] == len(token)


def test_the_majority_baseline_picks_the_most_frequent_position_and_answer() -> None:
    from bench.candidates.families.baseline import Baseline
    from bench.candidates.interface import Decoding
    from bench.suite import ModelSpec

    spec = ModelSpec(name="floor", family="baseline", strategy="majority")
    counts = {"Bremen": 2, "Oslo": 3}
    model = Baseline(spec, VariantSpec(), Context("cpu", "choose", label_counts=(1, 5, 2), answer_counts=counts))
    two, four = model.choose(["q", "q"], [("a", "b"), ("a", "b", "c", "d")])
    assert [max(range(len(a.scores)), key=a.scores.__getitem__) for a in (two, four)] == [1, 1]
    assert len(four.scores) == 4
    assert [a.text for a in model.generate(["q"], Decoding())] == ["Oslo"]


def with_a_leading_space(folder: Path, target: Path) -> Path:
    """Writes the causal checkpoint with a tokenizer of SentencePiece's kind, as Llama 2 has it: "red" is "▁red"."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    pieces = ["<unk>", "<s>", "\n", "▁", "▁red", "red", "▁green", "green", *"▁:abcdefghijklmnopqrstuvwxyzA"]
    vocabulary = [(piece, -2.0 - (len(piece) == 1)) for piece in dict.fromkeys(pieces)]
    made = Tokenizer(models.Unigram(vocabulary, 0, False))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Metaspace()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="<s>", unk_token="<unk>")
    fast.save_pretrained(target)
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(target)
    return target


@pytest.mark.parametrize("prompt", ["Answer:", "Answer:\n", "red\n\n"])
def test_a_tokenizer_that_puts_a_space_first_puts_none_before_a_choice(
    prompt: str, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    folder = with_a_leading_space(checkpoints["causal-lm"], tmp_path)
    model = load("causal-lm", folder, "multiple-choice")
    lead = "" if prompt.endswith("\n") else " "
    before = model.tokenizer(prompt)["input_ids"]
    answer = model.choose([prompt], [("red", "green")])[0]
    for choice, score, count in zip(("red", "green"), answer.scores, answer.choice_tokens, strict=True):
        whole = model.tokenizer(prompt + lead + choice)["input_ids"]
        assert whole[: len(before)] == before
        with torch.inference_mode():
            logits = model.module(torch.tensor([whole])).logits[0].log_softmax(-1)
        expected = sum(float(logits[place - 1, whole[place]]) for place in range(len(before), len(whole)))
        assert score == pytest.approx(expected, abs=2e-4)
        assert count == len(whole) - len(before) == 1


def test_a_model_with_a_sliding_window_scores_each_choice_by_a_plain_pass(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(checkpoints["causal-lm"])
    tokenizer.save_pretrained(tmp_path)
    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=6,
        max_position_embeddings=128,
        initializer_range=0.5,
    )
    MistralForCausalLM(config).save_pretrained(tmp_path)
    model = load("causal-lm", tmp_path, "multiple-choice")
    for text, own, answer in zip(TEXTS, CHOICES, model.choose(TEXTS, CHOICES), strict=True):
        with torch.inference_mode():
            expected = [causal_by_hand(model, text, choice)[0] for choice in own]
        assert answer.scores == pytest.approx(expected, abs=2e-4)
