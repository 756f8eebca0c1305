"""`transformer`: the in-house Transformer as a candidate; classifies through its head or by the likelihood of each
label in its decoder, writes through its decoder, greedily or by beams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from bench.candidates import variants
from bench.candidates.checkpoint import locate
from bench.candidates.decoding.beams import Search, beam_search
from bench.candidates.decoding.choices import by_prompt, padded
from bench.candidates.decoding.logits import IGNORED, log_probability
from bench.candidates.decoding.stops import Stops
from bench.candidates.families.encoder import label_order
from bench.candidates.hub import explain_load_errors
from bench.candidates.huggingface import count_bytes, count_parameters, tokenizer_hash
from bench.candidates.interface import Classified, Context, Decoding, Generated, ModelFacts, OnToken
from bench.candidates.kept import load_key
from bench.candidates.network import TransformerNet
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, VariantSpec


class InHouse:
    """The in-house encoder-decoder with its tokenizer."""

    abilities = frozenset({"classify", "choose", "generate", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import PreTrainedTokenizerFast

        checkpoint = locate(str(spec.checkpoint), Path())
        if checkpoint.folder is None:
            raise UnsupportedError(
                f"'{spec.checkpoint}' is no folder; the in-house Transformer is loaded from a folder"
            )
        folder = checkpoint.folder

        def load() -> tuple[TransformerNet, PreTrainedTokenizerFast]:
            with explain_load_errors(spec):
                net = TransformerNet.load(folder, variants.torch_dtype(variant))
                tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder))
            return variants.apply(net.to(context.device), variant, context.device), tokenizer

        key = load_key(TransformerNet, spec, variant, context.device)
        self.net, self.tokenizer = load() if context.kept is None else context.kept.obtain(key, load)
        self.config = self.net.config
        self.variant = variant
        self.context = context
        self.device = context.device
        self._known: dict[str, list[int]] | None = None
        self._order: list[int] = []
        if context.kind == "classification" and context.scoring in ("", "head"):
            self._order = label_order(spec.name, dict(enumerate(self.config.labels)), context.labels)

    @property
    def max_tokens(self) -> int:
        """Longest source in tokens."""
        return min(self.config.max_length, self.context.max_input_tokens or self.config.max_length)

    def _batch(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, list[bool]]:
        limit = self.max_tokens
        rows = self._token_ids(texts)
        cut = [len(row) > limit for row in rows]
        rows = [[*row[: limit - 1], row[-1]] if long else row for row, long in zip(rows, cut, strict=True)]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [self.config.pad_id] * (longest - len(row)) for row in rows], device=self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        mask = torch.arange(longest, device=self.device) < lengths.unsqueeze(1)
        return ids, mask, cut

    @torch.inference_mode()
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns the head's log-probability of every label, or by likelihood the decoder's, in the task's order."""
        if self.context.scoring.startswith("likelihood"):
            return self.choose(texts, [self.context.label_texts] * len(texts))
        if not texts:
            return []
        ids, mask, cut = self._batch(texts)
        rows = self.net.classify(ids, mask).float().log_softmax(-1)[:, self._order].tolist()
        return [Classified(tuple(row), n, c) for row, n, c in zip(rows, mask.sum(1).tolist(), cut, strict=True)]

    @torch.inference_mode()
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Returns log P(choice | text) in nats, summed over the choice's tokens and its end; a source is encoded once.

        Raises:
            UnsupportedError: a choice is longer than the decoder writes.
        """
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

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the decoder's text for each source, greedily or by beams; a beam search calls `on_token` never."""
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
        """Returns each source's tokens, its end included; no row knows of the others."""
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
        """Returns the number of tokens that the model reads of each text."""
        return [min(len(row), self.max_tokens) for row in self._token_ids(texts)]

    def _beams(
        self, ids: torch.Tensor, mask: torch.Tensor, limit: int, decoding: Decoding, stops: Stops
    ) -> list[list[int]]:
        caches = self.net.open_caches(ids, mask)
        rows = torch.arange(len(ids), device=self.device).repeat_interleave(decoding.num_beams)
        for cache in caches:
            cache.select(rows)
        beam_mask = mask[rows]

        def step(newest: torch.Tensor, position: int, parents: torch.Tensor) -> torch.Tensor:
            for cache in caches:
                cache.select(parents, memory=False)
            return self.net.step(newest, position, caches, beam_mask)

        stopped = stops.ended if decoding.stop else None
        search = Search(
            decoding.num_beams, limit, decoding.length_penalty, self.config.bos_id, self.config.eos_id, stopped
        )
        return beam_search(step, len(ids), search, self.device)

    def length(self, text: str) -> int:
        """Returns the number of tokens that the model reads of `text`."""
        return self.lengths([text])[0]

    def remember(self, keep: bool) -> None:
        """Keeps token ids from now on, or forgets them all; what is timed tokenises every time."""
        self._known = {} if keep else None

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        if self._known is None:
            rows: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
            return rows
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.tokenizer(new)["input_ids"], strict=True))
        return [self._known[text] for text in texts]

    def facts(self) -> ModelFacts:
        """Returns what is known of the loaded model."""
        return ModelFacts(
            parameters=count_parameters(self.net),
            weights_bytes=count_bytes(self.net),
            dtype=self.variant.dtype,
            attention="sdpa",
            module=self.net,
            notes={
                "max_tokens": self.max_tokens,
                "max_new_tokens": self.config.max_length - 1,
                "model_type": "bench-transformer",
                "tokenizer_hash": tokenizer_hash(self.tokenizer),
            },
        )
