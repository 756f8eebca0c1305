"""The in-house Transformer: an encoder-decoder on `nn.Transformer` parts, with a classification and a text
head.

One set of weights serves both heads. The encoder runs once per source. Decoding is incremental: each decoder
layer keeps the keys and values of its own past, and the keys and values of the encoder's output are projected
once, so a step costs O(d² + t·d) instead of a pass over the whole prefix.

Source: Vaswani et al., "Attention Is All You Need" (2017); pre-norm after Xiong et al. (2020).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
MODEL_TYPE = "bench-transformer"


@dataclass(frozen=True, slots=True)
class NetConfig:
    """Shape of the network; stored as `config.json`."""

    vocab_size: int
    d_model: int = 128
    heads: int = 4
    d_ff: int = 512
    encoder_layers: int = 3
    decoder_layers: int = 3
    max_length: int = 512
    dropout: float = 0.1
    labels: tuple[str, ...] = ()
    pad_id: int = 0
    eos_id: int = 1
    bos_id: int = 2


def read_config(folder: Path) -> NetConfig:
    """Read the sizes of the network stored in `folder`.

    Raises:
        OSError: the file is missing.
        ValueError: it is not of this network.
    """
    stored = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    if stored.pop("model_type", None) != MODEL_TYPE:
        raise ValueError(f"{folder / CONFIG_FILE}: model_type is not '{MODEL_TYPE}'")
    return NetConfig(**{**stored, "labels": tuple(stored["labels"])})


def positions(length: int, d_model: int) -> Tensor:
    """Compute the sinusoidal positional encoding, shape `(length, d_model)`."""
    steps = torch.arange(length).unsqueeze(1)
    rates = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
    table = torch.zeros(length, d_model)
    table[:, 0::2] = torch.sin(steps * rates)
    table[:, 1::2] = torch.cos(steps * rates)
    return table


@dataclass(slots=True)
class LayerCache:
    """Keys and values of one decoder layer, each of shape `(batch, heads, length, d_head)`."""

    memory_keys: Tensor
    memory_values: Tensor
    keys: Tensor | None = None
    values: Tensor | None = None

    def select(self, rows: Tensor, memory: bool = True) -> None:
        """Keep `rows` of the batch, in that order; `memory` is left out where the rows share a source."""
        if memory:
            self.memory_keys, self.memory_values = self.memory_keys[rows], self.memory_values[rows]
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


class DecoderLayer(nn.TransformerDecoderLayer):
    """A decoder layer that can also go one position at a time with cached keys and values."""

    def _heads(self, x: Tensor, attention: nn.MultiheadAttention) -> Tensor:
        batch, length, _ = x.shape
        return x.view(batch, length, attention.num_heads, attention.head_dim).transpose(1, 2)

    def open_cache(self, memory: Tensor) -> LayerCache:
        """Open a cache with the keys and values of `memory`, shape `(batch, source, d_model)`."""
        attention = self.multihead_attn
        d = attention.embed_dim
        projected = functional.linear(memory, attention.in_proj_weight[d:], attention.in_proj_bias[d:])
        keys, values = projected.chunk(2, dim=-1)
        return LayerCache(self._heads(keys, attention), self._heads(values, attention))

    def step(self, x: Tensor, cache: LayerCache, memory_mask: Tensor) -> Tensor:
        """Compute the layer's output for one new position, and extend `cache`.

        Args:
            x: the new position, shape `(batch, 1, d_model)`.
            cache: of this layer; changed in place.
            memory_mask: True where the source may be attended to, shape `(batch, 1, 1, source)`.
        """
        x = x + self._cached_self_attention(self.norm1(x), cache)
        attention = self.multihead_attn
        d = attention.embed_dim
        query = functional.linear(self.norm2(x), attention.in_proj_weight[:d], attention.in_proj_bias[:d])
        mixed = functional.scaled_dot_product_attention(
            self._heads(query, attention), cache.memory_keys, cache.memory_values, attn_mask=memory_mask
        )
        x = x + attention.out_proj(mixed.transpose(1, 2).flatten(2))
        return cast(Tensor, x + self.linear2(self.activation(self.linear1(self.norm3(x)))))

    def _cached_self_attention(self, x: Tensor, cache: LayerCache) -> Tensor:
        attention = self.self_attn
        projected = functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        query, key, value = (self._heads(part, attention) for part in projected.chunk(3, dim=-1))
        cache.keys = key if cache.keys is None else torch.cat([cache.keys, key], dim=2)
        cache.values = value if cache.values is None else torch.cat([cache.values, value], dim=2)
        mixed = functional.scaled_dot_product_attention(query, cache.keys, cache.values)
        return cast(Tensor, attention.out_proj(mixed.transpose(1, 2).flatten(2)))


class TransformerNet(nn.Module):
    """Token ids in; label logits or next-token logits out."""

    position_table: Tensor

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        d = config.d_model
        self.embedding = nn.Embedding(config.vocab_size, d, padding_idx=config.pad_id)
        nn.init.normal_(self.embedding.weight, std=d**-0.5)
        with torch.no_grad():
            self.embedding.weight[config.pad_id].zero_()
        self.register_buffer("position_table", positions(config.max_length, d), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        shape = (d, config.heads, config.d_ff, config.dropout, functional.gelu)
        encoder_layer = nn.TransformerEncoderLayer(*shape, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(
            encoder_layer, config.encoder_layers, nn.LayerNorm(d), enable_nested_tensor=False
        )
        self.decoder_layers = nn.ModuleList(
            DecoderLayer(*shape, batch_first=True, norm_first=True) for _ in range(config.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(d)
        self.classifier = nn.Linear(d, len(config.labels)) if config.labels else None

    def _embed(self, ids: Tensor, offset: int = 0) -> Tensor:
        scaled = self.embedding(ids) * math.sqrt(self.config.d_model)
        return cast(
            Tensor,
            self.dropout(scaled + self.position_table[offset : offset + ids.shape[1]].to(scaled.dtype)),
        )

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Encode the source; return the encoder's output, shape `(batch, source, d_model)`.

        Args:
            source: token ids, shape `(batch, source)`.
            source_mask: True where there is a token and False where there is padding, same shape.
        """
        return cast(Tensor, self.encoder(self._embed(source), src_key_padding_mask=~source_mask))

    def classify(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Compute label logits, shape `(batch, labels)`, from the mean of the encoder's output over real tokens."""
        if self.classifier is None:
            raise ValueError("this network has no classification head")
        weights = source_mask.unsqueeze(-1).to(self.embedding.weight.dtype)
        pooled = (self.encode(source, source_mask) * weights).sum(1) / weights.sum(1).clamp(min=1)
        return cast(Tensor, self.classifier(pooled))

    def forward(self, source: Tensor, source_mask: Tensor, target: Tensor, target_mask: Tensor | None = None) -> Tensor:
        """Compute next-token logits, shape `(batch, target, vocabulary)`, all positions at once (training).

        Args:
            source: token ids, shape `(batch, source)`.
            source_mask: True where there is a token, same shape.
            target: decoder input ids, beginning with the bos token, shape `(batch, target)`.
            target_mask: True where there is a token; the causal mask hides padding at the end anyway.
        """
        return self.decode(self.encode(source, source_mask), source_mask, target, target_mask)

    def decode(self, memory: Tensor, source_mask: Tensor, target: Tensor, target_mask: Tensor | None = None) -> Tensor:
        """Compute what `forward` does, for a source that is already encoded as `memory`."""
        x = self._embed(target)
        causal = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool, device=target.device).triu(1)
        padding = None if target_mask is None else ~target_mask
        for layer in self.decoder_layers:
            x = layer(x, memory, tgt_mask=causal, tgt_key_padding_mask=padding, memory_key_padding_mask=~source_mask)
        return functional.linear(self.decoder_norm(x), self.embedding.weight)

    def open_caches(self, source: Tensor, source_mask: Tensor) -> list[LayerCache]:
        """Open one cache per decoder layer for `source`, whose encoding is computed here, once."""
        memory = self.encode(source, source_mask)
        return [cast(DecoderLayer, layer).open_cache(memory) for layer in self.decoder_layers]

    def step(self, ids: Tensor, position: int, caches: list[LayerCache], source_mask: Tensor) -> Tensor:
        """Compute the logits after one more target token, shape `(batch, vocabulary)`.

        Args:
            ids: the newest target token of each row, shape `(batch,)`.
            position: its place in the target, 0 for bos.
            caches: from `open_caches`; extended in place.
            source_mask: as given to `open_caches`.
        """
        x = self._embed(ids.unsqueeze(1), position)
        memory_mask = source_mask[:, None, None, :]
        for layer, cache in zip(self.decoder_layers, caches, strict=True):
            x = cast(DecoderLayer, layer).step(x, cache, memory_mask)
        return functional.linear(self.decoder_norm(x[:, 0]), self.embedding.weight)

    def save(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`, the weights as `dtype`."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": MODEL_TYPE, **asdict(self.config)}
        (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        weights = {name: value.detach().to(dtype).contiguous().cpu() for name, value in self.state_dict().items()}
        save_file(weights, folder / WEIGHTS_FILE)

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype = torch.float32) -> TransformerNet:
        """Load the network stored in `folder`, in evaluation mode.

        Raises:
            OSError: a file is missing.
            ValueError: the configuration is not of this network.
        """
        from safetensors.torch import load_file

        net = cls(read_config(folder))
        net.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return net.to(dtype).eval()
