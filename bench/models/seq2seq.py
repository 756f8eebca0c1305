"""`seq2seq`: T5 and any AutoModelForSeq2SeqLM.

Writes text by generation, and classifies by the log-likelihood of each label as output, the encoder run once
per text.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.models.base import Classified, Context, Decoding, Generated, OnToken
from bench.models.decoding import generate
from bench.models.huggingface import HuggingFaceModel, load_pretrained
from bench.suite import ModelSpec, VariantSpec

IGNORED = -100


class Seq2Seq(HuggingFaceModel):
    """An encoder-decoder."""

    abilities = frozenset({"classify", "generate", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForSeq2SeqLM

        module, tokenizer = load_pretrained(AutoModelForSeq2SeqLM, spec, variant, context.device, context.kept)
        super().__init__(spec, module, tokenizer, context)
        rows = [tokenizer(text)["input_ids"] for text in context.label_texts]
        longest = max(map(len, rows), default=0)
        self._targets = torch.tensor([row + [IGNORED] * (longest - len(row)) for row in rows], device=context.device)

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns log P(label | text) in nats for every label, summed over its tokens and the end of
        sequence."""
        if not texts:
            return []
        batch, cut = self.tokenize(texts, self.max_tokens)
        mask = batch["attention_mask"]
        memory = self.module.get_encoder()(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        count = self._targets.shape[0]
        targets = self._targets.repeat(len(texts), 1)
        inputs = self.module.prepare_decoder_input_ids_from_labels(labels=targets)
        from transformers.modeling_outputs import BaseModelOutput

        logits = self.module(
            encoder_outputs=BaseModelOutput(last_hidden_state=memory.repeat_interleave(count, 0)),
            attention_mask=mask.repeat_interleave(count, 0),
            decoder_input_ids=inputs,
        ).logits
        real = targets != IGNORED
        found = logits.float().log_softmax(-1).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        scores = (found * real).sum(1).view(len(texts), count).tolist()
        counts = mask.sum(1).tolist()
        return [Classified(tuple(row), n, c) for row, n, c in zip(scores, counts, cut, strict=True)]

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the decoder's text for each source, greedy or by beams."""
        return generate(self, texts, decoding, on_token, encoder_decoder=True)
