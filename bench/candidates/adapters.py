"""Adapters in PEFT's layout: which base a folder changes, whether it fits, and how the two become one network.

A folder with `adapter_config.json` and no whole weights is a checkpoint like any other. Its base is a folder or a name
of the Hub, as the file says or as the suite says over it. What is read at plan time needs neither torch nor peft.
"""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.candidates.checkpoint import Checkpoint, files_hash, locate, read_json, weights_identity
from bench.candidates.inspection import ADAPTER_FILE, holds_adapter
from bench.candidates.untyped import Json, Loader, Network
from bench.digest import content_hash
from bench.errors import AdmissionError, InputError, UnsupportedError
from bench.suite import ModelSpec

if TYPE_CHECKING:
    from torch import nn

NO_PEFT = "its adapter needs the library peft, which is not installed; pip install 'bench[adapters]'"
MERGEABLE = frozenset(
    {"LORA", "ADALORA", "BOFT", "IA3", "LOHA", "LOKR", "OFT", "LN_TUNING", "VERA", "FOURIERFT", "HRA", "VBLORA"}
)
"""Kinds of adapters (`peft_type`) that change weights, so that they can be merged; the others lengthen the prompt."""
HEADS = ("classifier.weight", "score.weight", "out_proj.weight")
"""Endings of the names of a head's weights in an adapter."""
BEFORE = "base_model.model."
"""What peft puts before the names of the network's own parts."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A folder that changes another checkpoint."""

    folder: Path
    base: Checkpoint
    config: Json
    """Its `adapter_config.json`."""
    merge: bool

    @property
    def task_type(self) -> str | None:
        """What it was trained for, in peft's words: `CAUSAL_LM`, `SEQ_CLS`, …"""
        return self.config.get("task_type")

    def base_spec(self, spec: ModelSpec) -> ModelSpec:
        """Write the model's entry as if it were the base's."""
        return spec.model_copy(update={"checkpoint": self.base.name, "adapter": None, "subfolder": None})


def adapter_of(spec: ModelSpec) -> Adapter | None:
    """Read the adapter that a model's checkpoint is; None where it is none, or lies on the Hub.

    Raises:
        InputError: it names no base, or one that is not there; or the suite has `adapter` for a whole model.
    """
    place = locate(spec.checkpoint, Path()) if spec.checkpoint is not None else None
    folder = None if place is None else place.folder
    if folder is None or not holds_adapter(folder):
        if spec.adapter is not None and spec.fit is None and folder is not None:
            raise InputError(f"'{folder}' holds no adapter ({ADAPTER_FILE}); leave the key 'adapter' out")
        return None
    config = read_json(folder / ADAPTER_FILE)
    own = None if spec.adapter is None else spec.adapter.base
    name = own or config.get("base_model_name_or_path")
    remedy = "name it in the model's entry: 'adapter: {base: …}', a folder or a name of the Hub"
    if not name:
        raise InputError(f"the adapter '{folder}' does not say which model it changes; {remedy}")
    try:
        base = locate(str(name), folder)
    except InputError as error:
        raise InputError(f"the adapter '{folder}' changes the model '{name}', and {error}; {remedy}") from error
    if base.folder is not None and holds_adapter(base.folder):
        raise InputError(
            f"the adapter '{folder}' changes '{base.folder}', which is an adapter itself; merge that first"
        )
    return Adapter(folder, base, config, spec.adapter is None or spec.adapter.merge)


def why_not_adapted(adapter: Adapter, expected: str | None) -> str | None:
    """Explain why an adapter cannot be used here, or not for this; None where it can.

    Args:
        adapter: of a model.
        expected: the kind of task that the family loads it for, in peft's words; None where the family has none.
    """
    if expected is None:
        return "a model of this family takes no adapter; merge it, and give the merged model"
    kind = str(adapter.config.get("peft_type"))
    if kind not in MERGEABLE:
        return f"an adapter of the kind {kind} changes the prompt and no weights, which is not done here"
    if adapter.task_type not in (None, expected):
        return (
            f"its adapter was trained for {adapter.task_type}, and this needs {expected}; give the adapter that was "
            "trained for it, or another family"
        )
    if importlib.util.find_spec("peft") is None:
        return NO_PEFT
    return None


def head_size(adapter: Adapter) -> int | None:
    """Count the outputs of the head that an adapter brings along; None where it brings none, or is pickled."""
    from safetensors import safe_open

    path = adapter.folder / "adapter_model.safetensors"
    if not path.is_file():
        return None
    with safe_open(str(path), "pt") as stored:
        names = stored.keys()
        for name in names:
            if name.endswith(HEADS) and "lora_" not in name:
                return int(stored.get_slice(name).get_shape()[0])
    return None


def own_weights(adapter: Adapter) -> frozenset[str]:
    """List the whole weights that an adapter brings along, by their names in the network."""
    from safetensors import safe_open

    path = adapter.folder / "adapter_model.safetensors"
    if not path.is_file():
        return frozenset()
    with safe_open(str(path), "pt") as stored:
        names = stored.keys()
        return frozenset(name.removeprefix(BEFORE) for name in names if "lora_" not in name)


def adapted(model: str, net: Network, adapter: Adapter, *, pickled: bool) -> Network:
    """Put an adapter on its base, and merge the two unless the suite says otherwise.

    Args:
        model: its name in the suite.
        net: the base.
        adapter: to put on it.
        pickled: whether weights that are pickled may be read.

    Raises:
        AdmissionError: the two do not fit.
        UnsupportedError: the adapter's weights are pickled, and that is not allowed.
    """
    from peft import PeftConfig, get_peft_model
    from peft.utils import load_peft_weights, set_peft_model_state_dict

    if not pickled and not (adapter.folder / "adapter_model.safetensors").is_file():
        raise UnsupportedError(
            f"model '{model}': '{adapter.folder}' has no adapter_model.safetensors; set 'allow_pickle: true' if you "
            "trust its other weights"
        )
    folder, loader = str(adapter.folder), PeftConfig
    with _explained(model, adapter), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped: Network = get_peft_model(net, loader.from_pretrained(folder))
        result: Loader = set_peft_model_state_dict(wrapped, load_peft_weights(folder, device="cpu"))
    left = [name for name in result.missing_keys if "lora_" in name or ".modules_to_save." in name]
    if left or result.unexpected_keys:
        names = [name.removeprefix(BEFORE) for name in (left or result.unexpected_keys)]
        side = "have no weights in it" if left else "of it have no place in the base"
        raise AdmissionError(
            f"model '{model}': the adapter '{adapter.folder}' is of another model than '{adapter.base.name}': "
            f"{len(names)} parts ({', '.join(names[:3])}{', …' if len(names) > 3 else ''}) {side}; name the base that "
            "it was trained on ('adapter: {base: …}')"
        )
    if not adapter.merge:
        return wrapped.get_base_model()  # whose layers hold the adapter now
    return wrapped.merge_and_unload()


@contextlib.contextmanager
def _explained(model: str, adapter: Adapter) -> Iterator[None]:
    """Say of what peft raises for a base of another shape that it is one."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        shapes = [line for line in lines if "size mismatch" in line]
        what = (shapes or lines or [type(error).__name__])[0].rstrip(".")
        raise AdmissionError(
            f"model '{model}': the adapter '{adapter.folder}' does not fit its base '{adapter.base.name}': {what}; "
            "name the base that it was trained on ('adapter: {base: …}')"
        ) from error


def with_lora(
    net: nn.Module, task_type: str, *, rank: int, alpha: int, dropout: float, targets: Collection[str] | None
) -> Network:
    """Wrap a network so that low-rank changes of its layers are learnt, and a new head with them.

    Args:
        net: the base.
        task_type: in peft's words.
        rank: of the changes.
        alpha: the changes are multiplied by `alpha / rank`.
        dropout: of what the changes read.
        targets: last parts of the names of the layers; None for all linear ones but the output.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type=task_type,
        exclude_modules=["classifier"] if task_type == "TOKEN_CLS" else None,  # peft 0.21 spares other heads itself
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="all-linear" if targets is None else list(targets),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_peft_model(net, config)


def save_adapter(net: Network, folder: Path) -> bool:
    """Write the adapter of a network and the configuration of its base; return whether it has one."""
    if not _is_wrapped(net):
        return False
    net.save_pretrained(str(folder), save_embedding_layers=False)
    config: Loader = net.get_base_model().config
    config.save_pretrained(str(folder))
    return True


def _is_wrapped(net: Network) -> bool:
    if importlib.util.find_spec("peft") is None:
        return False
    from peft import PeftModel

    return isinstance(net, PeftModel)


def adapted_identity(spec: ModelSpec, adapter: Adapter) -> str:
    """Compute what identifies the weights of an adapter and its base together."""
    own = content_hash([files_hash(adapter.folder), adapter.merge])
    if adapter.base.folder is not None:
        return content_hash([files_hash(adapter.base.folder), own])
    return f"{weights_identity(adapter.base.name, None, spec.revision)}/{own}"
