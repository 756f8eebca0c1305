"""Beam search, as transformers' `generate` does it with `early_stopping=False`, over any next-token function.

A hypothesis of `n` tokens, its end counted, scores log P / n^p, p being the length penalty: above 0 long ones gain, 0
leaves the sum. Of the `2k` likeliest continuations of `k` beams (`3k` with stop strings) those among the first `k` that
end are finished, and the first `k` that do not end go on. A row is done when it has `k` finished ones and its best
running beam, at its length so far, is no better than the worst of them.

Source: transformers 5, `GenerationMixin._beam_search`; Wu et al. 2016 for scoring by length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

Step = Callable[[torch.Tensor, int, torch.Tensor], torch.Tensor]
"""From the newest token of each beam, its position, and the beam that each was continued from (both of shape
`(rows · beams,)`), to next-token logits of shape `(rows · beams, vocabulary)`."""


@dataclass(frozen=True, slots=True)
class Search:
    """The limits of one search."""

    beams: int
    limit: int
    """Most tokens of an output."""
    length_penalty: float
    bos_id: int
    eos_id: int
    stopped: Callable[[Sequence[int]], bool] | None = None
    """Whether a text ends with its newest token because a stop string is complete; None without stop strings."""

    def ends(self, sequence: Sequence[int]) -> bool:
        """Tell whether a hypothesis is finished with its newest token."""
        full = sequence[-1] == self.eos_id or len(sequence) == self.limit
        return full or (self.stopped is not None and self.stopped(sequence))

    @property
    def looked_at(self) -> int:
        """Continuations looked at: so many that as many as there are beams can go on, whatever ends."""
        return self.beams * (2 if self.stopped is None else 3)


@dataclass(slots=True)
class _Row:
    """The finished hypotheses of one input, best first."""

    finished: list[tuple[float, list[int]]] = field(default_factory=list)
    done: bool = False

    def add(self, score: float, tokens: list[int], most: int) -> None:
        self.finished.append((score, tokens))
        self.finished.sort(key=lambda pair: -pair[0])
        del self.finished[most:]


def beam_search(step: Step, rows: int, search: Search, device: str) -> list[list[int]]:
    """Search each row for the tokens of the best hypothesis, its end included where it has one."""
    count = search.beams
    scores = torch.full((rows, count), -torch.inf, device=device)
    scores[:, 0] = 0.0
    newest = torch.full((rows * count,), search.bos_id, device=device)
    parents = torch.arange(rows * count, device=device)
    tokens: list[list[list[int]]] = [[[] for _ in range(count)] for _ in range(rows)]
    finished_rows = [_Row() for _ in range(rows)]
    for position in range(search.limit):
        logits = step(newest, position, parents).float().log_softmax(-1).view(rows, count, -1)
        size = logits.shape[-1]
        values, places = (scores.unsqueeze(-1) + logits).flatten(1).topk(min(search.looked_at, count * size), dim=1)
        kept = [
            _advance(
                finished_rows[row], tokens[row], values[row].tolist(), places[row].tolist(), size, position + 1, search
            )
            for row in range(rows)
        ]
        if all(row.done for row in finished_rows):
            break
        tokens = [[sequence for _, _, sequence in beams] for beams in kept]
        scores = torch.tensor([[score for score, _, _ in beams] for beams in kept], device=device)
        newest = torch.tensor([sequence[-1] for beams in tokens for sequence in beams], device=device)
        parents = torch.tensor(
            [row * count + parent for row, beams in enumerate(kept) for _, parent, _ in beams], device=device
        )
    return [row.finished[0][1] for row in finished_rows]


def _advance(
    row: _Row, tokens: list[list[int]], values: list[float], places: list[int], size: int, length: int, search: Search
) -> list[tuple[float, int, list[int]]]:
    """File the hypotheses that end, and choose the beams that go on: score, parent beam, tokens."""
    running: list[tuple[float, int, list[int]]] = []
    for rank, (value, place) in enumerate(zip(values, places, strict=True)):
        parent, token = divmod(place, size)
        sequence = [*tokens[parent], token]
        ends = search.ends(sequence)
        if ends and rank < search.beams and not row.done and value > -torch.inf:
            row.add(value / length**search.length_penalty, sequence, search.beams)
        if not ends and len(running) < search.beams:
            running.append((value, parent, sequence))
    while len(running) < search.beams:
        running.append((-torch.inf, 0, [*tokens[0], search.eos_id]))
    if len(row.finished) == search.beams and length < search.limit:
        row.done |= running[0][0] / length**search.length_penalty <= row.finished[-1][0]
    row.done |= length == search.limit
    return running
