"""Tiny checkpoints with random weights, one per family, and the specs and contexts to load them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.candidates.interface import Context
from bench.fit.recipe import Architecture
from bench.fit.vocabulary import train_tokenizer
from bench.suite import ModelSpec, VariantSpec
from bench.tasks import KINDS

LABELS = ("red", "green", "dark blue")
TEXTS = (
    "the cat sat on the mat",
    "a red house",
    "12 boxes of green tea went to Norway on 3 May, and nobody knows where they are now",
    "blue",
    "one two three four five six seven eight nine ten",
)
SHAPE = Architecture(layers=2, d_model=32, heads=2, d_ff=64, max_length=128, vocab_size=320)
FAMILIES = ("causal-lm", "encoder", "seq2seq", "transformer")


def make_checkpoint(family: str, folder: Path, seed: int = 0) -> Path:
    """Writes a checkpoint of `family` under `folder`, and returns its folder."""
    from bench.candidates import FAMILIES as TABLE

    learning = TABLE[family].learning
    assert learning is not None
    torch.manual_seed(seed)
    tokenizer = train_tokenizer([*TEXTS, *LABELS], SHAPE.vocab_size, learning=learning, max_length=SHAPE.max_length)
    module: Any = learning.scratch(SHAPE, len(tokenizer), () if family == "causal-lm" else LABELS)  # it writes
    _spread(module)
    target = folder / family
    if family == "transformer":
        module.save(target)
    else:
        module.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def _spread(module: torch.nn.Module) -> None:
    """Makes the weights larger, so that random models do not answer the same to everything."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)


def spec_of(family: str, folder: Path, **changes: Any) -> ModelSpec:
    """Returns the suite entry of a checkpoint."""
    return ModelSpec(name=f"tiny-{family}", family=family, checkpoint=str(folder), **changes)


def context_of(kind: str, **changes: Any) -> Context:
    """Returns a context on the CPU with the labels of this module."""
    return Context("cpu", KINDS[kind].ability, LABELS if kind == "classification" else (), LABELS, **changes)


def load(family: str, folder: Path, kind: str, variant: VariantSpec | None = None, **changes: Any) -> Any:
    """Returns the loaded model of a family."""
    from bench.candidates import FAMILIES as TABLE

    return TABLE[family].load(spec_of(family, folder, **changes), variant or VariantSpec(), context_of(kind))
