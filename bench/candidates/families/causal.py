"""`causal-lm`: GPT-2 and any AutoModelForCausalLM, GGUF files included.

Classifies, and answers multiple choice, by the log-likelihood of each label or choice after the prompt; the prompt
is run once and its key/value cache is shared by all of them (`bench.candidates.decoding.choices`). Batches are padded
on the left, with position ids that leave the padding out, so that padding does not change a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bench.candidates.decoding.choices import choose_after
from bench.candidates.decoding.generate import generate, least_margin
from bench.candidates.decoding.greedy import generate_many
from bench.candidates.decoding.windows import STRIDE_SHARE, score_windows, window_tokens
from bench.candidates.families.encoder import head_scores, label_order
from bench.candidates.huggingface import HuggingFaceModel, load_pretrained
from bench.candidates.interface import Classified, Context, Decoding, Generated, ModelFacts, OnToken, Scored
from bench.suite import ModelSpec, VariantSpec


class CausalLM(HuggingFaceModel):
    """A decoder-only language model."""

    abilities = frozenset({"classify", "choose", "generate", "generate_many", "log_likelihood", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        self._headed = context.scoring == "head"
        auto_class: Any = AutoModelForSequenceClassification if self._headed else AutoModelForCausalLM
        module, tokenizer = load_pretrained(auto_class, spec, variant, context.place, context.kept)
        tokenizer.padding_side = "right" if self._headed else "left"
        super().__init__(spec, module, tokenizer, context)
        self.goes_on = not self._headed
        if self._headed:
            self._order = label_order(spec.name, module.config.id2label, context.labels)

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        """Returns the texts in the tokenizer's chat template where the suite asks for it."""
        plain = not self.spec.chat_template or self.tokenizer.chat_template is None
        if plain or self.context.kind == "language-modelling":
            return super().prompts(texts)
        wrapped = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            )
            for text in texts
        ]
        return wrapped, {"add_special_tokens": False}

    def token_ids(self, texts: Sequence[str], **options: Any) -> list[list[int]]:
        """Return the token ids of each text; of a prompt without the end token that some tokenizers put behind it.

        An end belongs behind the answer; a prompt that ends tells the model to begin another text.
        """
        rows = super().token_ids(texts, **options)
        if self._headed or not options.get("add_special_tokens", True):
            return rows
        end = self.tokenizer.eos_token_id
        written = str(self.tokenizer.eos_token)
        pairs = zip(texts, rows, strict=True)
        return [row[:-1] if row[-1:] == [end] and not text.endswith(written) else row for text, row in pairs]

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns log P(label | prompt) in nats for every label, summed over the label's tokens; or the head's."""
        if self._headed:
            prompts, options = self.prompts(texts)
            return head_scores(self, prompts, self._order, **options)
        return self.choose(texts, [self.context.label_texts] * len(texts))

    @torch.inference_mode()
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Returns log P(choice | prompt) in nats of each prompt's own choices, summed over the choice's tokens."""
        prompts, options = self.prompts(texts)
        return choose_after(self, prompts, choices, **options)

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the continuation of each prompt, greedy or by beams."""
        prompts, options = self.prompts(texts)
        return generate(self, prompts, decoding, on_token, encoder_decoder=False, **options)

    @torch.inference_mode()
    def reads_ahead(self, text: str, most_tokens: int) -> float:
        """Return by how much the last token of a text changes the predictions before it, in logits; 0 for a head."""
        ids = [self.start_id, *self.token_ids([text], add_special_tokens=False)[0]][: min(most_tokens, self.max_tokens)]
        if self._headed or len(ids) < 3:
            return 0.0
        whole, part = (
            self.module(input_ids=torch.tensor([row], device=self.device), use_cache=False).logits[0].float()
            for row in (ids, ids[:-1])
        )
        return float((whole[: len(ids) - 1] - part).abs().max())

    @torch.inference_mode()
    def least_margin(self, text: str, decoding: Decoding) -> float:
        """Return by how much the likeliest token leads in the closest step of one answer, in logits."""
        prompts, options = self.prompts([text])
        return least_margin(self, prompts[0], decoding, encoder_decoder=False, **options)

    def generate_many(self, texts: Sequence[str], decoding: Decoding, rows: int) -> Iterator[tuple[int, Generated]]:
        """Yields position and continuation of each prompt as it ends; at most `rows` are under way at a time."""
        prompts, options = self.prompts(texts)
        return generate_many(self, prompts, decoding, rows, **options)

    @torch.inference_mode()
    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Returns −log P of each text by sliding windows, every token scored once."""
        return score_windows(self, texts)

    def facts(self) -> ModelFacts:
        """Returns what is known of the loaded model; for language modelling the windows too, which perplexity hangs
        on, and whether there is a chat template where the suite asks for it."""
        known = super().facts()
        if self.spec.chat_template:
            known.notes["chat_template"] = self.tokenizer.chat_template is not None
        if self.context.kind == "language-modelling":
            size = window_tokens(self)
            known.notes.update(window_tokens=size, stride_tokens=max(size // STRIDE_SHARE, 1))
        return known
