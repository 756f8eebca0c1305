"""What the library itself answers: transformers' forward pass, one example at a time, no padding, no cache.

The truth of the sweep of families. Nothing of bench is imported here, least of all its own reference pass: a fault that
both had would not be seen. Texts are written by a loop over forward passes, and by `generate` only where the checkpoint
asks for what the loop does not do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

CLOSE = 1e-3
"""Logits of the two likeliest tokens that are so close may change places by rounding."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and by how much its closest choice of a token was decided."""

    text: str
    margin: float


class Plain:
    """A loaded module and its tokenizer, asked for one example at a time."""

    def __init__(self, module: Any, words: Any, *, two_parts: bool, end: int, begin: int) -> None:
        self.module, self.words, self.two_parts, self.end, self.begin = module, words, two_parts, end, begin

    def prompt(self, text: str, kept: int | None = None) -> list[int]:
        """Encode a prompt without the end that the tokenizer may put there, cut at its beginning to `kept` tokens."""
        ids: list[int] = self.words(text)["input_ids"]
        ids = ids[:-1] if ids[-1] == self.end else ids
        return ids if kept is None else ids[-kept:]

    def source(self, text: str, kept: int | None = None) -> list[int]:
        """Encode what an encoder reads, cut as the tokenizer cuts."""
        limit = {} if kept is None else {"truncation": True, "max_length": kept}
        ids: list[int] = self.words(text, **limit)["input_ids"]
        return ids

    @torch.inference_mode()
    def head(self, text: str, kept: int | None) -> list[float]:
        """Compute the log-probabilities of a head."""
        ids = torch.tensor([self.source(text, kept)])
        logits = self.module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        scores: list[float] = logits[0].float().log_softmax(-1).tolist()
        return scores

    @torch.inference_mode()
    def continuation(self, prompt: str, choice: str, kept: int | None) -> float:
        """Compute log P(choice | prompt) in nats."""
        if self.two_parts:
            target = self.source(choice)
            rows = self._decoded(self.source(prompt, kept), target)
            return float(sum(rows[place, token] for place, token in enumerate(target)))
        first = self.prompt(prompt, kept)
        second = self.words(choice, add_special_tokens=False)["input_ids"]
        rows = self._rows([*first, *second[:-1]])  # the last token is predicted, and never read
        return float(sum(rows[len(first) - 1 + place, token] for place, token in enumerate(second)))

    @torch.inference_mode()
    def nats(self, text: str, window: int) -> float:
        """Compute the negative log-likelihood of a text behind the start token, in windows that advance by half."""
        ids = [self.begin, *self.words(text, add_special_tokens=False)["input_ids"]]
        total, start, scored = 0.0, 0, 1
        while scored < len(ids):
            part = ids[start : start + window]
            rows = self._rows(part)
            total -= float(sum(rows[place - start - 1, ids[place]] for place in range(scored, start + len(part))))
            scored = start + len(part)
            start = scored - window // 2
        return total

    def _rows(self, ids: Sequence[int]) -> torch.Tensor:
        output = self.module(input_ids=torch.tensor([list(ids)]), use_cache=False)
        rows: torch.Tensor = output.logits[0].float().log_softmax(-1)
        return rows

    def _decoded(self, source: list[int], target: list[int]) -> torch.Tensor:
        """Compute the log-probabilities of the decoder's tokens, given the labels as in training."""
        ids = torch.tensor([source])
        shift = getattr(self.module, "prepare_decoder_input_ids_from_labels", None)
        shifted = (
            torch.tensor([[self.module.config.decoder_start_token_id, *target[:-1]]])
            if shift is None
            else shift(labels=torch.tensor([target]))
        )
        output = self.module(input_ids=ids, decoder_input_ids=shifted, use_cache=False)
        rows: torch.Tensor = output.logits[0].float().log_softmax(-1)
        return rows

    @torch.inference_mode()
    def writes(self, text: str, kept: int | None, new: int) -> Written:
        """Write so many tokens by taking the likeliest one again and again, each time by a whole forward pass."""
        source = self.source(text, kept) if self.two_parts else self.prompt(text, kept)
        written: list[int] = []
        margin = float("inf")
        while len(written) < new and (not written or written[-1] != self.end):
            logits = self._next(source, written)
            best = logits.topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            written.append(int(best.indices[0]))
        return Written(self._text(written), margin)

    def _next(self, source: list[int], written: list[int]) -> torch.Tensor:
        if self.two_parts:
            start = self.module.generation_config.decoder_start_token_id
            output = self.module(
                input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[start, *written]]), use_cache=False
            )
        else:
            output = self.module(input_ids=torch.tensor([[*source, *written]]), use_cache=False)
        logits: torch.Tensor = output.logits[0, -1].float()
        return logits

    @torch.inference_mode()
    def generates(self, text: str, kept: int | None, new: int, beams: int = 1) -> str:
        """Write a text by the library's `generate`, without a cache."""
        ids = torch.tensor([self.source(text, kept) if self.two_parts else self.prompt(text, kept)])
        output = self.module.generate(
            ids,
            **self._positions(ids),
            attention_mask=torch.ones_like(ids),
            max_new_tokens=new,
            do_sample=False,
            use_cache=False,
            num_beams=beams,
            pad_token_id=self.module.generation_config.pad_token_id or 0,
        )[0].tolist()
        return self._text(output[1:] if self.two_parts else output[ids.shape[1] :])

    def _positions(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """Count positions as the model's own embedding does (RoBERTa's kind), which `generate` does not."""
        counting = [part for part in self.module.modules() if hasattr(part, "create_position_ids_from_input_ids")]
        if self.two_parts or not counting:
            return {}
        return {"position_ids": counting[0].create_position_ids_from_input_ids(ids, counting[0].padding_idx)}

    def _text(self, tokens: list[int]) -> str:
        if self.end in tokens:
            tokens = tokens[: tokens.index(self.end)]
        return str(self.words.decode(tokens, skip_special_tokens=True)).strip()
