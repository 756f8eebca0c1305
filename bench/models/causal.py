"""`causal-lm`: GPT-2 and any AutoModelForCausalLM, GGUF files included.

Classifies by the log-likelihood of each label after the prompt; the prompt is run once and its key/value
cache is shared by all labels. Batches are padded on the left, with position ids that leave the padding out,
so that padding does not change a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bench.models.base import Classified, Context, Decoding, Generated, OnToken, Scored
from bench.models.decoding import generate
from bench.models.greedy import generate_many
from bench.models.huggingface import HuggingFaceModel, load_pretrained
from bench.models.windows import score_windows
from bench.suite import ModelSpec, VariantSpec


class CausalLM(HuggingFaceModel):
    """A decoder-only language model."""

    abilities = frozenset({"classify", "generate", "generate_many", "log_likelihood", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForCausalLM

        module, tokenizer = load_pretrained(AutoModelForCausalLM, spec, variant, context.device, context.kept)
        tokenizer.padding_side = "left"
        super().__init__(spec, module, tokenizer, context)
        self._labels = [self._label_ids(text) for text in context.label_texts]

    def _label_ids(self, text: str) -> list[int]:
        spaced = text if text[:1].isspace() else f" {text}"
        ids: list[int] = self.tokenizer(spaced, add_special_tokens=False)["input_ids"]
        return ids

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

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns log P(label | prompt) in nats for every label, summed over the label's tokens."""
        if not texts:
            return []
        longest = max(map(len, self._labels))
        prompts, options = self.prompts(texts)
        limit = max(min(self.max_tokens, self.context_tokens - longest), 1)
        batch, cut = self.tokenize(prompts, limit, **options)
        mask = batch["attention_mask"]
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        prefix = self.module(
            input_ids=batch["input_ids"],
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
        )
        first = prefix.logits[:, -1].float().log_softmax(-1)
        scores = first[:, [ids[0] for ids in self._labels]]
        if longest > 1:
            scores = scores + self._rest(prefix.past_key_values, mask)
        counts = mask.sum(1).tolist()
        rows = scores.tolist()
        return [Classified(tuple(row), n, c) for row, n, c in zip(rows, counts, cut, strict=True)]

    def _rest(self, cache: Any, mask: torch.Tensor) -> torch.Tensor:
        """Returns the log-likelihood of all label tokens but the first, shape `(batch, labels)`."""
        count, longest = len(self._labels), max(map(len, self._labels))
        ids = torch.zeros(count, longest, dtype=torch.long, device=mask.device)
        real = torch.zeros(count, longest, dtype=torch.bool, device=mask.device)
        for row, label in enumerate(self._labels):
            ids[row, : len(label)] = torch.tensor(label, device=mask.device)
            real[row, : len(label)] = True
        batch = mask.shape[0]
        cache.batch_repeat_interleave(count)
        inputs, targets = ids[:, :-1].repeat(batch, 1), ids[:, 1:].repeat(batch, 1)
        prefix_mask = mask.repeat_interleave(count, 0)
        full = torch.cat([prefix_mask, real[:, :-1].repeat(batch, 1).to(mask.dtype)], 1)
        positions = prefix_mask.sum(1, keepdim=True) + torch.arange(longest - 1, device=mask.device)
        logits = self.module(
            input_ids=inputs,
            attention_mask=full,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).logits
        found = logits.float().log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        total: torch.Tensor = (found * real[:, 1:].repeat(batch, 1)).sum(1).view(batch, count)
        return total

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the continuation of each prompt, greedy or by beams."""
        prompts, options = self.prompts(texts)
        return generate(self, prompts, decoding, on_token, encoder_decoder=False, **options)

    def generate_many(self, texts: Sequence[str], decoding: Decoding, rows: int) -> Iterator[tuple[int, Generated]]:
        """Yields position and continuation of each prompt as it ends; at most `rows` are under way at a time."""
        prompts, options = self.prompts(texts)
        return generate_many(self, prompts, decoding, rows, **options)

    @torch.inference_mode()
    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Returns −log P of each text by sliding windows, every token scored once."""
        return score_windows(self, texts)
