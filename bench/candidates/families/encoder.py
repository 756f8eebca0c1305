"""`encoder`: BERT and any AutoModelForSequenceClassification, scored through its classification head."""

from __future__ import annotations

from collections.abc import Sequence
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
    batch, cut = model.tokenize(texts, model.max_tokens, **options)
    logits = model.module(**batch).logits.float().log_softmax(-1)
    rows = logits[:, list(order)].tolist()
    counts = batch["attention_mask"].sum(1).tolist()
    return [Classified(tuple(row), n, c) for row, n, c in zip(rows, counts, cut, strict=True)]


def label_order(name: str, id2label: dict[int, str], labels: Sequence[str]) -> list[int]:
    """Returns for each of the task's labels the index of the head's output for it; case does not count.

    Raises:
        UnsupportedError: the head does not know one of the labels.
    """
    known = {str(label).casefold(): int(index) for index, label in id2label.items()}
    missing = [label for label in labels if label.casefold() not in known]
    if missing:
        raise UnsupportedError(
            f"the head of '{name}' has the labels {', '.join(map(str, id2label.values()))}, but the task has "
            f"'{missing[0]}'; map them with the task's 'labels', or fit a head with 'fit'"
        )
    return [known[label.casefold()] for label in labels]
