"""`ctranslate2`: CTranslate2, which writes fast on a CPU and reads the common networks of transformers.

A checkpoint is saved from torch in transformers' layout and goes through CTranslate2's own converter; a head over
labels, which it does not know, is kept beside the network as arrays and applied to what its encoder gives.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.candidates.engine import Artifact, Engine, Ids, Logits, Order, Role
from bench.candidates.interface import Model
from bench.candidates.runtime import Runtime, Wanted, form_of
from bench.candidates.untyped import Json, Loader, Network, Tokenizer
from bench.errors import UnsupportedError
from bench.suite import VariantSpec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

HEADS = frozenset({"bert", "camembert", "distilbert", "roberta", "xlm-roberta"})
TEXTS = frozenset(
    {"bloom", "codegen", "falcon", "gemma", "gemma2", "gpt2", "gpt_bigcode", "gpt_neox", "gptj", "llama"}
    | {"mistral", "mpt", "opt", "phi", "phi3", "qwen2", "qwen3"}
)
SOURCE_TEXTS = frozenset({"bart", "m2m_100", "marian", "mbart", "mt5", "pegasus", "t5"})
"""Kinds of networks (`model_type`) that the converter knows, of those that a role asks for. Source: the loaders of
`ctranslate2.converters.transformers`, 4.8."""
BY_ROLE = {"head": HEADS, "text": TEXTS, "source-text": SOURCE_TEXTS}
FROM_NOTHING = frozenset({"marian"})
"""Kinds whose decoder begins with an embedding of zeros, and not with a token."""
UNFILLED = frozenset({"bart", "gpt2", "gptj", "mbart", "pegasus"})
"""Kinds whose loader wants a tokenizer with a name for every row of the embedding; the others name the rest
themselves. Source: their `get_vocabulary`, 4.8."""
JUDGED = 32
"""Texts whose likelihood is worked out together: enough for a CPU, and little memory."""
HEAD_FILE = "head.npz"
UNWRITTEN: Mapping[str, Json] = {
    "bert": {"position_embedding_type": "absolute"},
    "camembert": {"position_embedding_type": "absolute"},
    "roberta": {"position_embedding_type": "absolute"},
    "xlm-roberta": {"position_embedding_type": "absolute"},
    "bart": {"normalize_before": False, "normalize_embedding": True},
    "mbart": {"normalize_before": True, "normalize_embedding": True},
    "pegasus": {"normalize_before": True, "normalize_embedding": False},
}
"""Keys of a configuration that the converter reads and that transformers 5 no longer writes, its networks knowing one
way alone."""
FOLLOWED = frozenset({"bad_words_ids", "forced_eos_token_id", "no_repeat_ngram_size", "repetition_penalty"})
"""Settings of `generation_config.json` that are followed in a text made from a source. A forced end is put behind
an answer that reaches its limit."""


class CTranslate2Runtime(Runtime):
    """CTranslate2 on the CPU."""

    name = "ctranslate2"
    summary = "CTranslate2: GPT-2, Llama and their like, T5, BART, Marian and their like, BERT with its head"
    distributions = ("ctranslate2",)
    extra = "ctranslate2"
    forms = frozenset({"float32", "bfloat16", "int8"})

    def why_no_network(self, wanted: Wanted) -> str | None:
        """Explain that the converter does not know a kind of network."""
        config = wanted.config()
        if wanted.role not in wanted.family.executable:
            return super().why_no_network(wanted)
        return None if config is None else _why_unknown(wanted, str(config.get("model_type")))

    def convert(self, wanted: Wanted, model: Model, folder: Path) -> None:
        """Save the checkpoint anew and let CTranslate2's converter read it."""
        from ctranslate2.converters import TransformersConverter

        network: Network = model
        module, tokenizer = getattr(network, "module", None), getattr(network, "tokenizer", None)
        kind = str(getattr(getattr(module, "config", None), "model_type", "of its own"))
        why = _why_unknown(wanted, kind)
        if why is not None or module is None or tokenizer is None:
            raise UnsupportedError(why or f"the runtime '{self.name}' converts networks of transformers alone")
        with tempfile.TemporaryDirectory() as saved:
            module.save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            if kind in UNFILLED:
                _name_all_rows(Path(saved), network.embedding_rows or 0)
            config = Path(saved) / "config.json"
            stored: Json = json.loads(config.read_text(encoding="utf-8"))
            config.write_text(json.dumps(UNWRITTEN.get(kind, {}) | stored), encoding="utf-8")
            converter = TransformersConverter(saved, trust_remote_code=wanted.spec.trust_remote_code)
            converter.convert(str(folder), quantization=form_of(wanted.variant), force=True)
        _name_special_tokens(folder, str(tokenizer.convert_ids_to_tokens(0)))
        if wanted.role == "source-text" and kind not in FROM_NOTHING:
            _name_start(folder, str(tokenizer.convert_ids_to_tokens(_start_of(module))))
        if wanted.role == "head":
            _save_head(module, folder / HEAD_FILE)

    def open(self, folder: Path, variant: VariantSpec, threads: int) -> Engine:
        """Open a converted network, in just the precision that is asked for."""
        import ctranslate2

        form, artifact = form_of(variant), Artifact.read(folder)
        able = ctranslate2.get_supported_compute_types("cpu")
        if form not in able:
            raise UnsupportedError(
                f"the runtime '{self.name}' does no {form} on this CPU ({', '.join(sorted(able))}); leave it out here"
            )
        stand = partial(_opened, folder, artifact.role, form, threads)
        return Engine(artifact, folder, stand, rounds=form != "float32")


def _opened(folder: Path, role: Role, form: str, threads: int, config: Loader, generation_config: Loader) -> _Converted:
    import ctranslate2

    kinds: dict[Role, tuple[Any, type[_Converted]]] = {
        "head": (ctranslate2.Encoder, _Head),
        "text": (ctranslate2.Generator, _Text),
        "source-text": (ctranslate2.Translator, _SourceText),
    }
    library, stand = kinds[role]
    opened = library(str(folder), device="cpu", compute_type=form, inter_threads=1, intra_threads=threads)
    if not str(opened.compute_type).startswith(form):
        raise UnsupportedError(f"'ctranslate2' computes in {opened.compute_type} where {form} is asked for")
    return stand(opened, folder, config, generation_config)


def _why_unknown(wanted: Wanted, kind: str) -> str | None:
    if kind in BY_ROLE[wanted.role]:
        return None
    return (
        f"the runtime 'ctranslate2' knows no network of the kind '{kind}' for this task "
        f"({', '.join(sorted(BY_ROLE[wanted.role]))}); run it under torch"
    )


def _name_all_rows(saved: Path, rows: int) -> None:
    """Name the rows of an embedding behind the tokenizer's last token, which a checkpoint may have for alignment."""
    from transformers import AutoTokenizer

    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(saved)
    behind = range(len(tokenizer), rows)
    if behind:
        tokenizer.add_tokens([f"<row{row}>" for row in behind])
        tokenizer.save_pretrained(saved)


def _name_special_tokens(folder: Path, any_token: str) -> None:
    """Name some token where the tokenizer has no special one: CTranslate2 wants a text there, and takes token ids."""
    path = folder / "config.json"
    stored: Json = json.loads(path.read_text(encoding="utf-8"))
    named = {name: any_token for name, value in stored.items() if name.endswith("_token") and value is None}
    path.write_text(json.dumps(stored | named, indent=1), encoding="utf-8")


def _start_of(module: Network) -> int:
    """Find the token that the decoder begins with; the converter guesses it from the tokenizer's class."""
    own, general = module.generation_config.decoder_start_token_id, module.config.decoder_start_token_id
    start = general if own is None else own
    if start is None:
        raise UnsupportedError("it names no 'decoder_start_token_id', with which its decoder begins")
    return int(start)


def _name_start(folder: Path, name: str) -> None:
    path = folder / "config.json"
    stored: Json = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(stored | {"decoder_start_token": name}, indent=1), encoding="utf-8")


def _save_head(module: Network, path: Path) -> None:
    """Keep the layers behind an encoder: weights, biases and activations, and which of its outputs they read."""
    import numpy as np

    kind = module.config.model_type
    if kind == "bert":
        layers, activations = [module.classifier], ["none"]
    elif kind == "distilbert":
        layers, activations = [module.pre_classifier, module.classifier], ["relu", "none"]
    else:
        layers, activations = [module.classifier.dense, module.classifier.out_proj], ["tanh", "none"]
    arrays = {f"weight{place}": layer.weight.detach().float().numpy() for place, layer in enumerate(layers)}
    arrays |= {f"bias{place}": layer.bias.detach().float().numpy() for place, layer in enumerate(layers)}
    np.savez(path, pooled=np.array(kind == "bert"), activations=np.array(activations), **arrays)


class _Converted:
    """What the three kinds of networks share."""

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: object) -> Logits:
        """Refuse: it is asked for likelihoods and for texts."""
        raise UnsupportedError("an encoder-decoder under 'ctranslate2' gives no logits")

    follows: frozenset[str] = frozenset()

    def __init__(self, opened: Any, folder: Path, config: Loader, generation_config: Loader) -> None:
        self.opened = opened
        self.config = config
        self.generation_config = generation_config
        self.folder = folder

    def judge(self, rows: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """Refuse: a head judges no texts."""
        raise UnsupportedError("an encoder's head judges no texts")

    def write(self, rows: Sequence[Ids], order: Order, on_token: Callable[[], None] | None) -> list[list[int]]:
        """Refuse: a head writes no texts."""
        raise UnsupportedError("an encoder's head writes no texts")


class _Head(_Converted):
    """An encoder with the head that lies beside it."""

    def __init__(self, opened: Any, folder: Path, config: Loader, generation_config: Loader) -> None:
        import numpy as np

        super().__init__(opened, folder, config, generation_config)
        with np.load(folder / HEAD_FILE) as arrays:
            self.pooled = bool(arrays["pooled"])
            activations = [str(name) for name in arrays["activations"]]
            self.layers = [
                (arrays[f"weight{place}"].T.copy(), arrays[f"bias{place}"], name)
                for place, name in enumerate(activations)
            ]

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: object) -> Logits:
        """Compute the head's logits, shape `(batch, labels)`."""
        import numpy as np
        import torch

        made = self.opened.forward_batch(_unpadded(input_ids, attention_mask))
        state: Floats = np.array(made.pooler_output if self.pooled else made.last_hidden_state)
        state = state if self.pooled else state[:, 0]
        for weight, bias, activation in self.layers:
            state = state @ weight + bias
            if activation != "none":
                state = np.tanh(state) if activation == "tanh" else np.maximum(state, 0)
        return Logits(torch.from_numpy(state))


class _Vocabulary:
    """The names under which the runtime takes tokens."""

    def __init__(self, folder: Path) -> None:
        path = next(path for name in ("vocabulary", "shared_vocabulary") if (path := folder / f"{name}.json").is_file())
        self._names: list[str] = json.loads(path.read_text(encoding="utf-8"))
        self.ids = {name: token for token, name in enumerate(self._names)}

    def names(self, rows: Sequence[Ids]) -> list[list[str]]:
        """Name the tokens of each row."""
        return [[self._names[token] for token in row] for row in rows]


class _Text(_Converted):
    """A decoder-only network."""

    def __init__(self, opened: Any, folder: Path, config: Loader, generation_config: Loader) -> None:
        super().__init__(opened, folder, config, generation_config)
        self._vocabulary = _Vocabulary(folder)

    def __call__(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: object) -> Logits:
        """Compute the logits of the next token at every place of rows that are padded on the right."""
        import numpy as np
        import torch

        logits = np.array(self.opened.forward_batch(_unpadded(input_ids, attention_mask), return_log_probs=False))
        return Logits(torch.from_numpy(logits))

    def judge(self, rows: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """Compute log P of each row's choices in nats."""
        joined = [[*row, *choice] for row, own in zip(rows, choices, strict=True) for choice in own]
        scored = self.opened.score_batch(self._vocabulary.names(joined), max_input_length=0, max_batch_size=JUDGED)
        flat = [choice for own in choices for choice in own]
        sums = [sum(one.log_probs[-len(choice) :]) for one, choice in zip(scored, flat, strict=True)]
        return _by_row(sums, choices)

    def write(self, rows: Sequence[Ids], order: Order, on_token: Callable[[], None] | None) -> list[list[int]]:
        """Write the tokens that follow each row.

        CTranslate2 4.8 gives longer rows back as a part of what was written beside a row of one token, and searches
        otherwise in beams of rows of different lengths. So such rows are written apart.
        """
        lengths = [len(row) if order.beams > 1 else min(len(row), 2) for row in rows]
        groups = [[place for place, own in enumerate(lengths) if own == length] for length in sorted(set(lengths))]
        if len(groups) > 1:
            parts = [self.write([rows[place] for place in places], order, on_token) for places in groups]
            pairs = zip(chain.from_iterable(groups), chain.from_iterable(parts), strict=True)
            return [written for _, written in sorted(pairs)]
        made = self.opened.generate_batch(
            self._vocabulary.names(rows),
            max_length=order.limit,
            beam_size=order.beams,
            length_penalty=order.length_penalty,
            end_token=list(order.ends) or None,
            return_end_token=True,
            include_prompt_in_result=False,
            callback=_watcher(order, on_token, len(rows)),
        )
        return [list(one.sequences_ids[0]) for one in made]


class _SourceText(_Converted):
    """An encoder-decoder."""

    follows = FOLLOWED

    def __init__(self, opened: Any, folder: Path, config: Loader, generation_config: Loader) -> None:
        super().__init__(opened, folder, config, generation_config)
        self._vocabulary = _Vocabulary(folder)

    def judge(self, rows: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """Compute log P of each row's choices in nats; the runtime adds the end of each itself."""
        end = self.config.eos_token_id
        flat = [list(choice) for own in choices for choice in own]
        bare = [choice[:-1] if choice[-1:] == [end] else choice for choice in flat]
        sources = [list(row) for row, own in zip(rows, choices, strict=True) for _ in own]
        scored = self.opened.score_batch(
            self._vocabulary.names(sources),
            self._vocabulary.names(bare),
            max_input_length=0,
            max_batch_size=JUDGED,
        )
        sums = [sum(one.log_probs[: len(choice)]) for one, choice in zip(scored, flat, strict=True)]
        return _by_row(sums, choices)

    def write(self, rows: Sequence[Ids], order: Order, on_token: Callable[[], None] | None) -> list[list[int]]:
        """Write the text that is made from each row."""
        settings = order.settings
        forced = settings.get("forced_eos_token_id")
        searched = order.beams > 1 and forced is not None and order.limit > 1  # one token is the forced end
        made = self.opened.translate_batch(
            self._vocabulary.names(rows),
            max_decoding_length=order.limit - searched,
            min_decoding_length=0,
            max_input_length=0,
            beam_size=order.beams,
            num_hypotheses=order.beams if searched else 1,
            return_scores=searched,
            length_penalty=order.length_penalty,
            end_token=list(order.ends) or None,
            return_end_token=True,
            repetition_penalty=float(settings.get("repetition_penalty", 1.0)),
            no_repeat_ngram_size=int(settings.get("no_repeat_ngram_size", 0)),
            suppress_sequences=self._vocabulary.names(settings.get("bad_words_ids", ())) or None,
            callback=_watcher(order, on_token, len(rows)),
        )
        ids = self._vocabulary.ids
        found = [[[ids[name] for name in tokens] for tokens in one.hypotheses] for one in made]
        if forced is None:
            return [own[0] for own in found]
        end = forced if isinstance(forced, int) else forced[0]
        if not searched:
            return [_ended(own[0], order, end) for own in found]
        return [_best_ended(own, one.scores, order, end) for own, one in zip(found, made, strict=True)]


def _ended(tokens: list[int], order: Order, end: int) -> list[int]:
    """Put the forced end in the place of the last token of a text that reaches its limit."""
    return tokens if len(tokens) < order.limit or tokens[-1] in order.ends else [*tokens[:-1], end]


def _best_ended(found: Sequence[list[int]], scores: Sequence[float], order: Order, end: int) -> list[int]:
    """Choose among texts that were searched for up to the token before the limit, the forced end costing nothing.

    A score is log P / length^penalty: that of a text that did not end by itself is the same sum over a token more.
    """
    rescaled = []
    for tokens, score in zip(found, scores, strict=True):
        if tokens[-1:] and tokens[-1] in order.ends:
            rescaled.append((score, tokens))
        else:
            longer = (len(tokens) / (len(tokens) + 1)) ** order.length_penalty
            rescaled.append((score * longer, [*tokens, end]))
    return max(rescaled, key=lambda pair: pair[0])[1]


def _watcher(order: Order, on_token: Callable[[], None] | None, rows: int) -> Callable[[Any], bool] | None:
    """Make what is called after each token: it stamps the token, and stops a text whose stop string is complete.

    A beam search calls nothing, and its texts are cut at their stop strings afterwards.
    """
    if order.beams > 1 or (on_token is None and order.stopped is None):
        return None
    written: list[list[int]] = [[] for _ in range(rows)]

    def watch(step: Any) -> bool:
        if on_token is not None:
            on_token()
        if order.stopped is None:
            return False
        own = written[step.batch_id]
        own.append(step.token_id)
        return order.stopped(own)

    return watch


def _unpadded(ids: torch.Tensor, mask: torch.Tensor | None) -> list[list[int]]:
    if mask is None:
        rows: list[list[int]] = ids.tolist()
        return rows
    pairs = zip(ids.tolist(), mask.tolist(), strict=True)
    return [[token for token, real in zip(row, kept, strict=True) if real] for row, kept in pairs]


def _by_row(values: Sequence[float], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
    places = [0, *accumulate(map(len, choices))]
    return [list(values[start:end]) for start, end in pairwise(places)]
