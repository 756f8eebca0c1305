"""What a checkpoint asks for is done: settings of its `generation_config.json`, switches of its chat template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.interface import Decoding
from tests.admission import scenes
from tests.checkpoints import TEXTS, load

LENGTH = 12
SETTINGS: dict[str, dict[str, Any]] = {
    "repetition_penalty": {"repetition_penalty": 3.0},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 1},
    "bad_words_ids": {"bad_words_ids": [[token] for token in range(60, 200)]},
    "suppress_tokens": {"suppress_tokens": list(range(60, 200))},
    "begin_suppress_tokens": {"begin_suppress_tokens": list(range(4, 290))},
    "forced_eos_token_id": {"forced_eos_token_id": 1},
    "forced_bos_token_id": {"forced_bos_token_id": 77},
}
ONLY_OF = {"forced_bos_token_id": "seq2seq"}
"""A causal model's text begins with the prompt."""
FAMILY_CASES = [
    (family, name) for name in SETTINGS for family in ("causal-lm", "seq2seq") if ONLY_OF.get(name, family) == family
]


def written(model: Any, texts: tuple[str, ...]) -> list[str]:
    """Write with transformers' own `generate`, one text at a time, as its `generation_config.json` asks."""
    answers = []
    for text in texts:
        prompt = model.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            row = model.module.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=LENGTH)[0]
        begin = 0 if model.module.config.is_encoder_decoder else prompt.shape[1]
        answers.append(model.tokenizer.decode(row[begin:], skip_special_tokens=True))
    return answers


@pytest.mark.parametrize(("family", "name"), FAMILY_CASES)
def test_answers_are_those_of_the_library(family: str, name: str, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoints[family], tmp_path / "asking")
    stored = folder / "generation_config.json"
    stored.write_text(json.dumps(json.loads(stored.read_text()) | SETTINGS[name]))
    kind = "translation" if family == "seq2seq" else "question-answering"
    asking, plain = (load(family, place, kind) for place in (folder, checkpoints[family]))
    decoding = Decoding(max_new_tokens=LENGTH)
    answers = [answer.text.strip() for answer in asking.generate(list(TEXTS), decoding)]
    assert answers == [text.strip() for text in written(asking, TEXTS)]
    assert answers != [answer.text.strip() for answer in plain.generate(list(TEXTS), decoding)], "it changes answers"


def test_what_is_said_to_be_left_out_is_left_out(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoints["causal-lm"], tmp_path / "asking")
    stored = folder / "generation_config.json"
    stored.write_text(json.dumps(json.loads(stored.read_text()) | {"guidance_scale": 5.0}))
    guided, plain = (load("causal-lm", place, "question-answering") for place in (folder, checkpoints["causal-lm"]))
    assert guided.facts().notes["generation_settings_left_out"] == ["guidance_scale"]
    texts = [[answer.text for answer in model.generate(list(TEXTS), Decoding(LENGTH))] for model in (guided, plain)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("asked", "generation", "doubted"),
    [
        ({"no_repeat_ngram_size": 2}, "{no_repeat_ngram_size: 3}", True),
        ({"no_repeat_ngram_size": 2, "repetition_penalty": 1.0}, "{no_repeat_ngram_size: 2}", False),
    ],
)
def test_settings_for_a_task_that_the_suite_follows_are_no_doubt(
    asked: dict[str, Any], generation: str, doubted: bool, tmp_path: Path
) -> None:
    module = scenes.summariser(tmp_path)
    module.config.task_specific_params = {"summarization": {"prefix": "old : ", **asked}}
    scenes.save(tmp_path, module, scenes.tokenizer())
    suite = scenes.WRITES.replace('prompt: "{document}"', 'prompt: "old : {document}"')
    suite = suite.replace("causal-lm, checkpoint: ./model", f"seq2seq, checkpoint: ./model, generation: {generation}")
    codes = {doubt.code for doubt in scenes.recorded(tmp_path, suite).doubts}
    assert ("task_settings_left_out" in codes) == doubted


@pytest.mark.parametrize("setting", [{"no_repeat_ngram_size": 2}, {"repetition_penalty": 1.5}, {"min_length": 10}])
def test_settings_that_read_the_prompt_meet_no_padding(
    setting: dict[str, Any], checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(checkpoints["causal-lm"], tmp_path / "asking")
    stored = folder / "generation_config.json"
    stored.write_text(json.dumps(json.loads(stored.read_text()) | setting))
    asking = load("causal-lm", folder, "question-answering")
    masks: list[torch.Tensor] = []
    generate = asking.module.generate

    def watched(*prompt: torch.Tensor, **given: Any) -> torch.Tensor:
        masks.append(given["attention_mask"])
        answer: torch.Tensor = generate(*prompt, **given)
        return answer

    monkeypatch.setattr(asking.module, "generate", watched)
    answers = asking.generate(list(TEXTS), Decoding(max_new_tokens=LENGTH))
    assert len(masks) > 1 and sum(map(len, masks)) == len(TEXTS) and all(bool(mask.all()) for mask in masks)
    assert [answer.text.strip() for answer in answers] == [text.strip() for text in written(asking, TEXTS)]


def test_switches_of_the_chat_template_reach_it(checkpoints: dict[str, Path]) -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}{% if not enable_thinking %} /no_think{% endif %}"
    thinking, not_thinking = (
        load("causal-lm", checkpoints["causal-lm"], "question-answering", chat_template=True, options=options)
        for options in ({"enable_thinking": True}, {"enable_thinking": False})
    )
    thinking.tokenizer.chat_template = not_thinking.tokenizer.chat_template = template
    assert thinking.prompts(["a"])[0] == ["a"] and not_thinking.prompts(["a"])[0] == ["a /no_think"]
