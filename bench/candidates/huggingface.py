"""What the Hugging Face families share: loading by folder, package or Hub name, lengths, facts, and training.

Nothing heavy is imported until a model is loaded.

Only safetensors (or GGUF) is read unless the suite allows pickle, and no remote code runs unless the suite
says so for that model. What a failed download means is told by `bench.candidates.hub`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.candidates import variants
from bench.candidates.adapters import Adapter, adapted, adapter_of, head_size, own_weights, save_adapter
from bench.candidates.checkpoint import (
    Checkpoint,
    contradiction,
    find_gguf,
    gives_numbers,
    head_names,
    locate,
    read_config,
    unknown_label,
)
from bench.candidates.engine import Engine, Stand
from bench.candidates.hub import explain_load_errors
from bench.candidates.inspection import inspect_folder
from bench.candidates.interface import Classified, Context, ModelFacts, PartialModel
from bench.candidates.kept import load_key
from bench.candidates.learning import Batch, Learning
from bench.candidates.limits import UNBOUNDED, TokenLimits, first_position, token_limits
from bench.candidates.loading import LoadReport, check_tokenizer, check_vocabulary, input_embeddings, reads_as_saved
from bench.candidates.pairs import parts
from bench.candidates.quantised import quant_method
from bench.candidates.spread import spread
from bench.candidates.untyped import Loader, Network, Options, Tensors, Tokenizer
from bench.errors import AdmissionError, UnsupportedError
from bench.meters.clock import split_devices
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.learning import Pair


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

    @property
    def folder(self) -> Path | None:
        """The local folder with configuration, weights and tokenizer as files; None for the Hub's and for GGUF."""
        if self.checkpoint.folder is None or "gguf_file" in self.shared:
            return None
        return self.checkpoint.folder / str(self.shared.get("subfolder", ""))


class Loaded(NamedTuple):
    """What was loaded, and what of the file was not."""

    module: Network
    tokenizer: Tokenizer
    unused: tuple[str, ...]
    """Names of weights in the file that the module has no place for."""
    reach: variants.Note
    """What the variant reached."""
    reference: Callable[[], Network] | None = None
    """Loads the module of torch, where another runtime stands in its place."""


def load_pretrained(auto_class: Loader, spec: ModelSpec, variant: VariantSpec, context: Context) -> Loaded:
    """Load a module in evaluation mode with `variant` applied, and its tokenizer.

    Args:
        auto_class: `AutoModelFor…`.
        spec: which weights.
        variant: what is done to them.
        context: where they go, what this process loaded before (the same weights in the same class are not loaded
            again), and what executes them in the place of torch.

    Raises:
        BenchError: the files are missing, unreadable or not reachable, with what to do about it.
    """

    def load() -> Loaded:
        if context.engine is not None:
            return _stood_in(auto_class, spec, context.engine)
        return _load_pretrained(auto_class, spec, variant, context.place)

    if context.kept is None:
        return load()
    return context.kept.obtain(load_key(auto_class, spec, variant, context.place), load)


def _stood_in(auto_class: Loader, spec: ModelSpec, engine: Engine) -> Loaded:
    """Load the tokenizer of a checkpoint whose network another runtime executes; the conversion kept its
    configurations."""
    from transformers import AutoConfig, GenerationConfig

    adapter = adapter_of(spec)
    source = Source.of(spec if adapter is None else adapter.base_spec(spec))
    with explain_load_errors(spec):
        tokenizer = _tokenizer(spec, source, adapter)
        config = AutoConfig.from_pretrained(engine.configuration, trust_remote_code=spec.trust_remote_code)
        reader: Loader = GenerationConfig
        has_own = (engine.configuration / GENERATION_FILE).is_file()
        writes = reader.from_pretrained(engine.configuration) if has_own else reader.from_model_config(config)
    stand = engine.stand(config, writes)

    def reference() -> Network:
        return _load_pretrained(auto_class, spec, VariantSpec(), "cpu").module

    return Loaded(stand, tokenizer, (), {}, reference)


GENERATION_FILE = "generation_config.json"


def keep_configuration(module: Network, folder: Path) -> None:
    """Write the configurations of a loaded module, for what stands in its place."""
    module.config.save_pretrained(folder)
    if getattr(module, "generation_config", None) is not None:
        module.generation_config.save_pretrained(folder)


def _load_pretrained(auto_class: Loader, spec: ModelSpec, variant: VariantSpec, device: str) -> Loaded:
    adapter = adapter_of(spec)
    source = Source.of(spec if adapter is None else adapter.base_spec(spec))
    placed = _where_quantised(spec if adapter is None else adapter.base_spec(spec), variant, device)
    with explain_load_errors(spec):
        for folder in (source.folder, None if adapter is None else adapter.folder):
            if folder is not None:
                inspect_folder(spec.name, folder)
        tokenizer = _tokenizer(spec, source, adapter)
        module, info = auto_class.from_pretrained(
            source.checkpoint.name,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # the report then names them, and they are refused below
            **source.shared,
            **source.weights,
            **_head_of(auto_class, adapter),
            **placed or {"dtype": variants.torch_dtype(variant)},
        )
    report = LoadReport.of(info)
    if adapter is not None:
        report = report.without(own_weights(adapter))
    report.check(spec.name, source.checkpoint.name, module.state_dict().keys())
    if adapter is not None:
        module = adapted(spec.name, module, adapter, pickled=spec.allow_pickle)
    check_vocabulary(spec.name, tokenizer, input_embeddings(module))
    module = (module if placed else _placed(module, device)).eval()
    module, reach = variants.apply(module, variant, device)
    return Loaded(module, tokenizer, report.unexpected, reach)


def _where_quantised(spec: ModelSpec, variant: VariantSpec, device: str) -> Options:
    """Work out how weights that are stored quantised are loaded: right where they go, since they cannot be moved or
    cast; empty for plain ones."""
    if quant_method(spec) is None:
        return {}
    dtype = "auto" if variant.dtype == "float32" else variants.torch_dtype(variant)
    several = split_devices(device)
    return {"dtype": dtype, "device_map": {"": device} if len(several) == 1 else "auto"}


def _placed(module: Network, device: str) -> Network:
    """Move a network to its device, or spread it over several."""
    several = split_devices(device)
    return module.to(device) if len(several) == 1 else spread(module, several)


def _tokenizer(spec: ModelSpec, source: Source, adapter: Adapter | None) -> Tokenizer:
    """Load the tokenizer: an adapter's own where it brings one along, else its base's."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder, name, shared = source.folder, source.checkpoint.name, source.shared
    if adapter is not None and (adapter.folder / "tokenizer_config.json").is_file():
        folder, name, shared = adapter.folder, str(adapter.folder), {"trust_remote_code": spec.trust_remote_code}
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(name, **shared)
    if folder is not None and not reads_as_saved(folder, tokenizer):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder))
    check_tokenizer(spec.name, folder, tokenizer)
    return tokenizer


def _head_of(auto_class: Loader, adapter: Adapter | None) -> Options:
    """Work out the head for which an adapter brings weights along: as its own configuration has it, else its size."""
    if adapter is None or not auto_class.__name__.endswith(("ForSequenceClassification", "ForTokenClassification")):
        return {}
    stored = read_config(adapter.folder)
    own = stored.get("id2label")
    if own:
        names = {int(index): str(name) for index, name in own.items()}
        kind: Options = {"problem_type": stored.get("problem_type")}
        return label_names([names[index] for index in sorted(names)]) | {"num_labels": len(names)} | kind
    size = head_size(adapter)
    return {} if size is None else {"num_labels": size}


class HuggingFaceModel(PartialModel):
    """A module and its tokenizer; the base of the families."""

    log_probabilities = True
    """What a head or a likelihood gives."""
    reads_pairs = False
    """Whether a pair of texts is read as two, with a mark between them."""
    goes_on = False
    """Whether a text is a prompt to be continued, so that its end matters when it is cut."""

    def __init__(self, spec: ModelSpec, loaded: Loaded, context: Context) -> None:
        module, tokenizer = loaded.module, loaded.tokenizer
        self.spec = spec
        self.engine = context.engine
        self._network = module
        self._load_reference = loaded.reference
        self._reference: Network | None = None
        self.tokenizer = tokenizer
        self.unused = loaded.unused
        self.reach = loaded.reach
        self.context = context
        self.device = context.device
        self.padding_is_own = getattr(module.config, "pad_token_id", None) is not None
        """Whether the checkpoint itself names its padding token."""
        self.begins: Options = {}
        """With which token an answer begins, where the suite names a language: an argument of `generate`."""
        self.plain = False
        """Whether answers are worked out one example at a time, without padding and cache (`bench.admission`)."""
        self._known: dict[tuple[str, bool], list[int]] | None = None
        self.line_ids: list[int] = tokenizer("\n", add_special_tokens=False)["input_ids"]
        """Tokens of a line's end."""

    @property
    def module(self) -> Network:
        """The network: that of torch, or what stands in its place; on the plain path torch's in any case."""
        if self._load_reference is None or not self.plain:
            return self._network
        if self._reference is None:
            self._reference = self._load_reference()
        return self._reference

    @property
    def stand(self) -> Stand | None:
        """What executes the network in torch's place; None under torch, and on the plain path."""
        return None if self._load_reference is None or self.plain else self._network

    def let_go(self) -> None:
        """Drop the module of torch that the plain path had loaded beside what stands in its place."""
        self._reference = None

    @property
    def embedding_rows(self) -> int | None:
        """Tokens that have an embedding; None where that is not known."""
        if self.engine is not None:
            return self.engine.artifact.embedding_rows
        rows: int | None = getattr(input_embeddings(self.module), "num_embeddings", None)
        return rows

    @property
    def start_id(self) -> int:
        """The token with which a text begins: bos, or eos where there is none; what an empty text is read as."""
        special_ids = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return next((token for token in special_ids if token is not None), 0)

    @cached_property
    def limits(self) -> TokenLimits:
        """The longest sequences that the model and its tokenizer take."""
        if self.engine is not None:
            return TokenLimits(self.engine.artifact.input_tokens, self.engine.artifact.decoder_tokens)
        return token_limits(self.module, self.module.config, self.tokenizer.model_max_length)

    @cached_property
    def first_position(self) -> int:
        """The position id of a text's first token."""
        if self.engine is not None:
            return self.engine.artifact.first_position
        return first_position(self.module)

    @property
    def context_tokens(self) -> int:
        """Longest sequence in tokens that the model and its tokenizer take."""
        return self.limits.input_tokens

    @cached_property
    def pad_id(self) -> int:
        """A token that fills up the rows of a batch. It is masked, so any row of the embedding will do."""
        rows = self.embedding_rows
        usable = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
        return next((token for token in usable if token is not None and (rows is None or token < rows)), 0)

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens: the model's context or the suite's limit, whichever is smaller."""
        return min(self.context_tokens, self.context.max_input_tokens or UNBOUNDED)

    def tokenize(self, texts: Sequence[str], limit: int, **options: bool) -> tuple[Tensors, list[bool]]:
        """Make padded tensors on the device, and for each text whether it was cut to `limit` tokens."""
        ids, cut = self.encode(texts, limit, **options)
        return self.padded(ids, self.pad_id), cut

    def padded(self, rows: Sequence[Sequence[int]], fill: int) -> dict[str, torch.Tensor]:
        """Pad rows to token ids and attention mask on the device, each `(batch, longest)`, filled up on the tokenizer's
        side."""
        import torch

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

    def encode(self, texts: Sequence[str], limit: int, **options: bool) -> tuple[list[list[int]], list[bool]]:
        """Encode the token ids of each text, at least one, and whether it was cut to `limit` tokens."""
        ids = [row or [self.start_id] for row in self.token_ids(texts, **options)]
        cut = [len(row) > limit for row in ids]
        if any(cut):
            rows = zip(texts, ids, cut, strict=True)
            ids = [self._cut(text, row, limit, options) if too_long else row for text, row, too_long in rows]
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
        asked = columns_of(texts) if self.reads_pairs else [list(texts)]
        rows: list[list[int]] = self.tokenizer(*asked, truncation=False, padding=False, **options)["input_ids"]
        beyond = self._token_beyond
        if beyond is not None and any(beyond in row for row in rows):
            raise AdmissionError(
                f"model '{self.spec.name}': a text holds '{self.tokenizer.pad_token}', its tokenizer's padding, for "
                "which the network has no embedding; take it out of the data, or save the model after "
                "`resize_token_embeddings`"
            )
        return rows

    @cached_property
    def _token_beyond(self) -> int | None:
        """The padding token where it is no row of the embedding; None where every token is one."""
        rows = self.embedding_rows
        pad: int | None = self.tokenizer.pad_token_id
        return pad if pad is not None and rows is not None and pad >= rows else None

    def unknown_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """Count how many tokens of the texts are the unknown token, and how many there are, special ones apart."""
        prompts, _ = self.prompts(texts)
        unknown = self.tokenizer.unk_token_id
        rows = self.token_ids(prompts, add_special_tokens=False)
        total = sum(map(len, rows))
        distinct = unknown is not None and unknown not in (self.tokenizer.eos_token_id, self.tokenizer.bos_token_id)
        return (sum(row.count(unknown) for row in rows) if distinct else 0), total

    def misread(self, text: str) -> str | None:
        """Tell how what is read of a text differs from what the tokenizer makes of it; None where it does not.

        The tokenizer is asked directly, for the whole text and for half of it, as a cut text is read.
        """
        prompts, options = self.prompts([text])
        whole = _without_end(self, prompts[0], self._tokenised(prompts, options)[0])
        for limit in dict.fromkeys((self.max_tokens, max(len(whole) // 2, MOST_SPECIAL))):
            right = whole
            if len(whole) > limit and self.goes_on:
                right = whole[-limit:]
            elif len(whole) > limit:
                right = self.tokenizer(prompts[0], truncation=True, max_length=limit, **options)["input_ids"][:limit]
            read = self.encode(prompts, limit, **options)[0][0]
            if read != (right or [self.start_id]):
                first = next(
                    (place for place, pair in enumerate(zip(read, right, strict=False)) if len(set(pair)) > 1), 0
                )
                return (
                    f"of a text of {len(whole):,} tokens it reads {len(read):,} where its tokenizer gives "
                    f"{len(right):,}, and they differ from token {first + 1} on; please report it"
                )
        return None

    def padding_read(self, texts: Sequence[str]) -> tuple[str, int]:
        """Count in how many of the texts the token stands that a head of this checkpoint takes for padding.

        None of a model without such a head, and of one whose checkpoint names no padding token.
        """
        pad = getattr(self.module.config, "pad_token_id", None)
        pools = hasattr(self.module, "score") if self.engine is None else self.engine.artifact.pools_last
        pools_last = pools and self.context.ability == "classify" and not self.goes_on
        if not pools_last or not self.padding_is_own or pad is None:
            return "", 0
        prompts, options = self.prompts(texts)
        count = sum(pad in row for row in self.token_ids(prompts, **options))
        return str(self.tokenizer.convert_ids_to_tokens([int(pad)])[0]) if count else "", count

    @property
    def replays(self) -> bool:
        """Tell whether each token of a text is the likeliest: no setting of the checkpoint changes which is next."""
        from bench.candidates.decoding.settings import asks_for_processors

        return not asks_for_processors(self)

    def remember(self, keep: bool) -> None:
        """Keep token ids from now on, or forget them all.

        A quality pass sorts by length and then scores; it tokenises once. What is timed tokenises every time.
        """
        self._known = {} if keep else None

    def _cut(self, text: str, row: list[int], limit: int, options: Options) -> list[int]:
        """Cut a text to `limit` tokens: the end of a prompt that is to be continued, else what the tokenizer itself
        leaves, as in the training."""
        if self.goes_on:
            return row[-limit:]
        asked = parts(text) if self.reads_pairs else (text,)
        shortened: list[int] = self.tokenizer(*asked, truncation=True, max_length=limit, **options)["input_ids"]
        return shortened[:limit]

    def segments(self, texts: Sequence[str], limit: int) -> list[list[int]] | None:
        """Tell of each token to which of two texts it belongs; None where the network does not ask, or texts are no
        pairs."""
        asked = columns_of(texts) if self.reads_pairs else []
        if len(asked) < 2 or "token_type_ids" not in self.tokenizer.model_input_names:
            return None
        encoded = self.tokenizer(*asked, truncation=True, max_length=limit, return_token_type_ids=True)
        rows: list[list[int]] = encoded["token_type_ids"]
        return rows

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

    @cached_property
    def _counted(self) -> tuple[int, int]:
        """Parameters and bytes of the network, which are the same from the load on."""
        return count_parameters(self.module), count_bytes(self.module)

    @cached_property
    def _tokenizer_hash(self) -> str:
        return tokenizer_hash(self.tokenizer)

    def facts(self) -> ModelFacts:
        """Describe the loaded model."""
        config, engine = self.module.config, self.engine
        dtype = str(config.dtype).removeprefix("torch.") if config.dtype is not None else "float32"
        return ModelFacts(
            parameters=self._counted[0] if engine is None else engine.artifact.parameters,
            weights_bytes=self._counted[1] if engine is None else engine.artifact.artifact_bytes,
            dtype=dtype if engine is None else engine.artifact.dtype,
            attention=getattr(config, "_attn_implementation", None) if engine is None else None,
            module=self.module if engine is None else None,
            notes={
                "max_tokens": self.max_tokens,
                "model_type": config.model_type,
                "revision": getattr(config, "_commit_hash", None),
                "tokenizer_hash": self._tokenizer_hash,
                "weights_unused": list(self.unused),
                "tokens_known": len(self.tokenizer),
                "embedding_rows": self.embedding_rows,
                **self._settings(),
                **self.reach,
            },
        )

    def _settings(self) -> dict[str, object]:
        """Note which settings of the checkpoint are followed, where it writes."""
        from bench.candidates.decoding.settings import left_out_settings, settings_note, task_settings

        if self.context.ability != "generate":
            return {"generation_settings_left_out": []}
        return {
            "generation_settings_left_out": left_out_settings(self),
            "generation": settings_note(self),
            "task_settings": task_settings(self),
        }


def columns_of(texts: Sequence[str]) -> list[list[str]]:
    """Write texts as a tokenizer takes them: one list, or two of pairs.

    >>> from bench.candidates.pairs import Pair
    >>> columns_of(["a", "b"]), columns_of([Pair.of("", "a", "b")])
    ([['a', 'b']], [['a'], ['b']])
    """
    return [list(column) for column in zip(*map(parts, texts), strict=True)] or [[]]


MOST_SPECIAL = 4
"""Tokens that a text is cut to at least when its cut is tried: special ones take some of them."""


def _without_end(model: HuggingFaceModel, text: str, row: list[int]) -> list[int]:
    """Leave out the end token of a prompt that is to be continued, unless it is written there."""
    end, written = model.tokenizer.eos_token_id, str(model.tokenizer.eos_token)
    return row[:-1] if model.goes_on and row[-1:] == [end] and not text.endswith(written) else row


class HuggingFaceLearning(Learning):
    """How a network of transformers is trained, from a checkpoint; what is trained from scratch is the family's."""

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the `AutoModelFor…` that loads the network; one with a head where there are labels."""
        raise NotImplementedError

    def head_options(self, labels: tuple[str, ...]) -> Options:
        """Describe the head in the words of transformers' configurations; empty where there is none."""
        if not labels:
            return {}
        own: Options = {"problem_type": None}  # not that of a checkpoint's head, which is replaced
        return {"num_labels": len(labels), **label_names(labels), **own}

    def checkpoint(self, spec: ModelSpec, labels: tuple[str, ...]) -> Pair:
        """Load a network in float32 with its tokenizer; a new head where there are labels."""
        import torch

        source = Source.of(spec)
        head = self.head_options(labels)
        replaced: Options = {"ignore_mismatched_sizes": True} if head else {}
        with explain_load_errors(spec):
            tokenizer = self.tokenizer(spec)
            net = self.auto_class(labels).from_pretrained(
                source.checkpoint.name, dtype=torch.float32, **source.shared, **source.weights, **head, **replaced
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
        """Write weights and configuration as transformers does; of a network with an adapter the adapter alone."""
        if not save_adapter(net.to(dtype), folder):
            net.save_pretrained(folder)

    def room(self, net: nn.Module, tokenizer: Tokenizer | None) -> int | None:
        """Count the tokens of one sequence that the network has positions for; None where any number will do."""
        config: Loader = net.config
        limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
        limits.append(None if tokenizer is None else tokenizer.model_max_length)
        return min((int(limit) for limit in limits if limit and limit < UNBOUNDED), default=None)


def label_names(labels: Sequence[str]) -> Options:
    """Name the outputs of a head in the words of transformers' configurations.

    >>> label_names(["red"])
    {'id2label': {0: 'red'}, 'label2id': {'red': 0}}
    """
    return {"id2label": dict(enumerate(labels)), "label2id": {label: place for place, label in enumerate(labels)}}


def word_pieces(tokenizer: Tokenizer, words: Sequence[str], limit: int) -> tuple[list[int], list[int | None], int]:
    """Cut a sentence of given words into token ids.

    Returns:
        The ids; for each of them the word whose first piece it is, or None; and how many words are left of those that
        are not cut off.
    """
    encoded = tokenizer(list(words), is_split_into_words=True, truncation=True, max_length=limit)
    owners: list[int | None] = encoded.word_ids()
    firsts = [
        owner if owner is not None and owner != (owners[place - 1] if place else None) else None
        for place, owner in enumerate(owners)
    ]
    whole = len(owners) < limit
    read = max((owner + 1 for owner in owners if owner is not None), default=0)
    return list(encoded["input_ids"]), firsts, len(words) if whole else read


def head_logits(net: Network, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the logits of a head, and its targets: one for each text, or as many as the head has outputs."""
    more = {"token_type_ids": batch["segments"]} if "segments" in batch else {}
    logits = net(input_ids=batch["source"], attention_mask=batch["source_mask"].long(), **more).logits
    target = batch["target"]
    return logits, target.squeeze(1) if batch["mode"] == "label" else target


def head_scores(
    model: HuggingFaceModel, texts: Sequence[str], order: Sequence[int], **options: bool
) -> list[Classified]:
    """Compute the log-probability of every label by a head.

    Args:
        model: with a head.
        texts: finished prompts.
        order: the head's index of each label.
        options: of the tokenizer's call.
    """
    read = head_values(model, texts, lambda logits: logits.log_softmax(-1)[:, list(order)], **options)
    return [Classified(tuple(row), count, too_long) for row, count, too_long in read]


def head_values(
    model: HuggingFaceModel, texts: Sequence[str], read: Callable[[torch.Tensor], torch.Tensor], **options: bool
) -> list[tuple[list[float], int, bool]]:
    """Read what a head says of each text; with the tokens that were read, and whether the text was cut.

    Args:
        model: with a head.
        texts: finished prompts, all of them pairs or none.
        read: from logits in float32, shape `(batch, outputs)`, to the numbers that are wanted of each text.
        options: of the tokenizer's call.
    """
    if not texts:
        return []
    if model.plain and len(texts) > 1:
        return [answer for text in texts for answer in head_values(model, [text], read, **options)]
    ids, cut = model.encode(texts, model.max_tokens, **options)
    _refuse_without_end(model, ids)
    batch = model.padded(ids, _head_padding(model, ids))
    segments = model.segments(texts, model.max_tokens)
    if segments is not None and model.engine is not None:
        raise UnsupportedError(
            f"model '{model.spec.name}': a converted network is not told which of two texts a token is of; leave "
            "'runtime' out for pairs"
        )
    if segments is not None:
        batch["token_type_ids"] = model.padded(segments, 0)["input_ids"]
    rows = read(model.module(**batch).logits.float()).tolist()
    counts = batch["attention_mask"].sum(1).tolist()
    return list(zip(rows, counts, cut, strict=True))


def _refuse_without_end(model: HuggingFaceModel, rows: Sequence[Sequence[int]]) -> None:
    """Refuse texts without the end token that the heads of encoder-decoders read.

    Raises:
        AdmissionError: the tokenizer puts none behind a text.
    """
    config = model.module.config
    end = config.eos_token_id if getattr(config, "is_encoder_decoder", False) else None
    if isinstance(end, int) and any(end not in row for row in rows):
        raise AdmissionError(
            f"model '{model.spec.name}': its head reads the end token (`eos_token_id` {end}), which its tokenizer does "
            "not put behind a text; save the tokenizer that it was trained with, whose template ends with that token"
        )


def _head_padding(model: HuggingFaceModel, rows: Sequence[Sequence[int]]) -> int:
    """Choose the token that pads a batch for a head, and tell the head.

    The heads of decoders read the last token that is not the configuration's padding token. Where the checkpoint names
    none, a token that no row of the batch has stands in, so that the head reads each row's own last token.
    """
    config = model.module.config.get_text_config()
    own = getattr(model.module.config, "pad_token_id", None)
    if own is not None and model.padding_is_own:
        return int(own)
    used = set(chain.from_iterable(rows))
    unused = next((token for token in range(len(used) + 1) if token not in used), model.pad_id)
    for part in {id(config): config, id(model.module.config): model.module.config}.values():
        part.pad_token_id = unused
    return unused


def head_order(spec: ModelSpec, config: Loader, labels: Sequence[str]) -> list[int]:
    """Find for each of the task's labels the index of the output for it, of a head of transformers.

    Raises:
        UnsupportedError: the head does not know one of the labels, or gives numbers.
    """
    why = gives_numbers(config.problem_type) if spec.fit is None else None
    why = why or contradiction(config.id2label, getattr(config, "label2id", None) or {}, spec.head_labels)
    if why is not None:
        raise UnsupportedError(f"model '{spec.name}': {why}")
    return label_order(spec, config.id2label, labels)


def label_order(spec: ModelSpec, id2label: Mapping[int, str], labels: Sequence[str]) -> list[int]:
    """Find for each of the task's labels the index of the head's output for it.

    Args:
        spec: the model; its `head_labels` name the outputs over the checkpoint's own names.
        id2label: the checkpoint's names.
        labels: of the task; case counts only where it tells two of them apart.

    Raises:
        UnsupportedError: the head does not know one of the labels.
    """
    names = head_names(id2label, spec.head_labels)
    why = unknown_label(names, labels)
    if why is not None:
        raise UnsupportedError(f"model '{spec.name}': {why}")
    exact = {name: index for index, name in names.items()}
    folded = {name.casefold(): index for index, name in names.items()}
    return [exact.get(label, folded.get(label.casefold(), 0)) for label in labels]


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
    return sum(stored_bytes(tensor) for tensor in [*_weights(module), *buffers])


def stored_bytes(tensor: torch.Tensor) -> int:
    """Count the bytes of a tensor as it is in memory.

    A tensor that is made of others (a subclass, such as torchao's quantised weights) shows the dtype in which it
    computes; what it is made of is named by torch's own protocol for such subclasses, `__tensor_flatten__`.
    """
    flatten: Callable[[], tuple[Sequence[str], object]] | None = getattr(tensor, "__tensor_flatten__", None)
    if flatten is None:
        return tensor.numel() * tensor.element_size()
    return sum(stored_bytes(getattr(tensor, name)) for name in flatten()[0])


def _weights(module: torch.nn.Module) -> list[torch.Tensor]:
    import torch

    from bench.candidates.variants.quantise import Int8Linear

    tensors: dict[int, torch.Tensor] = {id(parameter): parameter for parameter in module.parameters()}
    packed: list[torch.Tensor] = []
    for layer in module.modules():
        if isinstance(layer, Int8Linear):
            packed += layer.packed()
        elif isinstance(layer, torch.ao.nn.quantized.dynamic.Linear):
            quantised: Network = layer
            packed.append(quantised.weight())
            if quantised.bias() is not None:
                packed.append(quantised.bias())
    return [*tensors.values(), *packed]
