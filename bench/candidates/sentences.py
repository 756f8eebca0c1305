"""Sentence-transformers' folders: a network of transformers, and how its tokens become one vector.

The library itself is not needed: the folder says in `modules.json` and `1_Pooling/config.json` what is done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.candidates.gradients import without_gradients
from bench.candidates.huggingface import HuggingFaceModel, count_bytes, count_parameters, load_pretrained
from bench.candidates.interface import Context
from bench.candidates.untyped import Options
from bench.candidates.vectors import Embedded, copy_files
from bench.errors import EnvironmentLackError, UnsupportedError
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch

POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}
"""What is done here, by the key of the pooling's configuration."""
NAMED = {"mean": "mean_tokens", "max": "max_tokens", "cls": "cls_token", "lasttoken": "lasttoken"}
"""How newer files name the same in one word, `pooling_mode: mean`."""
ABOUT = "config_sentence_transformers.json"
KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
AT_ONCE = 32
"""Texts that the network reads at once, however many are asked for."""


class SentenceEncoder(HuggingFaceModel):
    """A network whose tokens are pooled to one vector."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context, folder: Path) -> None:
        from transformers import AutoModel

        self.pooling, self.normalises = _pooling(spec.name, folder)
        own = spec.model_copy(update={"checkpoint": str(folder), "fit": None})
        super().__init__(own, load_pretrained(AutoModel, own, variant, context), context)
        self.folder = folder
        own_config, about = _json(folder / "sentence_bert_config.json"), _json(folder / ABOUT)
        self._most, self._lowers = own_config.get("max_seq_length"), own_config.get("do_lower_case") is True
        prompts, default = about.get("prompts") or {}, about.get("default_prompt_name")
        self._before = str(prompts.get(default, "")) if default is not None else ""
        self.parameters, self.nbytes = count_parameters(self.module), count_bytes(self.module)
        self.notes: Mapping[str, object] = {"pooling": self.pooling, "width": int(self.module.config.hidden_size)}

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens: the network's, the folder's or the suite's limit."""
        most = super().max_tokens
        return min(most, int(self._most)) if self._most else most

    @without_gradients
    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts."""
        found: list[Any] = []
        tokens: list[int] = []
        cut: list[bool] = []
        for start in range(0, len(texts), AT_ONCE):
            batch, too_long = self.tokenize(self.prompts(texts[start : start + AT_ONCE])[0], self.max_tokens)
            hidden = self.module(**batch).last_hidden_state.float()
            found.append(self._pooled(hidden, batch["attention_mask"]).cpu().numpy())
            tokens += batch["attention_mask"].sum(1).tolist()
            cut += too_long
        width = int(self.module.config.hidden_size)
        vectors = np.concatenate(found) if found else np.zeros((0, width), dtype=np.float32)
        return Embedded(vectors, tuple(tokens), tuple(cut))

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], Options]:
        """Write texts as the folder asks for: behind its default prompt, in small letters."""
        written = [self._before + text for text in texts]
        return [text.lower() for text in written] if self._lowers else written, {}

    def _pooled(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        import torch

        weights = mask[..., None].float()
        if self.pooling == "cls":
            pooled = hidden[torch.arange(len(hidden)), mask.argmax(1)]
        elif self.pooling == "last":
            last = mask.shape[1] - 1 - mask.flip(1).argmax(1)
            pooled = hidden[torch.arange(len(hidden)), last]
        elif self.pooling == "max":
            pooled = hidden.masked_fill(weights == 0, float("-inf")).max(1).values
        else:
            pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(pooled, dim=1) if self.normalises else pooled

    def save(self, folder: Path) -> None:
        """Copy its files."""
        copy_files(self.folder, folder)


def _pooling(name: str, folder: Path) -> tuple[str, bool]:
    """Read how tokens become one vector: by their mean where the folder does not say.

    Raises:
        UnsupportedError: by something that is not done here.
    """
    modules = _json(folder / "modules.json")
    if not modules and (folder / ABOUT).is_file():
        raise EnvironmentLackError(
            f"model '{name}': '{folder}' has no modules.json, which says how its vectors are made; copy the "
            "folder again"
        )
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules] if isinstance(modules, list) else []
    unknown = [kind for kind in kinds if kind not in KNOWN_MODULES]
    if unknown:
        raise UnsupportedError(
            f"model '{name}': its modules.json has a '{unknown[0]}', and only {', '.join(KNOWN_MODULES)} are read; "
            "take a model without it, or give it by a 'factory'"
        )
    config = _json(folder / "1_Pooling" / "config.json")
    if "Pooling" in kinds and not config:
        raise EnvironmentLackError(
            f"model '{name}': '{folder}' has no 1_Pooling/config.json, which says how tokens become a vector; copy "
            "the folder again"
        )
    asked = [key for key, value in config.items() if key.startswith("pooling_mode") and value is True]
    named = config.get("pooling_mode")
    asked += [f"pooling_mode_{NAMED.get(str(named), named)}"] if named is not None else []
    if config and not asked:
        raise UnsupportedError(
            f"model '{name}': its 1_Pooling/config.json names no pooling; one of {', '.join(POOLINGS)} is to be true"
        )
    if len(asked) > 1 or any(key not in POOLINGS for key in asked):
        raise UnsupportedError(
            f"model '{name}': its pooling is {', '.join(asked)}, and one of {', '.join(POOLINGS)} is done here; take "
            "another model, or give it by a 'factory'"
        )
    return POOLINGS[asked[0]] if asked else "mean", "Normalize" in kinds


def _json(path: Path) -> Any:
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EnvironmentLackError(f"{path}: not JSON ({error}); copy the file again") from error
