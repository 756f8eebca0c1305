"""What the Hugging Face families share: loading by folder, package or Hub name, lengths, facts, and training.

Nothing heavy is imported until a model is loaded.

Only safetensors (or GGUF) is read unless the suite allows pickle, and no remote code runs unless the suite
says so for that model. What a failed download means is told by `bench.candidates.hub`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.candidates import variants
from bench.candidates.checkpoint import Checkpoint, find_gguf, locate
from bench.candidates.hub import explain_load_errors
from bench.candidates.interface import Classified, Context, ModelFacts, PartialModel
from bench.candidates.kept import Kept, load_key
from bench.candidates.learning import Batch, Learning
from bench.candidates.spread import spread
from bench.candidates.untyped import Loader, Network, Options, Tensors, Tokenizer
from bench.errors import UnsupportedError
from bench.meters.clock import split_devices
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.learning import Pair

UNBOUNDED = 1_000_000
"""A tokenizer without a known limit reports about 10³⁰; from here on a limit counts as none."""


@dataclass(frozen=True, slots=True)
class Source:
    """The arguments of `from_pretrained` for one suite entry."""

    checkpoint: Checkpoint
    shared: Options
    weights: Options

    @classmethod
    def of(cls, spec: ModelSpec) -> Source:
        """Work out the arguments that `spec` stands for.

        Raises:
            InputError, EnvironmentLackError: the checkpoint's files are not there.
        """
        checkpoint = locate(str(spec.checkpoint), Path())
        shared: Options = {"trust_remote_code": spec.trust_remote_code}
        if spec.revision:
            shared["revision"] = spec.revision
        if spec.subfolder:
            shared["subfolder"] = spec.subfolder
        gguf = spec.gguf_file
        if gguf is None and checkpoint.folder is not None and not (checkpoint.folder / "config.json").is_file():
            gguf = find_gguf(checkpoint.folder)
        if gguf:
            shared["gguf_file"] = gguf
        weights: Options = {} if gguf or spec.allow_pickle else {"use_safetensors": True}
        return cls(checkpoint, shared, weights)


def load_pretrained(
    auto_class: Loader, spec: ModelSpec, variant: VariantSpec, device: str, kept: Kept | None = None
) -> tuple[Network, Tokenizer]:
    """Load `(module, tokenizer)`: the module in evaluation mode on `device` with `variant` applied.

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


def _load_pretrained(
    auto_class: Loader, spec: ModelSpec, variant: VariantSpec, device: str
) -> tuple[Network, Tokenizer]:
    from transformers import AutoTokenizer

    source = Source.of(spec)
    with explain_load_errors(spec):
        tokenizer = AutoTokenizer.from_pretrained(source.checkpoint.name, **source.shared)
        module = auto_class.from_pretrained(
            source.checkpoint.name, dtype=variants.torch_dtype(variant), **source.shared, **source.weights
        )
    several = split_devices(device)
    module = (module.to(device) if len(several) == 1 else spread(module, several)).eval()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return variants.apply(module, variant, device), tokenizer


class HuggingFaceModel(PartialModel):
    """A module and its tokenizer; the base of the families."""

    def __init__(self, spec: ModelSpec, module: Network, tokenizer: Tokenizer, context: Context) -> None:
        self.spec = spec
        self.module = module
        self.tokenizer = tokenizer
        self.context = context
        self.device = context.device
        self._known: dict[tuple[str, bool], list[int]] | None = None
        self.line_ids: list[int] = tokenizer("\n", add_special_tokens=False)["input_ids"]
        """Tokens of a line's end."""

    @property
    def start_id(self) -> int:
        """The token with which a text begins: bos, or eos where there is none; what an empty text is read as."""
        known = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return next((token for token in known if token is not None), 0)

    @property
    def context_tokens(self) -> int:
        """Longest sequence in tokens that the model and its tokenizer take."""
        config = self.module.config
        limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
        limits.append(self.tokenizer.model_max_length)
        return min([int(limit) for limit in limits if limit and limit < UNBOUNDED], default=UNBOUNDED)

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens: the model's context or the suite's limit, whichever is smaller."""
        return min(self.context_tokens, self.context.max_input_tokens or UNBOUNDED)

    def tokenize(self, texts: Sequence[str], limit: int, **options: bool) -> tuple[Tensors, list[bool]]:
        """Make padded tensors on the device, and for each text whether it was cut to `limit` tokens."""
        ids, cut = self.encode(texts, limit, **options)
        batch = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt", return_attention_mask=True)
        return batch.to(self.device), cut

    def encode(self, texts: Sequence[str], limit: int, **options: bool) -> tuple[list[list[int]], list[bool]]:
        """Encode the token ids of each text, at least one, and whether it was cut to `limit` tokens."""
        ids = [row or [self.start_id] for row in self.token_ids(texts, **options)]
        cut = [len(row) > limit for row in ids]
        if any(cut):
            left = self.tokenizer.padding_side == "left"
            ids = [self._cut(row, limit, left) for row in ids]
        return ids, cut

    def token_ids(self, texts: Sequence[str], **options: bool) -> list[list[int]]:
        """Look up the token ids of each text, uncut; remembered ones are not worked out again."""
        if self._known is None:
            return self._tokenised(texts, options)
        special = bool(options.get("add_special_tokens", True))
        new = [text for text in dict.fromkeys(texts) if (text, special) not in self._known]
        if new:
            self._known.update(zip(((text, special) for text in new), self._tokenised(new, options), strict=True))
        return [self._known[text, special] for text in texts]

    def _tokenised(self, texts: Sequence[str], options: Options) -> list[list[int]]:
        rows: list[list[int]] = self.tokenizer(list(texts), truncation=False, padding=False, **options)["input_ids"]
        return rows

    def remember(self, keep: bool) -> None:
        """Keep token ids from now on, or forget them all.

        A quality pass sorts by length and then scores; it tokenises once. What is timed tokenises every time.
        """
        self._known = {} if keep else None

    def _cut(self, row: list[int], limit: int, left: bool) -> list[int]:
        """Keep `limit` tokens; the left end goes where the prompt's end matters, else the last token
        stays."""
        if len(row) <= limit:
            return row
        return row[-limit:] if left else [*row[: limit - 1], row[-1]]

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], Options]:
        """Write the texts as the model reads them; with the options of their tokenising."""
        return list(texts), {"add_special_tokens": False} if self.context.ability == "log_likelihood" else {}

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens that the model reads of each text."""
        prompts, options = self.prompts(texts)
        return [min(len(row), self.max_tokens) for row in self.token_ids(prompts, **options)]

    def length(self, text: str) -> int:
        """Count the tokens that the model reads of `text`."""
        return self.lengths([text])[0]

    def facts(self) -> ModelFacts:
        """Describe the loaded model."""
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


class HuggingFaceLearning(Learning):
    """How a network of transformers is trained, from a checkpoint; what is trained from scratch is the family's."""

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the `AutoModelFor…` that loads the network; one with a head where there are labels."""
        raise NotImplementedError

    def checkpoint(self, spec: ModelSpec, labels: tuple[str, ...]) -> Pair:
        """Load a network in float32 with its tokenizer; a new head where there are labels."""
        import torch

        source = Source.of(spec)
        head: Options = {}
        if labels:
            head = {"num_labels": len(labels), **label_names(labels), "ignore_mismatched_sizes": True}
        with explain_load_errors(spec):
            tokenizer = self.tokenizer(spec)
            net = self.auto_class(labels).from_pretrained(
                source.checkpoint.name, dtype=torch.float32, **source.shared, **source.weights, **head
            )
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return net, tokenizer

    def tokenizer(self, spec: ModelSpec) -> Tokenizer:
        """Load the tokenizer of a checkpoint, without its weights."""
        from transformers import AutoTokenizer

        source = Source.of(spec)
        return AutoTokenizer.from_pretrained(source.checkpoint.name, **source.shared)

    def save(self, net: Network, folder: Path, dtype: torch.dtype) -> None:
        """Write weights and configuration as transformers does."""
        net.to(dtype).save_pretrained(folder)

    def room(self, net: nn.Module, tokenizer: Tokenizer) -> int | None:
        """Count the tokens of one sequence that the network has positions for; None where any number will do."""
        config: Loader = net.config
        limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
        limits.append(tokenizer.model_max_length)
        return min((int(limit) for limit in limits if limit and limit < UNBOUNDED), default=None)


def label_names(labels: Sequence[str]) -> Options:
    """Name the outputs of a head in the words of transformers' configurations.

    >>> label_names(["red"])
    {'id2label': {0: 'red'}, 'label2id': {'red': 0}}
    """
    return {"id2label": dict(enumerate(labels)), "label2id": {label: place for place, label in enumerate(labels)}}


def head_logits(net: Network, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the logits of a head over labels, and the right labels."""
    logits = net(input_ids=batch["source"], attention_mask=batch["source_mask"].long()).logits
    return logits, batch["target"].squeeze(1)


def head_scores(
    model: HuggingFaceModel, texts: Sequence[str], order: Sequence[int], **options: bool
) -> list[Classified]:
    """Compute the log-probability of every label by a head, `order` giving the head's index of each label.

    `options` are of the tokenizer's call.
    """
    if not texts:
        return []
    batch, cut = model.tokenize(texts, model.max_tokens, **options)
    logits = model.module(**batch).logits.float().log_softmax(-1)
    rows = logits[:, list(order)].tolist()
    counts = batch["attention_mask"].sum(1).tolist()
    return [Classified(tuple(row), n, c) for row, n, c in zip(rows, counts, cut, strict=True)]


def label_order(name: str, id2label: Mapping[int, str], labels: Sequence[str]) -> list[int]:
    """Find for each of the task's labels the index of the head's output for it; case does not count.

    Raises:
        UnsupportedError: the head does not know one of the labels.
    """
    places = {str(label).casefold(): int(index) for index, label in id2label.items()}
    missing = [label for label in labels if label.casefold() not in places]
    if missing:
        raise UnsupportedError(
            f"the head of '{name}' has the labels {', '.join(map(str, id2label.values()))}, but the task has "
            f"'{missing[0]}'; map them with the task's 'labels', or fit a head with 'fit'"
        )
    return [places[label.casefold()] for label in labels]


def tokenizer_hash(tokenizer: Tokenizer) -> str:
    """Compute the SHA-256 (hex) of all that decides how a tokenizer cuts text: its whole pipeline where it is a fast
    one, else its vocabulary."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    whole = fast.to_str() if fast is not None else json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(whole.encode()).hexdigest()


def count_parameters(module: torch.nn.Module) -> int:
    """Count the parameters; shared ones count once, and so do those inside quantised layers."""
    return sum(tensor.numel() for tensor in _weights(module))


def count_bytes(module: torch.nn.Module) -> int:
    """Count the bytes of parameters and buffers as they are in memory; shared ones count once."""
    buffers = {id(buffer): buffer for buffer in module.buffers()}.values()
    return sum(tensor.numel() * tensor.element_size() for tensor in [*_weights(module), *buffers])


def _weights(module: torch.nn.Module) -> list[torch.Tensor]:
    import torch

    found: dict[int, torch.Tensor] = {id(parameter): parameter for parameter in module.parameters()}
    packed: list[torch.Tensor] = []
    for layer in module.modules():
        if isinstance(layer, torch.ao.nn.quantized.dynamic.Linear):
            quantised: Network = layer
            packed.append(quantised.weight())
            if quantised.bias() is not None:
                packed.append(quantised.bias())
    return [*found.values(), *packed]
