"""Whether what was loaded is what was saved: all weights of the network from the file, and a tokenizer that fits.

transformers fills weights that a file lacks with random numbers, and makes a tokenizer out of nothing where a folder
has none; both are said in a log alone. Here each is an error with the names and numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.errors import AdmissionError

if TYPE_CHECKING:
    import torch

LAYER = re.compile(r"\.\d+\.")
"""The number of a layer in the name of a weight."""
SHOWN = 4
"""Names of weights that a message lists."""
WRAPPERS = {
    "_orig_mod.": "it was saved from a compiled module; save `model._orig_mod.state_dict()`",
    "module.": "it was saved from a module under DataParallel; save `model.module.state_dict()`",
    "_fsdp_wrapped_module.": "it was saved from a module under FSDP; save its full state dict, unwrapped",
}
"""Prefixes that torch's wrappers put before the names of weights, and how to save without them. Any other is the name
that a wrapper of one's own gives to the network."""
HEADS = ("classifier", "score", "lm_head", "cls", "classification_head", "pre_classifier", "logits_proj", "pooler")
"""First or last parts of the names of weights that belong to a head."""


class Tokenizer(Protocol):
    """What is asked of a transformers tokenizer."""

    @property
    def all_special_ids(self) -> Sequence[int]:
        """Ids of the special tokens."""

    @property
    def pad_token_id(self) -> int | None:
        """Id of the token that fills up the rows of a batch."""

    @property
    def vocab_files_names(self) -> Mapping[str, str]:
        """Names of the files that such a tokenizer is read from."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Encode a text as token ids."""

    def get_vocab(self) -> dict[str, int]:
        """List every token with its id."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What transformers says about a load: names of weights."""

    missing: tuple[str, ...]
    """In the network and not in the file: these are random now."""
    unexpected: tuple[str, ...]
    """In the file and not in the network: these are not used."""
    mismatched: tuple[str, ...]
    """In both, of different shapes: these are random now."""

    @classmethod
    def of(cls, info: Mapping[str, Iterable[object]]) -> LoadReport:
        """Read the `output_loading_info` of `from_pretrained`."""
        return cls(*(_names(info.get(key, ())) for key in ("missing_keys", "unexpected_keys", "mismatched_keys")))

    def without(self, names: Collection[str]) -> LoadReport:
        """Leave out weights that come from elsewhere."""
        return replace(
            self,
            missing=tuple(name for name in self.missing if name not in names),
            mismatched=tuple(name for name in self.mismatched if name not in names),
        )

    def check(self, model: str, checkpoint: str, own: Collection[str]) -> None:
        """Refuse a network of which some weights are random, or which has fewer layers than its file.

        Args:
            model: its name in the suite.
            checkpoint: where it was loaded from.
            own: names of the network's weights.

        Raises:
            AdmissionError: weights are missing, or have another shape than the network's; there are more layers of the
                same kind in the file.
        """
        total, further = len(own), self._further_layers(own)
        if further and not self.missing and not self.mismatched:
            raise AdmissionError(
                f"model '{model}': '{checkpoint}': the file has more layers than its config.json says "
                f"({_some(further)}: {len(further)} weights would be left out); give the config.json that belongs to "
                "the weights"
            )
        if not self.missing and not self.mismatched:
            return
        parts = []
        if self.missing:
            parts.append(f"{len(self.missing)} of {total} weights are not in the file ({_some(self.missing)})")
        if self.mismatched:
            parts.append(f"{len(self.mismatched)} have another shape there ({_some(self.mismatched)})")
        raise AdmissionError(
            f"model '{model}': '{checkpoint}': {' and '.join(parts)}, so they would be random; {self._remedy()}"
        )

    def _further_layers(self, own: Collection[str]) -> list[str]:
        """List the unused weights whose names differ from those of the network in the number of a layer alone."""
        kinds = {LAYER.sub(".#.", name) for name in own if LAYER.search(name)}
        return [name for name in self.unexpected if LAYER.search(name) and LAYER.sub(".#.", name) in kinds]

    def _remedy(self) -> str:
        prefix = self._prefix()
        if prefix is not None:
            own = f"it was saved from a wrapper; save `wrapper.{prefix}state_dict()`"
            return f"the file has them under names that begin with '{prefix}': {WRAPPERS.get(prefix, own)}"
        random = (*self.missing, *self.mismatched)
        if all(_of_head(name) for name in random):
            return "they are its head: train it with 'fit', or give the checkpoint that was fine-tuned for the task"
        return "give the whole checkpoint, saved with `save_pretrained` from the class that is loaded here"

    def _prefix(self) -> str | None:
        """Find what stands before the names of most missing weights in the file."""
        missing = set(self.missing)
        before = Counter(
            name[: -len(rest)]
            for name in self.unexpected
            for rest in (name.partition(".")[2], name.partition(".")[2].partition(".")[2])
            if rest in missing
        )
        prefix, count = before.most_common(1)[0] if before else ("", 0)
        return prefix if count > len(missing) / 2 else None


def _names(keys: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted(str(key[0]) if isinstance(key, tuple) else str(key) for key in keys))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _of_head(name: str) -> bool:
    parts = name.split(".")
    return any(part in HEADS for part in (parts[0], *parts[-3:-1]))


WHOLE = "tokenizer.json"
"""The whole tokenizer, which the classes of fast ones read whether they name it or not."""
PROBE = "The quick brown fox, 3.14 × 2 = 6.28 – naïve?\nNew line"
GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes in `tokenizer_config.json` that mean: exactly what `tokenizer.json` says."""


def reads_as_saved(folder: Path, tokenizer: Tokenizer) -> bool:
    """Tell whether a tokenizer splits texts as the folder's `tokenizer.json` does; True where there is none.

    transformers picks the tokenizer's class by the model's type, and some classes build their own pipeline from the
    file's vocabulary alone. Only files that name a generic class are asked: the others mean their class.
    """
    path, config = folder / "tokenizer.json", folder / "tokenizer_config.json"
    if not path.is_file() or not config.is_file():
        return True
    if json.loads(config.read_text(encoding="utf-8")).get("tokenizer_class") not in GENERIC:
        return True
    import tokenizers

    saved = tokenizers.Tokenizer.from_file(str(path))
    special = set(tokenizer.all_special_ids)
    words = [word for word, index in tokenizer.get_vocab().items() if index not in special][:50]
    texts = [PROBE, " ".join(words)]
    return all(
        saved.encode(text, add_special_tokens=False).ids == tokenizer.encode(text, add_special_tokens=False)
        for text in texts
    )


def check_tokenizer(model: str, folder: Path | None, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer that transformers made out of nothing.

    Args:
        model: its name in the suite.
        folder: of the checkpoint's files; None for one from the Hub.
        tokenizer: as `AutoTokenizer` returned it.

    Raises:
        AdmissionError: the folder has none of the files that such a tokenizer is read from, or it knows no words.
    """
    names = sorted(set(tokenizer.vocab_files_names.values()))
    if not names:
        return  # bytes or characters: there is nothing to read
    if folder is not None and not any((folder / name).is_file() for name in (*names, WHOLE)):
        raise AdmissionError(
            f"model '{model}': '{folder}' holds no tokenizer (none of {', '.join(names)}); save it there with "
            "`tokenizer.save_pretrained`"
        )
    words = set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)
    if not words:
        raise AdmissionError(
            f"model '{model}': its tokenizer knows {len(tokenizer.all_special_ids)} special tokens and no word; save "
            "the tokenizer that the model was trained with beside it"
        )


def check_vocabulary(model: str, tokenizer: Tokenizer, embeddings: torch.nn.Module | None) -> None:
    """Refuse a tokenizer with tokens that the network has no embedding for.

    One that only pads may lie beyond: what pads is masked, and another token is taken for it.

    Args:
        model: its name in the suite.
        tokenizer: of the model.
        embeddings: its table of input embeddings; None where it has none of this kind.

    Raises:
        AdmissionError: the highest token id is not a row of the table.
    """
    rows: int | None = getattr(embeddings, "num_embeddings", None)
    if rows is None:
        return
    beyond = sum(index >= rows and index != tokenizer.pad_token_id for index in tokenizer.get_vocab().values())
    if beyond:
        tokens = max(tokenizer.get_vocab().values()) + 1
        raise AdmissionError(
            f"model '{model}': its tokenizer has {tokens:,} tokens and its embedding {rows:,} rows, so that {beyond:,} "
            "tokens have none; save the model after `resize_token_embeddings`, or give the tokenizer of its training"
        )


def input_embeddings(module: torch.nn.Module) -> torch.nn.Module | None:
    """Find the table of input embeddings of a transformers model, or None where it has none."""
    getter = getattr(module, "get_input_embeddings", None)
    try:
        table = getter() if callable(getter) else None
    except NotImplementedError:
        return None
    return None if table is None else table
