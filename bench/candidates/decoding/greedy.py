"""Greedy decoding of many prompts, so many rows at a time: an answer that ends leaves its row to the next prompt.

In a batch that runs until its longest answer ends, the rows of the short ones compute nothing of use; on real
answers that is half of the work and more. Here the keys and values of all rows lie in one buffer that is written
in place. Every row ends at the same column, so that one call adds one token to each; a new prompt is run apart and
its keys and values are laid into the row of the one that ended. The columns before a row's first token are masked,
and its positions are its own, so that no row knows of the others. What all prompts begin with is run once.

What is decoded is what transformers' own greedy search decodes; that search remains what is timed (`decoding`).
Source of the idea: Yu et al., "Orca: A Distributed Serving System for Transformer-Based Generative Models" (2022).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from bench.candidates.decoding.generate import answer_of, end_ids, generate, prompt_limit
from bench.candidates.decoding.rows import RowCache, supports_rows
from bench.candidates.decoding.settings import asks_for_processors
from bench.candidates.decoding.stops import Stops
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.interface import Decoding, Generated

REFILL_SHARE = 4
"""New prompts are run when one row in so many is free: a call for one prompt alone costs as much overhead as a step
of all rows, and waiting leaves rows idle."""

LEAST_PREFIX = 8
"""Tokens that prompts must share before they are run once: running fewer apart costs what it spares."""


def generate_many(
    model: HuggingFaceModel, texts: Sequence[str], decoding: Decoding, rows: int, **options: bool
) -> Iterator[tuple[int, Generated]]:
    """Generate answers, and yield position and answer of each prompt as it ends; a prompt's answer does not depend on
    the others.

    Args:
        model: a decoder-only model; `texts` are its finished prompts, best sorted by length.
        texts: the prompts.
        decoding: limits and stop strings; one beam.
        rows: prompts under way at a time.
        options: of the tokenizer's call.
    """
    if model.plain or asks_for_processors(model) or not supports_rows(model.module):
        for start in range(0, len(texts), rows):
            part = generate(model, texts[start : start + rows], decoding, None, encoder_decoder=False, **options)
            yield from enumerate(part, start)
        return
    ids, cut = model.encode(texts, prompt_limit(model, decoding), **options)
    search = _Search(model, decoding, deque(enumerate(ids)), rows)
    while True:
        with torch.inference_mode():
            ended = search.advance()
        if ended is None:
            return
        for place, written in ended:
            yield place, answer_of(model, written, decoding, len(ids[place]), cut[place])


@dataclass(slots=True)
class _Row:
    """One prompt under way."""

    place: int
    prompt: list[int]
    written: list[int] = field(default_factory=list)


class _Search:
    """All rows, and the prompts that wait."""

    def __init__(
        self, model: HuggingFaceModel, decoding: Decoding, waiting: deque[tuple[int, list[int]]], rows: int
    ) -> None:
        self.model, self.decoding, self.waiting, self.size = model, decoding, waiting, rows
        self.prefix = common_prefix([prompt for _, prompt in waiting]) if waiting else []
        self.rows: list[_Row | None] = []
        self.cache: RowCache | None = None
        self.ends = frozenset(end_ids(model))
        self.stops = Stops(model.tokenizer, decoding.stop)

    def advance(self) -> list[tuple[int, list[int]]] | None:
        """Generate one more token per row; return place and token ids of the answers that it ended, or None when all
        are done."""
        free = [slot for slot, row in enumerate(self.rows) if row is None]
        if len(free) == len(self.rows):
            if not self.waiting:
                return None
            return self._begin()
        if free and self.waiting and len(free) * REFILL_SHARE >= self.size:
            return self._refill(free)
        if free and not self.waiting:
            self._shrink()
        return self._step()

    def _begin(self) -> list[tuple[int, list[int]]]:
        chosen = self._take(self.size)
        if self.cache is None:
            self.cache = RowCache(self.model, self.prefix)
        tokens = self.cache.prefill([row.prompt for row in chosen], self.decoding.max_new_tokens)
        self.rows = list(chosen)
        return self._keep(dict(enumerate(tokens)))

    def _refill(self, free: list[int]) -> list[tuple[int, list[int]]]:
        assert self.cache is not None
        chosen = self._take(len(free))
        slots = free[: len(chosen)]
        tokens = self.cache.replace(slots, [row.prompt for row in chosen])
        for slot, row in zip(slots, chosen, strict=True):
            self.rows[slot] = row
        return self._keep(dict(zip(slots, tokens, strict=True)))

    def _shrink(self) -> None:
        assert self.cache is not None
        kept = [slot for slot, row in enumerate(self.rows) if row is not None]
        self.cache.select(kept)
        self.rows = [self.rows[slot] for slot in kept]

    def _step(self) -> list[tuple[int, list[int]]]:
        assert self.cache is not None
        pad = self.model.pad_id
        newest = [row.written[-1] if row is not None else pad for row in self.rows]
        tokens = self.cache.step(newest)
        return self._keep({slot: tokens[slot] for slot, row in enumerate(self.rows) if row is not None})

    def _take(self, count: int) -> list[_Row]:
        return [_Row(*self.waiting.popleft()) for _ in range(min(count, len(self.waiting)))]

    def _keep(self, tokens: dict[int, int]) -> list[tuple[int, list[int]]]:
        """Add each slot's new token; return the rows that end, whose slots become free."""
        ended = []
        for slot, token in tokens.items():
            row = self.rows[slot]
            assert row is not None
            row.written.append(token)
            full = len(row.written) >= self.decoding.max_new_tokens
            if full or token in self.ends or self.stops.ended(row.written):
                ended.append((row.place, row.written))
                self.rows[slot] = None
        return ended


def common_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Find the tokens with which all prompts begin, at least one of each left out; none where that saves little.

    Instructions and worked examples before the text make most of many prompts.

    >>> common_prefix([[*range(20), 7], [*range(20), 8, 9]]) == list(range(20))
    True
    >>> common_prefix([[1, 2], [1, 3]])
    []
    """
    least, most = (
        min(map(list, prompts)),
        max(map(list, prompts)),
    )  # in order of tokens: what these two share, all share
    shared = 0
    for one, other in zip(least[:-1], most[:-1], strict=False):
        if one != other:
            break
        shared += 1
    shared = min(shared, min(map(len, prompts)) - 1)
    return list(least[:shared]) if len(prompts) > 1 and shared >= LEAST_PREFIX else []
