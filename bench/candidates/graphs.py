"""The graphs of which a network is made, for runtimes that read graphs; and the networks that such graphs make.

Every role has its own. A `head` is one graph, from tokens and their mask to the scores of labels. A `text` is one graph
for prompts and for single tokens alike: it takes the keys and values of all that was read before, which may be nothing,
and gives those of all that has been read. A `source-text` has one graph more, which reads the source once and gives
what the decoder's layers look up in it.

Masks are additive and have four dimensions, so that nothing in a graph depends on how a library builds them. All shapes
but the numbers of layers, heads and their width are open.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn
from transformers.cache_utils import Cache, DynamicLayer, EncoderDecoderCache

from bench.candidates.decoding.beams import Search, beam_search
from bench.candidates.decoding.logits import IGNORED, log_probability
from bench.candidates.engine import Ids, Logits, Order, Role
from bench.candidates.untyped import Loader, Network
from bench.errors import UnsupportedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

GRAPHS_FILE = "graphs.json"
HIDDEN = float(np.finfo(np.float32).min)
"""Added to the scores of what may not be looked at."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph to be exported."""

    module: nn.Module
    example: tuple[torch.Tensor, ...]
    """Inputs to trace it with, in which no open dimension is 0 or 1."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    open_dimensions: tuple[tuple[int, ...], ...]
    """Of each input, those that may have any size."""
    named: int
    """How many inputs have a parameter of their own; the rest are those of one that takes any number."""


def exported(graph: Graph) -> torch.export.ExportedProgram:
    """Export a graph, its open dimensions open.

    The fused kernel of `nn.TransformerEncoder` is torch's alone, and is left out.
    """
    free = torch.export.Dim.DYNAMIC
    shapes: list[Any] = [dict.fromkeys(dimensions, free) for dimensions in graph.open_dimensions]
    named = graph.named
    dynamic = (*shapes[:named], tuple(shapes[named:])) if len(shapes) > named else tuple(shapes)
    fused: bool = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return torch.export.export(graph.module.eval(), graph.example, dynamic_shapes=dynamic)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes that a network of graphs must know, stored beside them."""

    graphs: tuple[str, ...]
    layers: int = 0
    heads: int = 0
    width: int = 0
    """Of a head's keys and values."""
    vocabulary: int = 0
    start: int | None = None
    """Token with which a text made from a source begins."""

    def write(self, folder: Path) -> None:
        """Store it."""
        (folder / GRAPHS_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Sizes:
        """Read what was stored."""
        stored = json.loads((folder / GRAPHS_FILE).read_text(encoding="utf-8"))
        return cls(**(stored | {"graphs": tuple(stored["graphs"])}))


class Session(Protocol):
    """An opened graph."""

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs, in their order; arrays, or what an earlier call gave, go in."""

    def array(self, value: Any) -> Array:
        """Make an output an array."""


class _Head(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(input_ids=ids, attention_mask=mask).logits
        return logits


class _OwnHead(nn.Module):
    """A network that classifies by a method of its own."""

    def __init__(self, module: Network) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module.classify(ids, mask.bool())
        return logits


class _Text(nn.Module):
    def __init__(self, module: Network) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        keep: torch.Tensor,
        *past: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        cache = _cache_of(past)
        given = self.module(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        return (given.logits, *_states_of(cache))


class _Source(nn.Module):
    def __init__(self, module: Network, start: int, layers: int) -> None:
        super().__init__()
        self.module = module
        self.start = start
        self.layers = layers

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        read = self.module.get_encoder()(input_ids=ids, attention_mask=mask)
        begin = torch.full_like(ids[:, :1], self.start)
        cache = EncoderDecoderCache(_empty_cache(self.layers), _empty_cache(self.layers))
        self.module.get_decoder()(
            input_ids=begin,
            encoder_hidden_states=read.last_hidden_state,
            encoder_attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
        )
        return (read.last_hidden_state, *_states_of(cache.cross_attention_cache))


class _SourceText(nn.Module):
    def __init__(self, module: Network, layers: int) -> None:
        super().__init__()
        self.module = module
        self.layers = layers

    def forward(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        keep: torch.Tensor,
        source_mask: torch.Tensor,
        memory: torch.Tensor,
        *states: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        looked_up, past = states[: 2 * self.layers], states[2 * self.layers :]
        own = _cache_of(past)
        cache = EncoderDecoderCache(own, _cache_of(looked_up))
        cache.is_updated = dict.fromkeys(range(self.layers), True)
        given = self.module.get_decoder()(
            input_ids=ids,
            attention_mask=mask,
            encoder_hidden_states=memory,
            encoder_attention_mask=source_mask,
            past_key_values=cache,
            use_cache=True,
        )
        hidden = given.last_hidden_state[:, keep]
        return (_logits(self.module, hidden), *_states_of(own))


def _logits(module: Network, hidden: torch.Tensor) -> torch.Tensor:
    """Compute what an encoder-decoder's own pass makes of its decoder's states."""
    if getattr(module.config, "model_type", "") in SCALED and getattr(module.config, "scale_decoder_outputs", True):
        hidden = hidden * (module.config.d_model**-0.5) if module.config.tie_word_embeddings else hidden
    logits: torch.Tensor = module.lm_head(hidden)
    bias = getattr(module, "final_logits_bias", None)
    return logits if bias is None else logits + bias


SCALED = frozenset({"t5", "mt5"})
"""Kinds of networks whose output layer is the table of embeddings, scaled by its width."""


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer's keys and values that go on from given ones, or from none; transformers' own begins with a tensor of one
    dimension, which not every converter can join to others."""

    def __init__(self, keys: torch.Tensor | None = None, values: torch.Tensor | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys, self.values = keys, values
        self.is_initialized = keys is not None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the new columns, and return all."""
        if self.keys is None or self.values is None:
            self.keys, self.values, self.is_initialized = key_states, value_states, True
        else:
            self.keys = torch.cat([self.keys, key_states], dim=-2)
            self.values = torch.cat([self.values, value_states], dim=-2)
        return self.keys, self.values


def _cache_of(past: Sequence[torch.Tensor]) -> Cache:
    """Lay keys and values, by turns, into a cache that goes on from them."""
    return Cache(layers=[_Layer(past[place], past[place + 1]) for place in range(0, len(past), 2)])


def _empty_cache(layers: int) -> Cache:
    return Cache(layers=[_Layer() for _ in range(layers)])


def _states_of(cache: Network) -> list[torch.Tensor]:
    return [states for layer in cache.layers for states in (layer.keys, layer.values)]


def head_graphs(module: Network, *, own: bool = False) -> tuple[dict[str, Graph], Sizes]:
    """Name the graph of a network with a head over labels; with `own`, of one that classifies by its own method."""
    ids = torch.randint(3, 9, (2, 5))
    wrapped = _OwnHead(module) if own else _Head(module)
    graph = Graph(wrapped, (ids, torch.ones_like(ids)), ("ids", "mask"), ("logits",), ((0, 1), (0, 1)), 2)
    return {"head": graph}, Sizes(("head",))


def text_graphs(module: Network) -> tuple[dict[str, Graph], Sizes]:
    """Name the graph of a decoder-only network.

    Raises:
        UnsupportedError: some of its layers do not keep the keys and values of all tokens.
    """
    from bench.candidates.decoding.rows import supports_rows

    if not supports_rows(module):
        raise UnsupportedError("some of its layers keep no plain keys and values (sliding windows, states)")
    states = _states_of(_run(module, input_ids=torch.randint(3, 9, (2, 4))))
    rows, tokens, before = 2, 3, 4
    ids = torch.randint(3, 9, (rows, tokens))
    positions = (torch.arange(tokens) + before).expand(rows, tokens).contiguous()
    mask = torch.zeros(rows, 1, tokens, before + tokens)
    example = (ids, mask, positions, torch.tensor([1, tokens - 1]), *states)
    names = _state_names("past", len(states))
    graph = Graph(
        _Text(module),
        example,
        ("ids", "mask", "positions", "keep", *names),
        ("logits", *_state_names("present", len(states))),
        ((0, 1), (0, 2, 3), (0, 1), (0,), *((0, 2) for _ in names)),
        4,
    )
    return {"text": graph}, _sizes(("text",), states, module)


def source_text_graphs(module: Network) -> tuple[dict[str, Graph], Sizes]:
    """Name the graphs of an encoder-decoder."""
    start = module.generation_config.decoder_start_token_id
    start = module.config.decoder_start_token_id if start is None else start
    if start is None:
        raise UnsupportedError("it names no 'decoder_start_token_id', with which its decoder begins")
    ids, mask = torch.randint(3, 9, (2, 5)), torch.ones(2, 5, dtype=torch.long)
    config = module.config
    layers = int(getattr(config, "num_decoder_layers", None) or config.decoder_layers)
    source = _Source(module, int(start), layers)
    with torch.no_grad():
        memory, *looked_up = source(ids, mask)
    tokens, before = 3, 4
    past = [torch.randn(2, states.shape[1], before, states.shape[3]) for states in looked_up]
    own_mask = torch.zeros(2, 1, tokens, before + tokens)
    source_mask = torch.zeros(2, 1, 1, 5)
    targets = torch.randint(3, 9, (2, tokens))
    example = (targets, own_mask, torch.tensor([1, tokens - 1]), source_mask, memory, *looked_up, *past)
    crossed, names = _state_names("source", len(looked_up)), _state_names("past", len(past))
    graphs = {
        "source": Graph(source, (ids, mask), ("ids", "mask"), ("memory", *crossed), ((0, 1), (0, 1)), 2),
        "text": Graph(
            _SourceText(module, layers),
            example,
            ("ids", "mask", "keep", "source_mask", "memory", *crossed, *names),
            ("logits", *_state_names("present", len(past))),
            ((0, 1), (0, 2, 3), (0,), (0, 3), (0, 1), *((0, 2) for _ in (*crossed, *names))),
            5,
        ),
    }
    return graphs, _sizes(("source", "text"), past, module, int(start))


def _run(module: Network, **inputs: torch.Tensor) -> Network:
    with torch.no_grad():
        return module(**inputs, use_cache=True).past_key_values


def _sizes(graphs: tuple[str, ...], states: Sequence[torch.Tensor], module: Network, start: int | None = None) -> Sizes:
    _, heads, _, width = states[0].shape
    vocabulary = int(module.config.get_text_config().vocab_size)
    return Sizes(graphs, len(states) // 2, int(heads), int(width), vocabulary, start)


def _state_names(word: str, count: int) -> tuple[str, ...]:
    return tuple(f"{word}{place}" for place in range(count))


Scores = Callable[[list[list[int]], torch.Tensor], torch.Tensor]
"""From the tokens that each row has written, the start token counted, and the logits of the next, to its scores."""


def _scores(order: Order) -> Scores | None:
    """Make transformers' own processors of the settings that a checkpoint asks for, in its order; None without any."""
    if not order.settings:
        return None
    from transformers import generation

    library: Loader = generation
    ends = list(order.ends)
    makers: dict[str, Callable[[Any], Any]] = {
        "repetition_penalty": lambda value: library.RepetitionPenaltyLogitsProcessor(penalty=float(value)),
        "no_repeat_ngram_size": library.NoRepeatNGramLogitsProcessor,
        "bad_words_ids": lambda value: library.NoBadWordsLogitsProcessor(value, eos_token_id=ends),
        "min_length": lambda value: library.MinLengthLogitsProcessor(value, eos_token_id=ends),
        "forced_bos_token_id": library.ForcedBOSTokenLogitsProcessor,
        "forced_eos_token_id": lambda value: library.ForcedEOSTokenLogitsProcessor(1 + order.limit, value),
        "suppress_tokens": library.SuppressTokensLogitsProcessor,
    }
    processors = [make(order.settings[name]) for name, make in makers.items() if name in order.settings]

    def scored(written: list[list[int]], logits: torch.Tensor) -> torch.Tensor:
        ids = torch.tensor(written)
        for process in processors:
            logits = process(ids, logits)
        return logits

    return scored


FOLLOWED = frozenset(
    {"bad_words_ids", "forced_bos_token_id", "forced_eos_token_id", "min_length", "no_repeat_ngram_size"}
    | {"repetition_penalty", "suppress_tokens"}
)
"""Settings of `generation_config.json` that are followed in a text made from a source. Behind a prompt some of them
would read its padding."""


class GraphStand:
    """A network made of opened graphs, in the place of a transformers module."""

    def __init__(
        self, role: Role, sizes: Sizes, sessions: Mapping[str, Session], config: Loader, generation_config: Loader
    ) -> None:
        self.role, self.sizes, self.sessions = role, sizes, sessions
        self.config, self.generation_config = config, generation_config
        self.follows: frozenset[str] = FOLLOWED if role == "source-text" else frozenset()

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: object) -> Logits:
        """Compute the logits of a head, or of the next token at every place of rows that are padded on the right."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if self.role == "head":
            session = self.sessions["head"]
            (logits,) = session({"ids": input_ids.numpy(), "mask": mask.long().numpy()})
            return Logits(torch.from_numpy(session.array(logits)))
        if self.role != "text":
            raise UnsupportedError("an encoder-decoder of graphs judges and writes, and gives no logits")
        ids, real = input_ids.numpy(), mask.bool().numpy()
        logits, _states = _Reader(self, len(ids)).read(ids, real, np.arange(ids.shape[1]))
        return Logits(logits)

    def judge(self, rows: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """Compute log P of each row's choices in nats; a row is read once for all its choices."""
        judged: list[list[float]] = []
        for row, own in zip(rows, choices, strict=True):
            reader = self._begin([row])
            first = reader.newest if reader.newest is None else reader.newest.expand(len(own), -1)
            reader.repeat(len(own))
            judged.append(_judged(reader, first, [list(choice) for choice in own], self.sizes.start))
        return judged

    def write(self, rows: Sequence[Ids], order: Order, on_token: Callable[[], None] | None) -> list[list[int]]:
        """Write the tokens that follow each row, or are made from it."""
        if order.beams > 1:
            return self._by_beams(rows, order)
        reader = self._begin(rows)
        written: list[list[int]] = [[] for _ in rows]
        ended = [False] * len(rows)
        logits, scored = reader.newest, _scores(order)
        start = int(self.sizes.start or 0)
        read = [[start] for _ in rows]
        for step in range(order.limit):
            if logits is None:
                logits = reader.step([start] * len(rows))
            tokens: list[int] = (logits if scored is None else scored(read, logits)).argmax(-1).tolist()
            for own, token in zip(read, tokens, strict=True):
                own.append(token)
            for place, token in enumerate(tokens):
                if not ended[place]:
                    written[place].append(token)
                    stopped = order.stopped is not None and order.stopped(written[place])
                    ended[place] = token in order.ends or stopped
            if on_token is not None:
                on_token()
            if all(ended) or step + 1 == order.limit:
                break
            logits = reader.step(tokens)
        return written

    def _by_beams(self, rows: Sequence[Ids], order: Order) -> list[list[int]]:
        if order.settings:
            raise UnsupportedError(
                f"beams under this runtime follow no '{next(iter(order.settings))}', which the checkpoint asks for; "
                "run it under torch, or leave its settings out ('generation: {checkpoint: false}')"
            )
        if len(order.ends) > 1:
            raise UnsupportedError("beams under this runtime know one end token, and the checkpoint names several")
        reader = self._begin(rows)
        first = reader.newest
        reader.repeat(order.beams)

        def step(newest: torch.Tensor, position: int, parents: torch.Tensor) -> torch.Tensor:
            if position == 0 and first is not None:
                return first.repeat_interleave(order.beams, 0)
            reader.select(parents.numpy())
            return reader.step(newest.tolist())

        end = order.ends[0] if order.ends else -1
        search = Search(order.beams, order.limit, order.length_penalty, self.sizes.start or 0, end, order.stopped)
        return beam_search(step, len(rows), search, "cpu")

    def _begin(self, rows: Sequence[Ids]) -> _Reader:
        """Read rows, of different lengths, up to the first token that is to be written."""
        reader = _Reader(self, len(rows))
        longest = max(map(len, rows))
        if self.role == "source-text":
            ids = np.array([[*row, *[0] * (longest - len(row))] for row in rows], dtype=np.int64)
            real = np.array([[True] * len(row) + [False] * (longest - len(row)) for row in rows])
            reader.look_at(ids, real)
            return reader
        ids = np.array([[*[0] * (longest - len(row)), *row] for row in rows], dtype=np.int64)
        real = np.array([[False] * (longest - len(row)) + [True] * len(row) for row in rows])
        logits, _states = reader.read(ids, real, np.array([longest - 1]))
        reader.newest = logits[:, 0]
        return reader


class _Reader:
    """Rows that are being read: what they have looked up and read so far."""

    def __init__(self, stand: GraphStand, rows: int) -> None:
        sizes = stand.sizes
        self.stand, self.session = stand, stand.sessions["text"]
        empty = np.zeros((rows, sizes.heads, 0, sizes.width), dtype=np.float32)
        self.states: list[Any] = [empty] * (2 * sizes.layers)
        self.looked_up: dict[str, Any] = {}
        self.real = np.zeros((rows, 0), dtype=bool)
        """Which of the columns so far are tokens, `(rows, columns)`."""
        self.newest: torch.Tensor | None = None
        """Logits of the next token, `(rows, vocabulary)`, once there are some."""

    def look_at(self, ids: Array, real: Array) -> None:
        """Read the source of each row."""
        session = self.stand.sessions["source"]
        memory, *crossed = session({"ids": ids, "mask": real.astype(np.int64)})
        self.looked_up = {"memory": memory} | dict(zip(_state_names("source", len(crossed)), crossed, strict=True))
        self.looked_up["source_mask"] = np.where(real, 0.0, HIDDEN).astype(np.float32)[:, None, None, :]

    def read(self, ids: Array, real: Array, keep: Array) -> tuple[torch.Tensor, list[Any]]:
        """Read further tokens, and give the logits behind those at the places `keep`, `(rows, places, vocabulary)`."""
        tokens, before = ids.shape[1], self.real.shape[1]
        self.real = np.concatenate([self.real, real], 1)
        inputs: dict[str, Any] = {"ids": ids, "keep": keep.astype(np.int64), "mask": self._mask(tokens, before)}
        if self.stand.role == "text":
            counted = np.clip(self.real.cumsum(1) - 1, 0, None)[:, before:]
            inputs["positions"] = np.ascontiguousarray(counted).astype(np.int64)
        inputs |= self.looked_up | dict(zip(_state_names("past", len(self.states)), self.states, strict=True))
        logits, *self.states = self.session(inputs)
        return torch.from_numpy(self.session.array(logits)), self.states

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        """Read one more token of each row, and give the logits of the next, `(rows, vocabulary)`."""
        ids = np.array(tokens, dtype=np.int64)[:, None]
        return self.read(ids, np.ones_like(ids, dtype=bool), np.zeros(1))[0][:, 0]

    def _mask(self, tokens: int, before: int) -> Array:
        """Build the additive mask, `(rows, 1, tokens, columns)`; a padding token sees itself, so that no row sees
        nothing."""
        columns = before + tokens
        if tokens == 1:
            return np.where(self.real, 0.0, HIDDEN).astype(np.float32)[:, None, None, :]
        seen = np.arange(columns)[None, :] <= (np.arange(tokens) + before)[:, None]
        itself = np.arange(columns)[None, :] == (np.arange(tokens) + before)[:, None]
        allowed = (self.real[:, None, :] & seen[None]) | itself[None]
        return np.where(allowed, 0.0, HIDDEN).astype(np.float32)[:, None]

    def repeat(self, times: int) -> None:
        """Make as many rows of each."""
        self.select(np.repeat(np.arange(len(self.real)), times))

    def select(self, rows: Array) -> None:
        """Keep these rows, in this order."""
        if len(rows) == len(self.real) and (rows == np.arange(len(rows))).all():
            return
        self.states = [self.session.array(states)[rows] for states in self.states]
        self.looked_up = {name: self.session.array(value)[rows] for name, value in self.looked_up.items()}
        self.real = self.real[rows]


def _judged(reader: _Reader, first: torch.Tensor | None, choices: list[list[int]], start: int | None) -> list[float]:
    """Compute log P of each row's choice, the next token's logits being known, or the start token having to be read."""
    lengths = [len(choice) for choice in choices]
    longest = max(lengths)
    targets = torch.tensor([choice + [IGNORED] * (longest - len(choice)) for choice in choices])
    begun = [[start or 0, *choice[:-1]] if first is None else choice[:-1] for choice in choices]
    width = max(map(len, begun))
    logits = None
    if width:
        ids = np.array([row + [0] * (width - len(row)) for row in begun], dtype=np.int64)
        real = np.array([[True] * len(row) + [False] * (width - len(row)) for row in begun])
        logits, _states = reader.read(ids, real, np.arange(width))
    parts = [part for part in (None if first is None else first[:, None], logits) if part is not None]
    return [float(value) for value in log_probability(torch.cat(parts, 1), targets)]


def make_stand(
    role: Role, folder: Path, open_graph: Callable[[Path, str], Session], config: Loader, generation_config: Loader
) -> GraphStand:
    """Open the graphs of a folder as one network.

    Args:
        role: what it is asked for.
        folder: that a conversion wrote.
        open_graph: opens one of them, given the folder and its name.
        config: of the checkpoint.
        generation_config: of the checkpoint.
    """
    sizes = Sizes.read(folder)
    sessions = {name: open_graph(folder, name) for name in sizes.graphs}
    return GraphStand(role, sizes, sessions, config, generation_config)


def stand_maker(
    role: Role, folder: Path, open_graph: Callable[[Path, str], Session]
) -> Callable[[Loader, Loader], GraphStand]:
    """Put off the opening of graphs until the configuration is known."""
    return partial(make_stand, role, folder, open_graph)
