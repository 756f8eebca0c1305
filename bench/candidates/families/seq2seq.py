"""`seq2seq`: T5 and any AutoModelForSeq2SeqLM.

Writes text by generation, and classifies by the log-likelihood of each label as output, the encoder run once
per text.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.candidates.decoding.choices import choose_in_decoder
from bench.candidates.decoding.generate import generate, least_margin
from bench.candidates.huggingface import HuggingFaceModel, load_pretrained
from bench.candidates.interface import Classified, Context, Decoding, Generated, OnToken
from bench.suite import ModelSpec, VariantSpec


class Seq2Seq(HuggingFaceModel):
    """An encoder-decoder."""

    abilities = frozenset({"classify", "choose", "generate", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForSeq2SeqLM

        module, tokenizer = load_pretrained(AutoModelForSeq2SeqLM, spec, variant, context.place, context.kept)
        super().__init__(spec, module, tokenizer, context)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns log P(label | text) in nats for every label, summed over its tokens and the end of
        sequence."""
        return self.choose(texts, [self.context.label_texts] * len(texts))

    @torch.inference_mode()
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Returns log P(choice | text) in nats of each text's own choices, summed over their tokens and the end."""
        return choose_in_decoder(self, texts, choices)

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the decoder's text for each source, greedy or by beams."""
        return generate(self, texts, decoding, on_token, encoder_decoder=True)

    @torch.inference_mode()
    def least_margin(self, text: str, decoding: Decoding) -> float:
        """Return by how much the likeliest token leads in the closest step of one answer, in logits."""
        return least_margin(self, text, decoding, encoder_decoder=True)
