"""How many tokens a loaded model takes: what its position tables hold, and what its configuration and tokenizer say.

A table's rows are the truth: one token more is an index error. Some kinds leave rows out at its beginning (RoBERTa
counts positions from the padding's id on, OPT and BART keep two rows). Where there is no table, positions are computed,
and the configuration tells for which length the model was trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.candidates.untyped import Network

if TYPE_CHECKING:
    import torch

UNBOUNDED = 1_000_000
"""A tokenizer without a known limit reports about 10³⁰, and some configurations −1; from here on, and below 1, a limit
counts as none."""
INPUT_KEYS = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings", "max_seq_len")
DECODER_KEYS = ("max_decoder_position_embeddings", "max_position_embeddings", "n_positions")
PARTS = ("encoder", "text_encoder", "text_config")
"""Where a configuration made of several keeps the one of the part that reads text."""
OTHER_SENSES = ("vision", "visual", "image", "audio", "speech")
"""In the names of the parts of a network that read something else."""
POSITIONS_BUFFER = "position_ids"
"""A buffer of the positions that a network counts; some kinds (Nyströmformer, YOSO, MRA) count fewer than their table
has rows."""


class Config(Protocol):
    """What is asked of a transformers configuration."""

    is_encoder_decoder: bool


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """The longest sequences in tokens; `UNBOUNDED` where nothing limits them."""

    input_tokens: int
    """Of what the model reads; of a decoder-only model input and output together."""
    decoder_tokens: int
    """Of what the decoder of an encoder-decoder writes, its start token included; else the same as `input_tokens`."""


def token_limits(module: torch.nn.Module, config: Config, tokenizer_limit: int) -> TokenLimits:
    """Read the token limits of a loaded model.

    Args:
        module: whose embedding tables are looked at.
        config: its configuration.
        tokenizer_limit: `model_max_length` of its tokenizer, which may be lower.
    """
    tables = list(_tables(module))
    two_parts = bool(getattr(config, "is_encoder_decoder", False))
    reads = [rows for name, rows in tables if not (two_parts and _of_decoder(name))]
    writes = [rows for name, rows in tables if two_parts and _of_decoder(name)]
    reading = _smallest(reads or _stated(config, INPUT_KEYS), tokenizer_limit)
    if not two_parts:
        return TokenLimits(reading, reading)
    return TokenLimits(reading, _smallest(writes or (_stated(config, DECODER_KEYS) if reads else [])))


def first_position(module: torch.nn.Module) -> int:
    """Tell which position id the first token has, where positions are given to the model instead of made by it.

    RoBERTa's kind counts from behind the padding's id on, in all but `generate` of transformers, which counts from 0.
    Tables that add an offset themselves (OPT, BART) count from 0.
    """
    tables = [table for _, table in _position_embeddings(module)]
    return max((_rows_left_out(table) for table in tables if not hasattr(table, "offset")), default=0)


def _tables(module: torch.nn.Module) -> Iterator[tuple[str, int]]:
    """Yield name and usable rows of every table of absolute positions, and of every list of positions."""
    for name, table in _position_embeddings(module):
        yield name, len(table.weight) - _rows_left_out(table)
    for name, buffer in module.named_buffers():
        if name.rpartition(".")[2] == POSITIONS_BUFFER and _of_text(name):
            yield name, buffer.shape[-1]


def _position_embeddings(module: torch.nn.Module) -> Iterator[tuple[str, Network]]:
    import torch

    for name, part in module.named_modules():
        leaf = name.rpartition(".")[2].lower()
        named = ("position" in leaf or leaf == "wpe") and "relative" not in leaf
        if named and _of_text(name) and (isinstance(part, torch.nn.Embedding) or _is_table(part)):
            yield name, part


def _of_text(name: str) -> bool:
    return not any(sense in name for sense in OTHER_SENSES)


def _is_table(part: torch.nn.Module) -> bool:
    """Tell whether a module of a class of its own is a table of embeddings, as the quantised one of I-BERT is."""
    weight = getattr(part, "weight", None)
    return "embedding" in type(part).__name__.lower() and getattr(weight, "ndim", 0) == 2


def _rows_left_out(table: Network) -> int:
    offset = getattr(table, "offset", None)
    if isinstance(offset, int):
        return offset
    padding: int | None = getattr(table, "padding_idx", None)
    return 0 if padding is None else padding + 1


def _of_decoder(name: str) -> bool:
    return "decoder" in name.split(".")


def _stated(config: Config, keys: tuple[str, ...]) -> list[int]:
    """Read a limit from the configuration, or from that of the part that reads text."""
    parts = [config, *(getattr(config, part) for part in PARTS if getattr(config, part, None) is not None)]
    stated = [getattr(part, key, None) for part in parts for key in keys]
    return [limit for limit in stated if isinstance(limit, int) and not isinstance(limit, bool)]


def _smallest(limits: list[int], *more: int) -> int:
    return min((int(limit) for limit in [*limits, *more] if 0 < limit < UNBOUNDED), default=UNBOUNDED)
