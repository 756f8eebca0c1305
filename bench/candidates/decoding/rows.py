"""The keys and values of many rows in one buffer per layer, and the calls of a causal model on them.

All rows end at the same column. A row's tokens are a run of columns that ends there; what is before it is masked.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.untyped import KeyValues, Network

SLACK = 32
"""Columns beyond what a row can need. When they are used up all rows are moved to the left, which costs one copy of
the buffer in so many steps; more columns would make attention run over more masked ones."""


def supports_rows(module: Network) -> bool:
    """Tell whether every layer keeps plain keys and values of all tokens (no sliding window, no state)."""
    layers = DynamicCache(config=module.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


class _Buffer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer's keys and values of shape `(rows, heads, columns, width)`, of which the first `end` are in use."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.all_keys, self.all_values = keys, values
        self.end = 0
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new columns in place, and return all columns in use."""
        start, self.end = self.end, self.end + key_states.shape[-2]
        self.all_keys[:, :, start : self.end] = key_states
        self.all_values[:, :, start : self.end] = value_states
        return self.all_keys[:, :, : self.end], self.all_values[:, :, : self.end]

    def get_seq_length(self) -> int:
        """Count the columns in use."""
        return self.end


class RowCache:
    """The rows of one search."""

    def __init__(self, model: HuggingFaceModel, prefix: Sequence[int] = ()) -> None:
        self.model, self.module, self.device = model, model.module, model.device
        self.columns = 0
        """Columns of the buffers."""
        self.prefix = list(prefix)
        """Tokens with which every prompt begins; they are run once."""
        self._prefix_states: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Keys and values of the prefix per layer, shape `(1, heads, prefix, width)`."""
        self.layers: list[_Buffer] = []
        self.begins: torch.Tensor = torch.zeros(0, dtype=torch.long, device=self.device)
        """First column of each row."""
        self.end = 0
        """Columns in use, the same for all rows."""

    def prefill(self, prompts: Sequence[Sequence[int]], new_tokens: int) -> list[int]:
        """Begin with new prompts, one per row, with room for the tokens to come; return the next token of each."""
        cache, tokens = self._run(prompts)
        self.end = max(map(len, prompts))
        self.columns = self.end + new_tokens + SLACK
        self.begins = torch.zeros(len(prompts), dtype=torch.long, device=self.device)
        self.layers = [
            _Buffer(*(_empty(states, self.columns) for states in (layer.keys, layer.values))) for layer in cache.layers
        ]
        self._lay(list(range(len(prompts))), prompts, cache)
        return tokens

    def replace(self, slots: Sequence[int], prompts: Sequence[Sequence[int]]) -> list[int]:
        """Run new prompts, put them into the rows `slots`, and return the next token of each."""
        cache, tokens = self._run(prompts)
        self._make_room(max(map(len, prompts)), slots)
        self._lay(slots, prompts, cache)
        return tokens

    def _lay(self, slots: Sequence[int], prompts: Sequence[Sequence[int]], cache: KeyValues) -> None:
        """Lay the keys and values of prompts into rows so that each ends at the common column, its prefix before."""
        shared, where = len(self.prefix), torch.tensor(slots, device=self.device)
        begin = self.end - (max(map(len, prompts)) - shared)
        for place, (buffer, layer) in enumerate(zip(self.layers, cache.layers, strict=True)):
            buffer.all_keys[where, :, begin : self.end] = layer.keys[:, :, shared:]
            buffer.all_values[where, :, begin : self.end] = layer.values[:, :, shared:]
            for slot, prompt in zip(slots, prompts, strict=True) if shared else ():
                first = self.end - len(prompt)
                buffer.all_keys[slot, :, first : first + shared] = self._prefix_states[place][0][0]
                buffer.all_values[slot, :, first : first + shared] = self._prefix_states[place][1][0]
        self.begins[where] = torch.tensor([self.end - len(prompt) for prompt in prompts], device=self.device)

    def step(self, newest: Sequence[int]) -> list[int]:
        """Run one more token of each row, and return the next one of each."""
        if self.end == self.columns:
            self._move(self.end - int(self.begins.min()), grow=True)
        for buffer in self.layers:
            buffer.end = self.end
        columns = torch.arange(self.end + 1, device=self.device)
        logits = self._call(
            input_ids=torch.tensor(newest, device=self.device).unsqueeze(1),
            attention_mask=self._mask(columns >= self.begins.unsqueeze(1)),
            position_ids=self.model.first_position + (self.end - self.begins).unsqueeze(1),
            past_key_values=Cache(layers=list(self.layers)),
        ).logits
        self.end += 1
        return _best(logits)

    def select(self, slots: Sequence[int]) -> None:
        """Keep the rows `slots` alone."""
        where = torch.tensor(slots, device=self.device)
        self.begins = self.begins[where]
        for buffer in self.layers:
            buffer.all_keys, buffer.all_values = buffer.all_keys[where], buffer.all_values[where]

    def _make_room(self, longest: int, slots: Sequence[int]) -> None:
        """Move the rows so that a prompt of `longest` tokens ends at the common column.

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
        """Move all rows so that they end at column `used`."""
        by = self.end - used
        if used + SLACK > self.columns and grow:
            self.columns = used + SLACK
        for buffer in self.layers:
            buffer.all_keys, buffer.all_values = (
                _moved(states, by, self.end, self.columns) for states in (buffer.all_keys, buffer.all_values)
            )
        self.begins = (self.begins - by).clamp(min=0)
        self.end = used

    def _run(self, prompts: Sequence[Sequence[int]]) -> tuple[KeyValues, list[int]]:
        """Run the prompts after their prefix, padded on the left; return the cache and their next tokens.

        The cache's columns are those of the prefix, then those of the rest of each prompt.
        """
        shared, pad = len(self.prefix), self.model.pad_id
        rests = [list(prompt[shared:]) for prompt in prompts]
        longest = max(map(len, rests))
        ids = torch.tensor([[pad] * (longest - len(rest)) + rest for rest in rests], device=self.device)
        widths = torch.tensor([len(rest) for rest in rests], device=self.device)
        mask = torch.arange(longest, device=self.device) >= (longest - widths).unsqueeze(1)
        output = self._call(
            input_ids=ids,
            attention_mask=torch.cat([mask.new_ones(len(rests), shared), mask], 1).long(),
            position_ids=self.model.first_position + shared + (mask.long().cumsum(1) - 1).clamp(min=0),
            past_key_values=self._after_prefix(len(rests)),
        )
        return output.past_key_values, _best(output.logits)

    def _after_prefix(self, rows: int) -> DynamicCache:
        """Make a cache of `rows` rows that holds the prefix, which is run at the first call."""
        cache = DynamicCache(config=self.module.config)
        if not self.prefix:
            return cache
        if not self._prefix_states:
            ids = torch.tensor([self.prefix], device=self.device)
            self._call(input_ids=ids, past_key_values=cache)
            layers: list[KeyValues] = cache.layers
            self._prefix_states = [(layer.keys, layer.values) for layer in layers]
            cache = DynamicCache(config=self.module.config)
        for place, (keys, values) in enumerate(self._prefix_states):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), place)
        return cache

    def _mask(self, allowed: torch.Tensor) -> torch.Tensor:
        """Build the mask of a step, `(rows, columns)`, in the form that the attention takes with least work."""
        if getattr(self.module.config, "_attn_implementation", None) == "sdpa":
            return allowed[:, None, None, :]
        return allowed.long()

    def _call(self, **arguments: object) -> KeyValues:
        return self.module(**arguments, use_cache=True, logits_to_keep=1)


def _best(logits: torch.Tensor) -> list[int]:
    tokens: list[int] = logits[:, -1].argmax(-1).tolist()
    return tokens


def _empty(states: torch.Tensor, columns: int) -> torch.Tensor:
    rows, heads, _, width = states.shape
    return states.new_zeros(rows, heads, columns, width)


def _moved(states: torch.Tensor, by: int, end: int, columns: int) -> torch.Tensor:
    """Copy a buffer into one of `columns` columns, the ones up to `end` moved left by `by`."""
    made = _empty(states, columns)
    begin = max(by, 0)
    made[:, :, begin - by : end - by] = states[:, :, begin:end]
    return made
