"""What a pass keeps of its requests: every one up to a bound, beyond it an even sample, and the tally of all.

So a pass lasts as long as its window says however quick the requests are, and its record stays small. The sample is
uniform: every request has the same chance to be in it, so quantiles, means and ratios of it are those of the pass.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.record import Phase, Timing

MAX_KEPT = 2000
"""Requests of one pass whose times are kept: the order-statistic interval of a p99 exists from n = 368, and at 2000 its
rank error is ±0.4 percentage points (±0.3 at 5000). More are there only where a request takes well under a millisecond,
and each is sent, stored, read and drawn from again: the quickstart's five baselines alone took seconds that way."""
MAX_ANSWERS = 8
"""Different answers to one example that are kept for the audit: one is usual, and one more shows what many would."""


@dataclass(slots=True)
class Pass:
    """What a pass has found so far."""

    phase: Phase
    timings: list[Timing] = field(default_factory=list)
    """Of the requests that are kept, in their order once the pass has ended."""
    answers: dict[int, list[object]] = field(default_factory=dict)
    """The different answers to each example, of the requests that are kept."""
    gc_collections: int = 0
    ended_by: str = ""
    requests: int = 0
    """All of them, kept or not; as the next four."""
    examples: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    duration_ns: int = 0
    durations: list[int] = field(default_factory=list)
    """Of the timings, in no order."""
    _sample: _Reservoir | None = None

    def keep(self, timing: Timing, answers: Sequence[object]) -> None:
        """Count one request, and keep it while there is room or when its turn in the sample has come."""
        place, self.requests = self.requests, self.requests + 1
        self.examples += len(timing.examples)
        self.input_tokens += timing.input_tokens
        self.output_tokens += timing.output_tokens
        self.duration_ns += timing.duration_ns
        if place < MAX_KEPT:
            self.timings.append(timing)
            self.durations.append(timing.duration_ns)
        else:
            if self._sample is None:
                self._sample = _Reservoir(MAX_KEPT, random.Random(f"{self.phase}:{timing.process}"))
            slot = self._sample.slot(place)
            if slot is None:
                return
            self.timings[slot], self.durations[slot] = timing, timing.duration_ns
        for index, answer in zip(timing.examples, answers, strict=False):
            known = self.answers.setdefault(index, [])
            if len(known) < MAX_ANSWERS and answer not in known:
                known.append(answer)

    def end(self, reason: str) -> None:
        """Note why the pass ended, and put the kept requests into their order."""
        self.ended_by = reason
        self.timings.sort(key=lambda timing: timing.iteration)


class _Reservoir:
    """A uniform sample without replacement of a stream of unknown length; most items cost one comparison.

    Source: Li, Reservoir-Sampling Algorithms of Time Complexity O(n(1 + log(N/n))), ACM TOMS 20(4), 1994 (algorithm L).
    """

    def __init__(self, size: int, lot: random.Random) -> None:
        self._size, self._lot = size, lot
        self._weight = 1.0
        self._next = size - 1
        self._advance()

    def slot(self, place: int) -> int | None:
        """Choose which of the kept items the item at `place` (0 first) takes the place of, or None for none."""
        if place < self._next:
            return None
        self._advance()
        return self._lot.randrange(self._size)

    def _advance(self) -> None:
        self._weight *= math.exp(math.log(1.0 - self._lot.random()) / self._size)
        self._next += int(math.log(1.0 - self._lot.random()) / math.log1p(-self._weight)) + 1
