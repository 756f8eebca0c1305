"""`transformer`: the in-house Transformer as a candidate; classifies through its head or by the likelihood of each
label in its decoder, writes through its decoder, greedily or by beams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.candidates import variants
from bench.candidates.checkpoint import NO_HEAD, config_of, head_names, locate, unknown_label
from bench.candidates.engine import Engine, Role, Stand
from bench.candidates.family import LIKELIHOODS, Family, Look, Style
from bench.candidates.gradients import without_gradients
from bench.candidates.hub import explain_load_errors
from bench.candidates.huggingface import count_bytes, count_parameters, label_order, tokenizer_hash
from bench.candidates.interface import (
    Ability,
    Classified,
    Context,
    Decoding,
    Generated,
    Model,
    ModelFacts,
    OnToken,
    PartialModel,
)
from bench.candidates.kept import load_key
from bench.candidates.learning import BOS_ID, EOS_ID, PAD_ID, Batch, Learning, Setting, Shape
from bench.candidates.untyped import Network, Tokenizer
from bench.errors import FitError, UnsupportedError
from bench.suite import ModelSpec, TaskSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from bench.candidates.decoding.stops import Stops
    from bench.candidates.graphs import Graph, Sizes
    from bench.candidates.learning import Pair
    from bench.candidates.network import NetConfig

STOPS_VERSION = 2
"""Of decoding with stop strings, which once went on after them: tokens, times and beams were others."""


class InHouse(PartialModel):
    """The in-house encoder-decoder with its tokenizer."""

    abilities = frozenset({"classify", "choose", "generate", "stream"})
    log_probabilities = True

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import PreTrainedTokenizerFast

        from bench.candidates.network import TransformerNet

        checkpoint = locate(str(spec.checkpoint), Path())
        if checkpoint.folder is None:
            raise UnsupportedError(
                f"'{spec.checkpoint}' is no folder; the in-house Transformer is loaded from a folder"
            )
        folder = checkpoint.folder

        def load() -> tuple[Network, PreTrainedTokenizerFast, variants.Note]:
            if context.engine is not None:
                return _stood_in(folder, context.engine)
            with explain_load_errors(spec):
                net = TransformerNet.load(folder, variants.torch_dtype(variant))
                tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder))
            net, reach = variants.apply(net.to(context.device), variant, context.device)
            return net, tokenizer, reach

        key = load_key(TransformerNet, spec, variant, context.device)
        self._net, self.tokenizer, self.reach = load() if context.kept is None else context.kept.obtain(key, load)
        self.engine, self._folder = context.engine, folder
        self._reference: Network = None
        if context.engine is not None:
            self.plain = False
        self.config: NetConfig = self._net.config
        self.variant = variant
        self.context = context
        self.device = context.device
        self._known: dict[str, list[int]] | None = None
        self._order: list[int] = []
        if context.ability == "classify" and context.scoring in ("", "head"):
            self._order = label_order(spec, dict(enumerate(self.config.labels)), context.labels)

    plain: bool
    """Whether torch answers in the place of what stands for it (`bench.admission`); only there where something does."""

    @property
    def net(self) -> Network:
        """The network: that of torch, or what stands in its place; on the plain path torch's in any case."""
        if self.engine is None or not self.plain:
            return self._net
        if self._reference is None:
            from bench.candidates.network import TransformerNet

            self._reference = TransformerNet.load(self._folder)
        return self._reference

    def let_go(self) -> None:
        """Drop the network of torch that the plain path had loaded beside what stands in its place."""
        self._reference = None

    @property
    def max_tokens(self) -> int:
        """Longest source in tokens."""
        return min(self.config.max_length, self.context.max_input_tokens or self.config.max_length)

    def _batch(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, list[bool]]:
        import torch

        limit = self.max_tokens
        rows = self._token_ids(texts)
        cut = [len(row) > limit for row in rows]
        rows = [[*row[: limit - 1], row[-1]] if long else row for row, long in zip(rows, cut, strict=True)]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [self.config.pad_id] * (longest - len(row)) for row in rows], device=self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        mask = torch.arange(longest, device=self.device) < lengths.unsqueeze(1)
        return ids, mask, cut

    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the head's log-probability of every label, or by likelihood the decoder's, in the task's order."""
        if self.context.scoring.startswith("likelihood"):
            return self.choose(texts, [self.context.label_texts] * len(texts))
        if not texts:
            return []
        ids, mask, cut = self._batch(texts)
        rows = self.net.classify(ids, mask).float().log_softmax(-1)[:, self._order].tolist()
        return [Classified(tuple(row), n, c) for row, n, c in zip(rows, mask.sum(1).tolist(), cut, strict=True)]

    @without_gradients
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Compute log P(choice | text) in nats, summed over the choice's tokens and its end; a source is encoded once.

        Raises:
            UnsupportedError: a choice is longer than the decoder writes.
        """
        import torch

        from bench.candidates.decoding.choices import by_prompt, padded
        from bench.candidates.decoding.logits import IGNORED, log_probability

        if not texts:
            return []
        ids, mask, cut = self._batch(texts)
        flat = [choice for own in choices for choice in own]
        rows = [[*row, self.config.eos_id] for row in self.tokenizer(flat, add_special_tokens=False)["input_ids"]]
        if max(map(len, rows)) > self.config.max_length:
            raise UnsupportedError(f"a choice is longer than the {self.config.max_length} tokens that the model writes")
        owners = torch.tensor([place for place, own in enumerate(choices) for _ in own], device=self.device)
        inputs = padded([[self.config.bos_id, *row[:-1]] for row in rows], self.config.pad_id, self.device)
        logits = self.net.decode(self.net.encode(ids, mask)[owners], mask[owners], inputs)
        scores = log_probability(logits, padded(rows, IGNORED, self.device)).tolist()
        own, lengths = by_prompt(scores, choices), by_prompt([len(row) for row in rows], choices)
        answers = zip(own, mask.sum(1).tolist(), cut, lengths, strict=True)
        return [Classified(*answer) for answer in answers]

    @without_gradients
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write the decoder's text for each source, greedily or by beams; a beam search calls `on_token` never."""
        from bench.candidates.decoding.stops import Stops

        if not texts:
            return []
        ids, mask, cut = self._batch(texts)
        limit = min(decoding.max_new_tokens, self.config.max_length - 1)
        stops = Stops(self.tokenizer, decoding.stop, special=False)
        if decoding.num_beams > 1:
            rows = self._beams(ids, mask, limit, decoding, stops)
        else:
            rows = self._greedy(ids, mask, limit, stops, on_token)
        answers = []
        for row, count, was_cut in zip(rows, mask.sum(1).tolist(), cut, strict=True):
            text = str(self.tokenizer.decode(row, skip_special_tokens=True))
            for stop in decoding.stop:
                text = text.partition(stop)[0]
            answers.append(Generated(text.strip(), count, len(row), was_cut))
        return answers

    def _greedy(
        self, ids: torch.Tensor, mask: torch.Tensor, limit: int, stops: Stops, on_token: OnToken | None
    ) -> list[list[int]]:
        """Decode each source's tokens, its end included; no row knows of the others."""
        import torch

        caches = self.net.open_caches(ids, mask)
        newest = torch.full((len(ids),), self.config.bos_id, device=self.device)
        rows: list[list[int]] = [[] for _ in ids]
        ended = [False] * len(rows)
        for position in range(limit):
            newest = self.net.step(newest, position, caches, mask).argmax(-1)
            for place, token in enumerate(newest.tolist()):
                if not ended[place]:
                    rows[place].append(token)
                    ended[place] = token == self.config.eos_id or stops.ended(rows[place])
            if on_token is not None:
                on_token()
            if all(ended):
                break
        return rows

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens that the model reads of each text."""
        return [min(len(row), self.max_tokens) for row in self._token_ids(texts)]

    def _beams(
        self, ids: torch.Tensor, mask: torch.Tensor, limit: int, decoding: Decoding, stops: Stops
    ) -> list[list[int]]:
        import torch

        from bench.candidates.decoding.beams import Search, beam_search

        caches = self.net.open_caches(ids, mask)
        rows = torch.arange(len(ids), device=self.device).repeat_interleave(decoding.num_beams)
        for cache in caches:
            cache.select(rows)
        beam_mask = mask[rows]

        def step(newest: torch.Tensor, position: int, parents: torch.Tensor) -> torch.Tensor:
            for cache in caches:
                cache.select(parents, memory=False)
            logits: torch.Tensor = self.net.step(newest, position, caches, beam_mask)
            return logits

        stopped = stops.ended if decoding.stop else None
        search = Search(
            decoding.num_beams, limit, decoding.length_penalty, self.config.bos_id, self.config.eos_id, stopped
        )
        return beam_search(step, len(ids), search, self.device)

    def length(self, text: str) -> int:
        """Count the tokens that the model reads of `text`."""
        return self.lengths([text])[0]

    def remember(self, keep: bool) -> None:
        """Keep token ids from now on, or forget them all; what is timed tokenises every time."""
        self._known = {} if keep else None

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        if self._known is None:
            rows: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
            return rows
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.tokenizer(new)["input_ids"], strict=True))
        return [self._known[text] for text in texts]

    @cached_property
    def _counted(self) -> tuple[int, int]:
        """Parameters and bytes of the network, which are the same from the load on."""
        return count_parameters(self._net), count_bytes(self._net)

    @cached_property
    def _tokenizer_hash(self) -> str:
        return tokenizer_hash(self.tokenizer)

    def facts(self) -> ModelFacts:
        """Describe the loaded model."""
        engine, net = self.engine, self._net
        return ModelFacts(
            parameters=self._counted[0] if engine is None else engine.artifact.parameters,
            weights_bytes=self._counted[1] if engine is None else engine.artifact.artifact_bytes,
            dtype=self.variant.dtype if engine is None else engine.artifact.dtype,
            attention="sdpa" if engine is None else None,
            module=net if engine is None else None,
            notes={
                "max_tokens": self.max_tokens,
                "max_new_tokens": self.config.max_length - 1,
                "model_type": "bench-transformer",
                "tokenizer_hash": self._tokenizer_hash,
                **self.reach,
            },
        )


class _ExecutedNet:
    """What stands in the place of the network where another runtime executes its encoder and head."""

    def __init__(self, config: NetConfig, stand: Stand) -> None:
        self.config = config
        self._stand = stand

    def classify(self, source: torch.Tensor, source_mask: torch.Tensor) -> torch.Tensor:
        """Compute label logits, shape `(batch, labels)`."""
        logits: torch.Tensor = self._stand(input_ids=source, attention_mask=source_mask.long()).logits
        return logits


def _stood_in(folder: Path, engine: Engine) -> tuple[Network, PreTrainedTokenizerFast, variants.Note]:
    """Load the tokenizer and the sizes of a network that another runtime executes."""
    from transformers import PreTrainedTokenizerFast

    from bench.candidates.network import read_config

    config = read_config(folder)
    return _ExecutedNet(config, engine.stand(config, None)), PreTrainedTokenizerFast.from_pretrained(str(folder)), {}


class TransformerLearning(Learning):
    """From scratch, or from a folder that an earlier training wrote; a head and texts at once."""

    frame = "$A </s>"

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a network with random weights."""
        from bench.candidates.network import NetConfig, TransformerNet

        config = NetConfig(
            vocab_size=vocabulary,
            d_model=shape.d_model,
            heads=shape.heads,
            d_ff=shape.d_ff,
            encoder_layers=shape.layers,
            decoder_layers=shape.decoder_layers or shape.layers,
            max_length=shape.max_length,
            dropout=shape.dropout,
            labels=labels,
            pad_id=PAD_ID,
            eos_id=EOS_ID,
            bos_id=BOS_ID,
        )
        return TransformerNet(config)

    def checkpoint(self, spec: ModelSpec, labels: tuple[str, ...]) -> Pair:
        """Load a network and its tokenizer from a folder."""
        from bench.candidates.network import TransformerNet

        folder = self._folder(spec)
        return TransformerNet.load(folder), self.tokenizer(spec)

    def tokenizer(self, spec: ModelSpec) -> Tokenizer:
        """Load the tokenizer of a checkpoint, without its weights."""
        from transformers import PreTrainedTokenizerFast

        loaded: Tokenizer = PreTrainedTokenizerFast.from_pretrained(str(self._folder(spec)))
        return loaded

    def _folder(self, spec: ModelSpec) -> Path:
        folder = locate(str(spec.checkpoint), Path()).folder
        if folder is None:
            raise FitError(f"model '{spec.name}': the in-house Transformer starts from a folder")
        return folder

    def save(self, net: Network, folder: Path, dtype: torch.dtype) -> None:
        """Write weights and sizes."""
        net.save(folder, dtype)

    def room(self, net: Network, tokenizer: Tokenizer | None) -> int | None:
        """Count the positions of a source, and of a target."""
        return int(net.config.max_length)

    def logits(self, net: Network, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the logits of the head with the labels, or those of the decoder with the tokens."""
        import torch

        target = batch["target"]
        if batch["mode"] == "label":
            return net.classify(batch["source"], batch["source_mask"]), target.squeeze(1)
        begin = torch.full_like(target[:, :1], setting.begin)
        inputs = torch.cat([begin, target[:, :-1].clamp(min=0)], 1)
        return net(batch["source"], batch["source_mask"], inputs), target


class TransformerFamily(Family):
    """The in-house encoder-decoder."""

    name = "transformer"
    summary = "the in-house Transformer: an encoder with a head over labels, and a decoder that writes"
    title = "in-house Transformer"
    abilities = frozenset({"classify", "choose", "generate"})
    lacks = {"log_likelihood": "an encoder-decoder has no likelihood of a text without a source"}
    scorings = {"classify": ("head", *LIKELIHOODS, "generated"), "choose": LIKELIHOODS}
    style = "prefix"
    reads_prompt = True
    keys = frozenset({"shots", "answer"})
    needs = ("checkpoint", "fit")
    shares_load = True
    executable = frozenset({"head"})
    modules = (
        "bench.candidates.network",
        "bench.candidates.decoding.beams",
        "bench.candidates.decoding.choices",
        "bench.candidates.decoding.stops",
    )
    look = Look("#0072B2", "#4FA8DC", "o", "circle")
    learning = TransformerLearning()

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> InHouse:
        """Load the network and its tokenizer from a folder."""
        return InHouse(spec, variant, context)

    def role(self, scoring: str) -> Role:
        """Tell that it classifies by its head, or writes from a source."""
        return "head" if scoring == "head" else "source-text"

    def graphs(self, model: Model, role: Role) -> tuple[Mapping[str, Graph], Sizes]:
        """Name the graphs of the network."""
        from bench.candidates.graphs import head_graphs

        network: Network = model
        return head_graphs(network.net, own=True)

    def why_no_head(self, spec: ModelSpec, labels: Sequence[str]) -> str | None:
        """Explain why the checkpoint's head cannot score the labels."""
        config = config_of(spec.checkpoint, spec.subfolder)
        if config is None:
            return None
        if "labels" not in config:
            return (
                f"its checkpoint is of a '{config.get('model_type', 'network of another kind')}', and no in-house "
                "Transformer; name another family (`bench ls models`)"
            )
        head = config["labels"]
        names = head_names(dict(enumerate(map(str, head))), spec.head_labels)
        return unknown_label(names, labels) if head else f"its checkpoint {NO_HEAD}"

    def style_for(self, ability: Ability) -> Style:
        """Read a text as it is where the head decides; an instruction would tell it nothing."""
        return "input" if ability == "classify" else self.style

    def answer_versions(self, task: TaskSpec) -> Mapping[str, int]:
        """Number the decoding with stop strings."""
        return {"stops": STOPS_VERSION} if task.stop else {}
