"""A model family in one file: a linear classifier over the counts of bytes, which bench trains, runs and draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.candidates.family import Family
from bench.candidates.interface import Classified, Context, ModelFacts, PartialModel
from bench.candidates.learning import Batch, Learning, Setting, Shape
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn


def make_net(vocabulary: int, labels: Sequence[str]) -> nn.Module:
    """Make the network: one score per token and label, averaged over the text."""
    from torch import nn

    return nn.EmbeddingBag(vocabulary, len(labels), mode="mean")


class ByteCounter(PartialModel):
    """A loaded model."""

    abilities = frozenset({"classify"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from safetensors.torch import load_model
        from transformers import PreTrainedTokenizerFast

        folder = Path(str(spec.checkpoint))
        self.device = context.device
        self.labels = json.loads((folder / "labels.json").read_text())
        self.order = [self.labels.index(label) for label in context.labels]
        self.tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(str(folder))
        self.net = make_net(len(self.tokenizer), self.labels)
        load_model(self.net, str(folder / "model.safetensors"))
        self.net.to(self.device).eval()

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Score every label."""
        import torch

        rows = [self.tokenizer(text)["input_ids"] for text in texts]
        with torch.inference_mode():
            scores = [self.net(torch.tensor([row], device=self.device)).log_softmax(-1)[0] for row in rows]
        return [Classified(tuple(row[self.order].tolist()), len(ids)) for row, ids in zip(scores, rows, strict=True)]

    def length(self, text: str) -> int:
        """Count the tokens."""
        return len(self.tokenizer(text)["input_ids"])

    def facts(self) -> ModelFacts:
        """Describe the network."""
        count = sum(parameter.numel() for parameter in self.net.parameters())
        return ModelFacts(count, 4 * count, "float32", module=self.net)


class ByteCounterLearning(Learning):
    """From scratch; the vocabulary is trained by bench."""

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a network that remembers its labels."""
        net = make_net(vocabulary, labels)
        net.labels = list(labels)  # type: ignore[assignment]
        return net

    def save(self, net: Any, folder: Path, dtype: torch.dtype) -> None:
        """Write the weights, and the labels beside them."""
        super().save(net, folder, dtype)
        (folder / "labels.json").write_text(json.dumps(net.labels))

    def logits(self, net: nn.Module, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Score every label of each text, its padding left out."""
        import torch

        texts = zip(batch["source"], batch["source_mask"], strict=True)
        scores = [net(ids[mask].unsqueeze(0)) for ids, mask in texts]
        return torch.cat(scores), batch["target"].squeeze(1)


class ByteCounterFamily(Family):
    """Counts bytes."""

    name = "byte-counter"
    summary = "a linear classifier over the counts of bytes"
    title = "byte counter"
    abilities = frozenset({"classify"})
    lacks = {"generate": "a byte counter writes no text"}  # noqa: RUF012
    scorings = {"classify": ("head",)}  # noqa: RUF012
    needs = ("checkpoint", "fit")
    shares_load = True
    learning = ByteCounterLearning()

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> ByteCounter:
        """Load the weights, the labels and the tokenizer."""
        return ByteCounter(spec, variant, context)
