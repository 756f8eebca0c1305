"""`encoder`: BERT and any AutoModelForSequenceClassification, scored through its classification head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.candidates.checkpoint import why_no_head
from bench.candidates.engine import Role
from bench.candidates.failures import explained
from bench.candidates.family import Family, Look
from bench.candidates.gradients import without_gradients
from bench.candidates.huggingface import (
    HuggingFaceLearning,
    HuggingFaceModel,
    head_logits,
    head_order,
    head_scores,
    label_names,
    load_pretrained,
)
from bench.candidates.interface import Classified, Context, Model
from bench.candidates.learning import PAD_ID, Batch, Setting, Shape
from bench.candidates.untyped import Loader, Network
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.graphs import Graph, Sizes


class Encoder(HuggingFaceModel):
    """A bidirectional encoder with a head over labels."""

    abilities = frozenset({"classify"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForSequenceClassification

        loaded = load_pretrained(AutoModelForSequenceClassification, spec, variant, context)
        super().__init__(spec, loaded, context)
        self._order = head_order(spec, loaded.module.config, context.labels)

    @explained
    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the head's log-probability of every label, in the task's order."""
        return head_scores(self, texts, self._order)


class EncoderLearning(HuggingFaceLearning):
    """BERT from scratch, or any checkpoint with a new head."""

    frame = "<s> $A </s>"
    roles = {"cls_token": "<s>", "sep_token": "</s>"}

    def adapter_task(self, labels: Sequence[str]) -> str | None:
        """Name what an adapter is trained for."""
        return "SEQ_CLS"

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the class with a head."""
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a BERT with random weights."""
        from transformers import BertConfig, BertForSequenceClassification

        config = BertConfig(
            vocab_size=vocabulary,
            max_position_embeddings=shape.max_length,
            hidden_size=shape.d_model,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.d_ff,
            hidden_dropout_prob=shape.dropout,
            attention_probs_dropout_prob=shape.dropout,
            pad_token_id=PAD_ID,
            **label_names(labels),
        )
        return BertForSequenceClassification(config)

    def logits(self, net: nn.Module, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the head's logits and the right labels."""
        return head_logits(net, batch)


class EncoderFamily(Family):
    """A head over fixed labels and nothing else."""

    name = "encoder"
    summary = "BERT and any AutoModelForSequenceClassification, through its classification head"
    title = "encoder"
    abilities = frozenset({"classify"})
    lacks = {
        "generate": "an encoder writes no text",
        "choose": "an encoder's head knows fixed labels, not a question's choices",
        "log_likelihood": "an encoder reads both ways and has no left-to-right likelihood",
    }
    scorings = {"classify": ("head",)}
    needs = ("checkpoint", "fit")
    shares_load = True
    spreads = True
    executable = frozenset({"head"})
    modules = ("transformers.models.bert.modeling_bert",)
    look = Look("#009E73", "#2FC79B", "^", "triangle-up")
    learning = EncoderLearning()

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Encoder:
        """Load an encoder with its head."""
        return Encoder(spec, variant, context)

    def role(self, scoring: str) -> Role:
        """Tell that its head is all that it has."""
        return "head"

    def graphs(self, model: Model, role: Role) -> tuple[Mapping[str, Graph], Sizes]:
        """Name the graphs of the network."""
        from bench.candidates.graphs import head_graphs

        network: Network = model
        return head_graphs(network.module)

    def why_no_head(self, spec: ModelSpec, labels: Sequence[str]) -> str | None:
        """Explain why the checkpoint's head cannot score the labels."""
        return why_no_head(spec, labels)
