"""What the three Hugging Face families share: loading by folder, package or Hub name, lengths, and facts.

Only safetensors (or GGUF) is read unless the suite allows pickle, and no remote code runs unless the suite
says so for that model. What a failed download means is told by `bench.candidates.hub`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from bench.candidates import variants
from bench.candidates.checkpoint import Checkpoint, find_gguf, locate
from bench.candidates.hub import explain_load_errors
from bench.candidates.inspection import inspect_folder
from bench.candidates.interface import Context, ModelFacts
from bench.candidates.kept import Kept, load_key
from bench.candidates.limits import UNBOUNDED, TokenLimits, token_limits
from bench.candidates.loading import LoadReport, check_tokenizer, check_vocabulary, input_embeddings, reads_as_saved
from bench.candidates.spread import spread
from bench.meters.clock import split_devices
from bench.suite import ModelSpec, VariantSpec


@dataclass(frozen=True, slots=True)
class Source:
    """The arguments of `from_pretrained` for one suite entry."""

    checkpoint: Checkpoint
    shared: dict[str, Any]
    weights: dict[str, Any]

    @classmethod
    def of(cls, spec: ModelSpec) -> Source:
        """Returns the arguments that `spec` stands for.

        Raises:
            InputError, EnvironmentLackError: the checkpoint's files are not there.
        """
        checkpoint = locate(str(spec.checkpoint), Path())
        shared: dict[str, Any] = {"trust_remote_code": spec.trust_remote_code}
        if spec.revision:
            shared["revision"] = spec.revision
        if spec.subfolder:
            shared["subfolder"] = spec.subfolder
        gguf = spec.gguf_file
        if gguf is None and checkpoint.folder is not None and not (checkpoint.folder / "config.json").is_file():
            gguf = find_gguf(checkpoint.folder)
        if gguf:
            shared["gguf_file"] = gguf
        weights: dict[str, Any] = {} if gguf or spec.allow_pickle else {"use_safetensors": True}
        return cls(checkpoint, shared, weights)

    @property
    def folder(self) -> Path | None:
        """The local folder with configuration, weights and tokenizer as files; None for the Hub's and for GGUF."""
        if self.checkpoint.folder is None or "gguf_file" in self.shared:
            return None
        return self.checkpoint.folder / str(self.shared.get("subfolder", ""))


def load_pretrained(
    auto_class: Any, spec: ModelSpec, variant: VariantSpec, device: str, kept: Kept | None = None
) -> tuple[Any, Any]:
    """Returns `(module, tokenizer)`: the module in evaluation mode on `device` with `variant` applied.

    Args:
        auto_class: `AutoModelFor…`.
        spec: which weights.
        variant: what is done to them.
        device: where they go: `cpu`, `cuda:N`, or several GPUs joined by commas.
        kept: what this process loaded before; the same weights in the same class are not loaded again.

    Raises:
        BenchError: the files are missing, unreadable or not reachable, with what to do about it.
    """
    if kept is None:
        return _load_pretrained(auto_class, spec, variant, device)
    key = load_key(auto_class, spec, variant, device)
    return kept.obtain(key, lambda: _load_pretrained(auto_class, spec, variant, device))


def _load_pretrained(auto_class: Any, spec: ModelSpec, variant: VariantSpec, device: str) -> tuple[Any, Any]:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    source = Source.of(spec)
    with explain_load_errors(spec):
        if source.folder is not None:
            inspect_folder(spec.name, source.folder)
        tokenizer = AutoTokenizer.from_pretrained(source.checkpoint.name, **source.shared)
        if source.folder is not None and not reads_as_saved(source.folder, tokenizer):
            tokenizer = PreTrainedTokenizerFast.from_pretrained(str(source.folder))
        check_tokenizer(spec.name, source.folder, tokenizer)
        module, info = auto_class.from_pretrained(
            source.checkpoint.name,
            dtype=variants.torch_dtype(variant),
            output_loading_info=True,
            **source.shared,
            **source.weights,
        )
    LoadReport.of(info).check(spec.name, source.checkpoint.name, len(module.state_dict()))
    check_vocabulary(spec.name, tokenizer, input_embeddings(module))
    several = split_devices(device)
    module = (module.to(device) if len(several) == 1 else spread(module, several)).eval()
    return variants.apply(module, variant, device), tokenizer


class HuggingFaceModel:
    """A module and its tokenizer; the base of the families."""

    abilities: frozenset[str] = frozenset()
    goes_on = False
    """Whether a text is a prompt that is gone on with, so that its end matters when it is cut."""

    def __init__(self, spec: ModelSpec, module: Any, tokenizer: Any, context: Context) -> None:
        self.spec = spec
        self.module = module
        self.tokenizer = tokenizer
        self.context = context
        self.device = context.device
        self.padding_is_own = getattr(module.config, "pad_token_id", None) is not None
        """Whether the checkpoint itself names its padding token."""
        self.plain = False
        """Whether answers are worked out one example at a time, without padding and cache (`bench.admission`)."""
        self._known: dict[tuple[str, bool], list[int]] | None = None
        self.line_ids: list[int] = tokenizer("\n", add_special_tokens=False)["input_ids"]
        """Tokens of a line's end."""

    @property
    def start_id(self) -> int:
        """The token with which a text begins: bos, or eos where there is none; what an empty text is read as."""
        known = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return next((token for token in known if token is not None), 0)

    @cached_property
    def limits(self) -> TokenLimits:
        """The longest sequences that the model and its tokenizer take."""
        return token_limits(self.module, self.module.config, self.tokenizer.model_max_length)

    @property
    def context_tokens(self) -> int:
        """Longest sequence in tokens that the model and its tokenizer take."""
        return self.limits.input_tokens

    @cached_property
    def pad_id(self) -> int:
        """A token that fills up the rows of a batch. It is masked, so any row of the embedding will do."""
        table = input_embeddings(self.module)
        rows = table.num_embeddings if isinstance(table, torch.nn.Embedding) else None
        usable = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
        return next((token for token in usable if token is not None and (rows is None or token < rows)), 0)

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens: the model's context or the suite's limit, whichever is smaller."""
        return min(self.context_tokens, self.context.max_input_tokens or UNBOUNDED)

    def tokenize(self, texts: Sequence[str], limit: int, **options: Any) -> tuple[Any, list[bool]]:
        """Returns padded tensors on the device, and for each text whether it was cut to `limit` tokens."""
        ids, cut = self.encode(texts, limit, **options)
        return self.padded(ids, self.pad_id), cut

    def padded(self, rows: Sequence[Sequence[int]], fill: int) -> dict[str, torch.Tensor]:
        """Return token ids and attention mask on the device, each `(batch, longest)`, filled up on the tokenizer's
        side."""
        longest = max(map(len, rows))
        left = self.tokenizer.padding_side == "left"
        ids, mask = [], []
        for row in rows:
            gap, real = [fill] * (longest - len(row)), [1] * len(row)
            ids.append([*gap, *row] if left else [*row, *gap])
            mask.append([*([0] * len(gap)), *real] if left else [*real, *([0] * len(gap))])
        return {
            "input_ids": torch.tensor(ids, device=self.device),
            "attention_mask": torch.tensor(mask, device=self.device),
        }

    def encode(self, texts: Sequence[str], limit: int, **options: Any) -> tuple[list[list[int]], list[bool]]:
        """Returns the token ids of each text, at least one, and whether it was cut to `limit` tokens."""
        ids = [row or [self.start_id] for row in self.token_ids(texts, **options)]
        cut = [len(row) > limit for row in ids]
        if any(cut):
            rows = zip(texts, ids, cut, strict=True)
            ids = [self._cut(text, row, limit, options) if too_long else row for text, row, too_long in rows]
        return ids, cut

    def token_ids(self, texts: Sequence[str], **options: Any) -> list[list[int]]:
        """Returns the token ids of each text, uncut; remembered ones are not worked out again."""
        if self._known is None:
            return self._tokenised(texts, options)
        special = bool(options.get("add_special_tokens", True))
        new = [text for text in dict.fromkeys(texts) if (text, special) not in self._known]
        if new:
            self._known.update(zip(((text, special) for text in new), self._tokenised(new, options), strict=True))
        return [self._known[text, special] for text in texts]

    def _tokenised(self, texts: Sequence[str], options: dict[str, Any]) -> list[list[int]]:
        rows: list[list[int]] = self.tokenizer(list(texts), truncation=False, padding=False, **options)["input_ids"]
        return rows

    def unknown_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return how many tokens of the texts are the unknown token, and how many there are, special ones apart."""
        prompts, _ = self.prompts(texts)
        unknown = self.tokenizer.unk_token_id
        rows = self.token_ids(prompts, add_special_tokens=False)
        total = sum(map(len, rows))
        distinct = unknown is not None and unknown not in (self.tokenizer.eos_token_id, self.tokenizer.bos_token_id)
        return (sum(row.count(unknown) for row in rows) if distinct else 0), total

    def remember(self, keep: bool) -> None:
        """Keeps token ids from now on, or forgets them all.

        A quality pass sorts by length and then scores; it tokenises once. What is timed tokenises every time.
        """
        self._known = {} if keep else None

    def _cut(self, text: str, row: list[int], limit: int, options: dict[str, Any]) -> list[int]:
        """Return `limit` tokens of a text that has more: the end of a prompt that is gone on with, else what the
        tokenizer itself leaves, as in the training."""
        if self.goes_on:
            return row[-limit:]
        shortened: list[int] = self.tokenizer(text, truncation=True, max_length=limit, **options)["input_ids"]
        return shortened[:limit]

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        """Returns the texts as the model reads them, and the options of their tokenising."""
        return list(texts), {"add_special_tokens": False} if self.context.kind == "language-modelling" else {}

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens that the model reads of each text."""
        prompts, options = self.prompts(texts)
        return [min(len(row), self.max_tokens) for row in self.token_ids(prompts, **options)]

    def length(self, text: str) -> int:
        """Returns the number of tokens that the model reads of `text`."""
        return self.lengths([text])[0]

    def facts(self) -> ModelFacts:
        """Returns what is known of the loaded model."""
        config = self.module.config
        return ModelFacts(
            parameters=count_parameters(self.module),
            weights_bytes=count_bytes(self.module),
            dtype=str(config.dtype).removeprefix("torch.") if config.dtype is not None else "float32",
            attention=getattr(config, "_attn_implementation", None),
            module=self.module,
            notes={
                "max_tokens": self.max_tokens,
                "model_type": config.model_type,
                "revision": getattr(config, "_commit_hash", None),
                "tokenizer_hash": tokenizer_hash(self.tokenizer),
            },
        )


def tokenizer_hash(tokenizer: Any) -> str:
    """Returns the SHA-256 (hex) of all that decides how a tokenizer cuts text: its whole pipeline where it is a fast
    one, else its vocabulary."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    whole = fast.to_str() if fast is not None else json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(whole.encode()).hexdigest()


def count_parameters(module: torch.nn.Module) -> int:
    """Returns the number of parameters; shared ones count once, and so do those inside quantised layers."""
    return sum(tensor.numel() for tensor in _weights(module))


def count_bytes(module: torch.nn.Module) -> int:
    """Returns the bytes of parameters and buffers as they are in memory; shared ones count once."""
    buffers = {id(buffer): buffer for buffer in module.buffers()}.values()
    return sum(tensor.numel() * tensor.element_size() for tensor in [*_weights(module), *buffers])


def _weights(module: torch.nn.Module) -> list[torch.Tensor]:
    found: dict[int, torch.Tensor] = {id(parameter): parameter for parameter in module.parameters()}
    packed: list[torch.Tensor] = []
    for layer in module.modules():
        if isinstance(layer, torch.ao.nn.quantized.dynamic.Linear):
            quantised: Any = layer
            packed.append(quantised.weight())
            if quantised.bias() is not None:
                packed.append(quantised.bias())
    return [*found.values(), *packed]
