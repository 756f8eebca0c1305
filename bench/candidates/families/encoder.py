"""`encoder`: BERT and any AutoModelForSequenceClassification, scored through its classification head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch

from bench.candidates.huggingface import HuggingFaceModel, load_pretrained
from bench.candidates.interface import Classified, Context
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, VariantSpec


class Encoder(HuggingFaceModel):
    """A bidirectional encoder with a head over labels."""

    abilities = frozenset({"classify"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForSequenceClassification

        module, tokenizer = load_pretrained(
            AutoModelForSequenceClassification, spec, variant, context.place, context.kept
        )
        super().__init__(spec, module, tokenizer, context)
        self._order = label_order(spec.name, module.config.id2label, context.labels)

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns the head's log-probability of every label, in the task's order."""
        return head_scores(self, texts, self._order)


def head_scores(
    model: HuggingFaceModel, texts: Sequence[str], order: Sequence[int], **options: Any
) -> list[Classified]:
    """Returns the log-probability of every label by a head, `order` giving the head's index of each label.

    `options` are of the tokenizer's call.
    """
    if not texts:
        return []
    if model.plain and len(texts) > 1:
        return [answer for text in texts for answer in head_scores(model, [text], order, **options)]
    ids, cut = model.encode(texts, model.max_tokens, **options)
    batch = model.padded(ids, _head_padding(model, ids))
    logits = model.module(**batch).logits.float().log_softmax(-1)
    rows = logits[:, list(order)].tolist()
    counts = batch["attention_mask"].sum(1).tolist()
    return [Classified(tuple(row), n, c) for row, n, c in zip(rows, counts, cut, strict=True)]


def _head_padding(model: HuggingFaceModel, rows: Sequence[Sequence[int]]) -> int:
    """Return the token that fills up a batch for a head, told to the head too.

    The heads of decoders read the last token that is not the configuration's padding token. Where the checkpoint names
    none, a token that no row of the batch has stands in, so that the head reads each row's own last token.
    """
    config = model.module.config.get_text_config()
    own = getattr(model.module.config, "pad_token_id", None)
    if own is not None and model.padding_is_own:
        return int(own)
    used = set(chain.from_iterable(rows))
    unused = next((token for token in range(len(used) + 1) if token not in used), model.pad_id)
    for part in {id(config): config, id(model.module.config): model.module.config}.values():
        part.pad_token_id = unused
    return unused


def label_order(name: str, id2label: dict[int, str], labels: Sequence[str]) -> list[int]:
    """Returns for each of the task's labels the index of the head's output for it; case does not count.

    Raises:
        UnsupportedError: the head does not know one of the labels.
    """
    exact = {str(label): int(index) for index, label in id2label.items()}
    if all(label in exact for label in labels):
        return [exact[label] for label in labels]
    folded = {label.casefold(): index for label, index in exact.items()}
    unambiguous = len(folded) == len(exact) and len({label.casefold() for label in labels}) == len(labels)
    missing = [label for label in labels if label.casefold() not in folded or not unambiguous]
    if missing:
        lines = ", ".join(f"{index}: {label}" for index, label in zip(sorted(exact.values()), labels, strict=False))
        raise UnsupportedError(
            f"the head of '{name}' has the labels {', '.join(exact)}, but the task has '{missing[0]}'; say which "
            f"output is which label with the model's 'head_labels: {{{lines}}}' (check the order), or train a head "
            "with 'fit'"
        )
    return [folded[label.casefold()] for label in labels]
