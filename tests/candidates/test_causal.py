"""What only a causal model does: a head on its last token, and the tokenizer's chat template."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.candidates.families.causal import CausalLM
from bench.candidates.interface import Context, Decoding
from bench.doubts import Evidence
from bench.doubts.no_chat_template import NoChatTemplate
from bench.suite import VariantSpec
from tests.checkpoints import LABELS, TEXTS, load, spec_of

TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}>{% endif %}"
)


@pytest.fixture(scope="module")
def headed(tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> Path:
    from transformers import AutoTokenizer, GPT2Config, GPT2ForSequenceClassification

    folder = tmp_path_factory.mktemp("headed")
    tokenizer = AutoTokenizer.from_pretrained(checkpoints["causal-lm"])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=64,
        id2label=dict(enumerate(reversed(LABELS))),
        label2id={},
    )
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_head_reads_the_last_token_whatever_the_padding(headed: Path) -> None:
    context = Context("cpu", "classify", LABELS, LABELS, scoring="head")
    model = CausalLM(spec_of("causal-lm", headed), VariantSpec(), context)
    together = model.classify(TEXTS)
    for text, answer in zip(TEXTS, together, strict=True):
        ids = model.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            hidden = model.module.transformer(ids).last_hidden_state[0, -1]
            expected = model.module.score(hidden).log_softmax(-1).flip(0).tolist()
        assert answer.scores == pytest.approx(expected, abs=1e-5)
    assert model.classify([]) == []


def test_the_chat_template_wraps_the_prompt_only_when_the_suite_asks(checkpoints: dict[str, Path]) -> None:
    family = "causal-lm"
    asked, plain = (
        load(family, checkpoints[family], "question-answering", chat_template=flag) for flag in (True, False)
    )
    question, choices, decoding = [TEXTS[0]], [("red", "green tea")], Decoding(max_new_tokens=6)
    assert asked.generate(question, decoding) == plain.generate(question, decoding)  # the tokenizer has no template
    assert list(NoChatTemplate.examine(Evidence(notes=asked.facts().notes)))
    assert not list(NoChatTemplate.examine(Evidence(notes=plain.facts().notes)))
    asked.tokenizer.chat_template = plain.tokenizer.chat_template = TEMPLATE
    written = [f"<user>{TEXTS[0]}\n>"]
    assert asked.generate(question, decoding)[0].text == plain.generate(written, decoding)[0].text
    assert asked.choose(question, choices) == plain.choose(written, choices)
    assert asked.choose(question, choices) != plain.choose(question, choices)
    assert not list(NoChatTemplate.examine(Evidence(notes=asked.facts().notes)))
