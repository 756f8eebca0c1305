"""Byte-level BPE vocabulary for models trained from scratch.

Numbers are words of their own, so that small ones, such as the days of dates, become one token each. Ids 0 to
3 are fixed for all families: padding, end, beginning, unknown; 4 is the mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SPECIAL = {
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "bos_token": "<s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
PAD_ID, EOS_ID, BOS_ID = 0, 1, 2


def train_tokenizer(texts: Iterable[str], vocab_size: int, *, family: str, max_length: int) -> Any:
    """Returns a `PreTrainedTokenizerFast` trained on `texts`.

    `encoder` gets `<s> … </s>`, `seq2seq` and `transformer` get `… </s>`, `causal-lm` adds nothing.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    frame = {"encoder": "<s> $A </s>", "seq2seq": "$A </s>", "transformer": "$A </s>"}.get(family)
    if frame is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=frame, special_tokens=[("<s>", BOS_ID), ("</s>", EOS_ID)]
        )
    roles = dict(SPECIAL)
    if family == "encoder":
        roles |= {"cls_token": "<s>", "sep_token": "</s>"}
    maker: Any = PreTrainedTokenizerFast
    return maker(tokenizer_object=tokenizer, model_max_length=max_length, **roles)
