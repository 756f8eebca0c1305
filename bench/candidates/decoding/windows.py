"""Log-likelihood of texts longer than a model reads, by sliding windows in which every token is scored once.

A token near the start of a window sees at least half a window of context, except in the first window.
Source: the fixed-length perplexity recipe of the transformers documentation (strided evaluation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from bench.candidates.decoding.logits import IGNORED, log_probability
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.interface import Scored

STRIDE_SHARE = 2
"""A window advances by its length divided by this."""
WINDOW_CAP = 1024
"""Longest window in tokens unless the suite's `max_input_tokens` asks for more; a longer one costs quadratic attention
for little more context."""


@dataclass(frozen=True, slots=True)
class Window:
    """A slice of one text's tokens, of which the first `skip` targets were scored before."""

    text: int
    ids: list[int]
    skip: int


def windows(text: int, ids: list[int], size: int) -> Iterator[Window]:
    """Cut one text into windows so that each token after the first is a target exactly once.

    >>> [(w.ids, w.skip) for w in windows(0, [9, 1, 2, 3, 4, 5], 4)]
    [([9, 1, 2, 3], 0), ([2, 3, 4, 5], 1)]
    """
    scored_to, start = 1, 0
    while scored_to < len(ids):
        stop = min(start + size, len(ids))
        yield Window(text, ids[start:stop], scored_to - start - 1)
        scored_to = stop
        start = max(stop - max(size // STRIDE_SHARE, 1), 0)


def window_tokens(model: HuggingFaceModel) -> int:
    """Choose the number of tokens of a window: what the suite asks for, else what the model reads up to
    `WINDOW_CAP`."""
    return model.max_tokens if model.context.max_input_tokens else min(model.max_tokens, WINDOW_CAP)


def score_windows(model: HuggingFaceModel, texts: Sequence[str]) -> list[Scored]:
    """Compute the negative log-likelihood of each text in nats.

    The first token is predicted from the model's bos token, or its eos token where it has no bos, so that
    every byte of the text is scored. A batch holds as many windows as it was given texts.
    """
    if not texts:
        return []
    rows = model.token_ids(texts, add_special_tokens=False)
    size = window_tokens(model)
    todo = [window for i, row in enumerate(rows) for window in windows(i, [model.start_id, *row], size)]
    totals = [0.0] * len(texts)
    together = 1 if model.plain else len(texts)
    for at in range(0, len(todo), together):
        part = todo[at : at + together]
        for window, nll in zip(part, _batch_nll(model, part), strict=True):
            totals[window.text] += nll
    return [
        Scored(total, len(row), len(text.encode()), len(row))
        for total, row, text in zip(totals, rows, texts, strict=True)
    ]


def _batch_nll(model: HuggingFaceModel, part: Sequence[Window]) -> list[float]:
    longest = max(len(window.ids) for window in part)
    ids = torch.zeros(len(part), longest, dtype=torch.long)
    mask = torch.zeros(len(part), longest, dtype=torch.long)
    targets = torch.full((len(part), longest), IGNORED)
    for row, window in enumerate(part):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        mask[row, : len(window.ids)] = 1
        targets[row, window.skip : len(window.ids) - 1] = torch.tensor(window.ids[window.skip + 1 :])
    read = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
    logits = model.module(**read, use_cache=False).logits
    sums: list[float] = (-log_probability(logits, targets.to(model.device))).tolist()
    return sums
