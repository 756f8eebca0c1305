"""The keys and values of many rows in one buffer per layer, and the calls of a causal model on them.

All rows end at the same column. A row's tokens are a run of columns that ends there; what is before it is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from bench.models.huggingface import HuggingFaceModel

SLACK = 32
"""Columns beyond what a row can need. When they are used up all rows are moved to the left, which costs one copy of
the buffer in so many steps; more columns would make attention run over more masked ones."""


def supports_rows(module: Any) -> bool:
    """Returns whether every layer keeps plain keys and values of all tokens (no sliding window, no state)."""
    layers = DynamicCache(config=module.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


class _Buffer(DynamicLayer):
    """A layer's keys and values of shape `(rows, heads, columns, width)`, of which the first `end` are in use."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.all_keys, self.all_values = keys, values
        self.end = 0
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes the new columns in place, and returns all columns in use."""
        start, self.end = self.end, self.end + key_states.shape[-2]
        self.all_keys[:, :, start : self.end] = key_states
        self.all_values[:, :, start : self.end] = value_states
        return self.all_keys[:, :, : self.end], self.all_values[:, :, : self.end]

    def get_seq_length(self) -> int:
        """Returns the columns in use."""
        return self.end


class RowCache:
    """The rows of one search."""

    def __init__(self, model: HuggingFaceModel, most_columns: int) -> None:
        self.model, self.module, self.device = model, model.module, model.device
        self.columns = most_columns + SLACK
        self.layers: list[_Buffer] = []
        self.begins: torch.Tensor = torch.zeros(0, dtype=torch.long, device=self.device)
        """First column of each row."""
        self.end = 0
        """Columns in use, the same for all rows."""

    def prefill(self, prompts: Sequence[Sequence[int]]) -> list[int]:
        """Runs the first prompts, one a row, and returns the next token of each."""
        cache, widths, tokens = self._run(prompts)
        self.end = max(map(len, prompts))
        self.begins = self.end - widths
        self.layers = []
        for layer in cache.layers:
            rows, heads, _, width = layer.keys.shape
            keys = layer.keys.new_zeros(rows, heads, self.columns, width)
            values = layer.values.new_zeros(rows, heads, self.columns, layer.values.shape[-1])
            keys[:, :, : self.end], values[:, :, : self.end] = layer.keys, layer.values
            self.layers.append(_Buffer(keys, values))
        return tokens

    def replace(self, slots: Sequence[int], prompts: Sequence[Sequence[int]]) -> list[int]:
        """Runs new prompts, puts them into the rows `slots`, and returns the next token of each."""
        cache, widths, tokens = self._run(prompts)
        longest = max(map(len, prompts))
        self._make_room(longest, slots)
        begin, where = self.end - longest, torch.tensor(slots, device=self.device)
        for buffer, layer in zip(self.layers, cache.layers, strict=True):
            buffer.all_keys[where, :, begin : self.end] = layer.keys
            buffer.all_values[where, :, begin : self.end] = layer.values
        self.begins[where] = self.end - widths
        return tokens

    def step(self, newest: Sequence[int]) -> list[int]:
        """Runs one more token of each row, and returns the next one of each."""
        if self.end == self.columns:
            self._move(self.end - int(self.begins.min()))
        for buffer in self.layers:
            buffer.end = self.end
        columns = torch.arange(self.end + 1, device=self.device)
        logits = self._call(
            input_ids=torch.tensor(newest, device=self.device).unsqueeze(1),
            attention_mask=self._mask(columns >= self.begins.unsqueeze(1)),
            position_ids=(self.end - self.begins).unsqueeze(1),
            past_key_values=Cache(layers=list(self.layers)),
        ).logits
        self.end += 1
        return _best(logits)

    def select(self, slots: Sequence[int]) -> None:
        """Keeps the rows `slots` alone."""
        where = torch.tensor(slots, device=self.device)
        self.begins = self.begins[where]
        for buffer in self.layers:
            buffer.all_keys, buffer.all_values = buffer.all_keys[where], buffer.all_values[where]

    def _make_room(self, longest: int, slots: Sequence[int]) -> None:
        """Moves the rows so that a prompt of `longest` tokens ends at the common column.

        Rows that are replaced count for nothing: their columns are written over or masked.
        """
        begins = self.begins.clone()
        begins[list(slots)] = self.end
        used = max(self.end - int(begins.min()), longest)
        self.begins = begins
        if used > self.end:
            self._move(used, grow=True)
        elif self.end - used >= SLACK:
            self._move(used)

    def _move(self, used: int, grow: bool = False) -> None:
        """Moves all rows so that they end at column `used`."""
        by = self.end - used
        if used + SLACK > self.columns and grow:
            self.columns = used + SLACK
        for buffer in self.layers:
            buffer.all_keys, buffer.all_values = (
                _moved(states, by, self.end, self.columns) for states in (buffer.all_keys, buffer.all_values)
            )
        self.begins = (self.begins - by).clamp(min=0)
        self.end = used

    def _run(self, prompts: Sequence[Sequence[int]]) -> tuple[Any, torch.Tensor, list[int]]:
        """Returns the cache of the prompts, padded on the left, their lengths, and their next tokens."""
        longest, pad = max(map(len, prompts)), self.model.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=self.device)
        widths = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        mask = torch.arange(longest, device=self.device) >= (longest - widths).unsqueeze(1)
        output = self._call(
            input_ids=ids,
            attention_mask=mask.long(),
            position_ids=(mask.long().cumsum(1) - 1).clamp(min=0),
            past_key_values=DynamicCache(config=self.module.config),
        )
        return output.past_key_values, widths, _best(output.logits)

    def _mask(self, allowed: torch.Tensor) -> torch.Tensor:
        """Returns the mask of a step, `(rows, columns)`, in the form that the attention takes with least work."""
        if getattr(self.module.config, "_attn_implementation", None) == "sdpa":
            return allowed[:, None, None, :]
        return allowed.long()

    def _call(self, **arguments: Any) -> Any:
        return self.module(**arguments, use_cache=True, logits_to_keep=1)


def _best(logits: torch.Tensor) -> list[int]:
    tokens: list[int] = logits[:, -1].argmax(-1).tolist()
    return tokens


def _moved(states: torch.Tensor, by: int, end: int, columns: int) -> torch.Tensor:
    """Returns a buffer of `columns` columns with the ones up to `end` moved by `by` to the left."""
    rows, heads, _, width = states.shape
    made = states.new_zeros(rows, heads, columns, width)
    begin = max(by, 0)
    made[:, :, begin - by : end - by] = states[:, :, begin:end]
    return made
