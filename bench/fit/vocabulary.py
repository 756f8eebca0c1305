"""Byte-level BPE vocabulary for models trained from scratch.

Numbers are words of their own, so that small ones, such as the days of dates, become one token each. Ids 0 to
3 are fixed for all families: padding, end, beginning, unknown; 4 is the mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.candidates.learning import BOS_ID, EOS_ID, Learning

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SPECIAL = {
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "bos_token": "<s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, *, learning: Learning, max_length: int, pairs: bool = False
) -> PreTrainedTokenizerBase:
    """Train a `PreTrainedTokenizerFast` on `texts`, with the frame and the roles that the family declares.

    Where there are pairs, and the family reads them as two texts, it also tells which token is of which text.
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
    if learning.frame is not None:
        specials = [("<s>", BOS_ID), ("</s>", EOS_ID)]
        two = {"pair": learning.pair_frame} if pairs and learning.pair_frame is not None else {}
        tokenizer.post_processor = processors.TemplateProcessing(single=learning.frame, special_tokens=specials, **two)
    maker: Any = PreTrainedTokenizerFast
    names = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]} if pairs else {}
    made: PreTrainedTokenizerBase = maker(
        tokenizer_object=tokenizer, model_max_length=max_length, **SPECIAL, **learning.roles, **names
    )
    return made
