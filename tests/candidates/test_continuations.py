"""Log-likelihoods of choices: each equals the choice behind its prompt, run alone."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from bench.candidates.decoding.continuations import score_continuations
from tests.checkpoints import TEXTS, load, make_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load("causal-lm", make_checkpoint("causal-lm", tmp_path_factory.mktemp("choices")), "classification")


def alone(model: Any, prompt: list[int], choice: list[int]) -> float:
    with torch.inference_mode():
        logits = model.module(torch.tensor([prompt + choice])).logits[0].log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(choice))


@pytest.mark.parametrize("prefix", [0, 12])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_each_choice_is_scored_as_if_it_were_alone(
    model: Any, attention: str, prefix: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.module.config, "_attn_implementation", attention)
    draw = random.Random(3)
    shared = [draw.randrange(5, 300) for _ in range(prefix)]
    prompts = [shared + [draw.randrange(5, 300) for _ in range(draw.randint(1, 20))] for _ in range(7)]
    choices = [
        [[draw.randrange(5, 300) for _ in range(draw.randint(1, 6))] for _ in range(draw.randint(1, 5))]
        for _ in prompts
    ]
    found = score_continuations(model, prompts, choices)
    for prompt, given, scores in zip(prompts, choices, found, strict=True):
        assert scores == pytest.approx([alone(model, prompt, choice) for choice in given], abs=1e-3)


def test_choices_of_one_token_need_one_call(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    forward = type(model.module).forward

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return forward(self, *arguments, **options)

    monkeypatch.setattr(type(model.module), "forward", counted)
    prompts = [model.tokenizer(text)["input_ids"] for text in TEXTS]
    score_continuations(model, prompts, [[[5], [6]]] * len(TEXTS))
    assert len(calls) == 1
    assert score_continuations(model, [], []) == []
