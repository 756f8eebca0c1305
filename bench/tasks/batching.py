"""Which examples are answered together: at most so many of them, or at most so many tokens with the padding.

Batches are sorted by length, longest first: what is padded is little, and an out-of-memory shows in the first one.
This module knows lengths and no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.meters.clock import on_cuda

AUTO_TOKENS = {"cpu": 4096, "cuda": 65536}
"""Padded tokens with which `auto` begins. A CPU gains nothing from larger batches: from about 1000 tokens on a matrix
product is bound by arithmetic (GPT-2 small, 2 cores: 5 % between 1024 and 8192). A GPU gains up to some 10⁴."""
AUTO_EXAMPLES = {"cpu": 64, "cuda": 512}
"""Examples with which `auto` begins, where they are short."""


@dataclass(frozen=True, slots=True)
class Batching:
    """The limits of a batch; at least one of `examples` and `tokens` is set."""

    examples: int | None = None
    """Most examples of a batch."""
    tokens: int | None = None
    """Most tokens of a batch: its examples times the longest of them. An example that is longer is alone in its
    batch."""
    auto: bool = False
    """Whether the limits may be lowered when memory runs out."""

    @classmethod
    def of(cls, size: int | Literal["auto"] | None, tokens: int | None = None, device: str = "cpu") -> Batching:
        """Interpret a suite's `batch_size` and `batch_tokens` on `device`.

        >>> Batching.of(16), Batching.of(None, 4096).tokens, Batching.of("auto").auto
        (Batching(examples=16, tokens=None, auto=False), 4096, True)
        """
        if tokens is not None:
            return cls(tokens=tokens)
        if size == "auto":
            place = "cuda" if on_cuda(device) else "cpu"
            return cls(AUTO_EXAMPLES[place], AUTO_TOKENS[place], auto=True)
        return cls(examples=size)

    def split(self, lengths: Sequence[int], indices: Sequence[int] | None = None) -> list[tuple[int, ...]]:
        """Split `indices` (by default all) into batches, longest first.

        >>> Batching(examples=2).split([3, 9, 5])
        [(1, 2), (0,)]
        >>> Batching(tokens=10).split([3, 9, 5, 4])
        [(1,), (2, 3), (0,)]
        """
        chosen = range(len(lengths)) if indices is None else indices
        made: list[list[int]] = []
        for index in sorted(chosen, key=lambda index: (-lengths[index], index)):
            if made and self._has_room(len(made[-1]) + 1, lengths[made[-1][0]]):
                made[-1].append(index)
            else:
                made.append([index])
        return [tuple(batch) for batch in made]

    def _has_room(self, count: int, longest: int) -> bool:
        if self.examples is not None and count > self.examples:
            return False
        return self.tokens is None or count * max(longest, 1) <= self.tokens

    def fewest(self, count: int) -> int:
        """Count the batches into which so many examples are split at least, however short they are.

        >>> Batching(64, 4096, auto=True).fewest(150), Batching(tokens=10).fewest(20)
        (3, 2)
        """
        most = min(limit for limit in (self.examples, self.tokens) if limit is not None)
        return -(-count // most)

    def halved(self, batch: Sequence[int], lengths: Sequence[int]) -> Batching:
        """Tighten the limits: return those under which the examples of `batch`, for which memory did not suffice, make
        two batches.

        Both limits follow from what the batch held, so that each call at least halves it: after log₂ of the first
        batch's size every example is alone.

        >>> Batching(64, 4096, auto=True).halved([0, 1, 2, 3], [10, 10, 10, 10])
        Batching(examples=2, tokens=20, auto=True)
        """
        examples = max(len(batch) // 2, 1)
        longest = max(max(lengths[index] for index in batch), 1)
        return replace(self, examples=examples, tokens=examples * longest)

    def streams(
        self, lengths: Sequence[int], indices: Sequence[int] | None = None
    ) -> list[tuple[tuple[int, ...], int]]:
        """Split examples into streams `(indices, rows)`: examples in order, of which `rows` at a time keep the limits.

        Neighbouring batches that hold about as many examples are one stream.

        >>> Batching(examples=2).streams([3, 9, 5])
        [((1, 2, 0), 2)]
        """
        streams: list[tuple[list[int], int]] = []
        for batch in self.split(lengths, indices):
            if streams and len(batch) < 2 * streams[-1][1]:
                streams[-1][0].extend(batch)
            else:
                streams.append((list(batch), len(batch)))
        return [(tuple(batch), rows) for batch, rows in streams]

    def note(self, lengths: Sequence[int]) -> dict[str, object]:
        """Describe the batching for the record: the limits used, the largest batch, and the share of padding."""
        batches = self.split(lengths)
        padded = sum(len(batch) * lengths[batch[0]] for batch in batches)
        return {
            "examples": self.examples,
            "tokens": self.tokens,
            "auto": self.auto,
            "batches": len(batches),
            "largest_examples": max(map(len, batches), default=0),
            "largest_tokens": max((len(batch) * lengths[batch[0]] for batch in batches), default=0),
            "padding_share": 1 - sum(lengths) / padded if padded else 0.0,
        }
