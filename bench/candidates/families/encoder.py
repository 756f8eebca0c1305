"""`encoder`: BERT and any AutoModelForSequenceClassification, scored through its classification head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.candidates.checkpoint import NUMBERS, why_no_head
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
    head_values,
    label_order,
    load_pretrained,
    word_pieces,
)
from bench.candidates.interface import Ability, Classified, Context, Model, Rated, Tagged
from bench.candidates.learning import PAD_ID, Batch, Learning, Setting, Shape
from bench.candidates.pairs import Pair
from bench.candidates.untyped import Loader, Network, Options
from bench.errors import AdmissionError, UnsupportedError
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.graphs import Graph, Sizes


SEQUENCE = "AutoModelForSequenceClassification"
AUTO_CLASSES = {"tag": "AutoModelForTokenClassification"}
"""What loads the network for an ability; for the others `SEQUENCE`."""
ABILITIES = frozenset({"classify", "mark", "rate", "tag", "rank"})
SHOWN = 60
"""Characters of a sentence that a message quotes."""
AT_ONCE = 32
"""Documents that are read at once with their query, however many there are."""


class Encoder(HuggingFaceModel):
    """A bidirectional encoder with a head: over labels, over each label by itself, of one number, or over tokens."""

    abilities = ABILITIES
    reads_pairs = True

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        import transformers

        if context.engine is not None and context.ability != "classify":
            raise UnsupportedError(
                f"model '{spec.name}': a converted network has a head over labels alone; leave 'runtime' out"
            )
        auto_class: Loader = getattr(transformers, AUTO_CLASSES.get(context.ability, SEQUENCE))
        loaded = load_pretrained(auto_class, spec, variant, context)
        super().__init__(spec, loaded, context)
        self._order = _order(spec, loaded.module.config, context)

    @explained
    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the head's log-probability of every label, in the task's order."""
        return head_scores(self, texts, self._order)

    @explained
    @without_gradients
    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the log-probability of each label by itself, in the task's order."""
        from torch.nn.functional import logsigmoid

        rows = head_values(self, texts, lambda logits: logsigmoid(logits)[:, self._order])
        return [Classified(tuple(row), count, cut) for row, count, cut in rows]

    @explained
    @without_gradients
    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Give each text the head's number."""
        return [Rated(row[0], count, cut) for row, count, cut in head_values(self, texts, _as_it_is)]

    @explained
    @without_gradients
    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Score each document together with its query, as a cross-encoder does."""
        ranked = []
        for query, own in zip(queries, documents, strict=True):
            pairs = [Pair.of(f"{query}\n{document}", query, document) for document in own]
            batches = [pairs[start : start + AT_ONCE] for start in range(0, len(pairs), AT_ONCE)]
            rows = [row for batch in batches for row in head_values(self, batch, _as_it_is)]
            cut = any(too_long for _, _, too_long in rows)
            ranked.append(Classified(tuple(row[0] for row, _, _ in rows), sum(count for _, count, _ in rows), cut))
        return ranked

    @explained
    @without_gradients
    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Tag each token by what the head says of its first piece."""
        return [self._tagged(sentence) for sentence in sentences]

    def _tagged(self, sentence: Sequence[str]) -> Tagged:
        import torch

        row, firsts, read = word_pieces(self.tokenizer, sentence, self.max_tokens)
        ids = torch.tensor([row], device=self.device)
        logits = self.module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        if not bool(torch.isfinite(logits).all()):
            raise AdmissionError(
                f"model '{self.spec.name}': its scores of the tags of {' '.join(sentence)[:SHOWN]!r} are no numbers, "
                "which choose nothing; look for an overflow of float16 or a damaged layer"
            )
        best = logits.argmax(-1).tolist()
        names: dict[int, str] = self.module.config.id2label
        tags = ["O"] * len(sentence)
        for place, owner in enumerate(firsts):
            if owner is not None:
                tags[owner] = str(names[best[place]])
        return Tagged(tuple(tags[:read]), len(row), read < len(sentence))


def _as_it_is(logits: torch.Tensor) -> torch.Tensor:
    return logits


def _order(spec: ModelSpec, config: Loader, context: Context) -> list[int]:
    """Find the head's output for each label, for an ability that has labels.

    Raises:
        UnsupportedError: the head was trained for something else.
    """
    if context.ability == "classify":
        return head_order(spec, config, context.labels)
    if context.ability in ("rate", "rank"):
        if config.num_labels != 1:
            raise UnsupportedError(
                f"model '{spec.name}': its head has {config.num_labels} outputs, and one number is wanted; give a "
                "checkpoint whose head has one ('num_labels: 1')"
            )
        return []
    if context.ability == "mark" and config.problem_type != "multi_label_classification":
        raise UnsupportedError(
            f"model '{spec.name}': its head was not trained to judge each label by itself ('problem_type' is "
            f"'{config.problem_type}' in its config.json, not 'multi_label_classification'); give one that was"
        )
    return label_order(spec, config.id2label, context.labels)


class EncoderLearning(HuggingFaceLearning):
    """BERT from scratch, or any checkpoint with a new head: over labels, over each by itself, of one number, or over
    tokens."""

    learns = frozenset({"classify", "mark", "rate", "tag"})
    reads_pairs = True
    frame = "<s> $A </s>"
    pair_frame = "<s> $A </s> $B:1 </s>:1"
    roles = {"cls_token": "<s>", "sep_token": "</s>"}

    def __init__(self, ability: Ability = "classify") -> None:
        self.ability = ability

    def towards(self, ability: Ability) -> Learning:
        """Choose the head that an ability needs."""
        return EncoderLearning(ability) if ability in self.learns else self

    def adapter_task(self, labels: Sequence[str]) -> str | None:
        """Name what an adapter is trained for."""
        return "TOKEN_CLS" if self.ability == "tag" else "SEQ_CLS"

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the class with a head."""
        import transformers

        chosen: Loader = getattr(transformers, AUTO_CLASSES.get(self.ability, SEQUENCE))
        return chosen

    def head_options(self, labels: tuple[str, ...]) -> Options:
        """Describe the head, and what it was trained for."""
        if self.ability == "rate":
            return {"num_labels": 1, "problem_type": NUMBERS}
        several: Options = {"problem_type": "multi_label_classification"} if self.ability == "mark" else {}
        return super().head_options(labels) | several

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a BERT with random weights."""
        from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification

        maker: Loader = BertConfig
        config = maker(
            vocab_size=vocabulary,
            max_position_embeddings=shape.max_length,
            hidden_size=shape.d_model,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.d_ff,
            hidden_dropout_prob=shape.dropout,
            attention_probs_dropout_prob=shape.dropout,
            pad_token_id=PAD_ID,
            **self.head_options(labels),
        )
        return BertForTokenClassification(config) if self.ability == "tag" else BertForSequenceClassification(config)

    def logits(self, net: nn.Module, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the head's logits, and what is right."""
        return head_logits(net, batch)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, smoothing: float) -> torch.Tensor:
        """Compute the loss: cross-entropy of labels and tags, binary cross-entropy of each label by itself, squared
        error of numbers."""
        from torch.nn import functional

        if self.ability == "rate":
            return functional.mse_loss(logits.float(), target)
        if self.ability == "mark":
            aim = target * (1 - smoothing) + smoothing / 2
            return functional.binary_cross_entropy_with_logits(logits.float(), aim)
        return super().loss(logits, target, smoothing)

    def right(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
        """Mark which labels, tags, or decisions over a label are right; none of numbers."""
        if self.ability == "rate":
            return None
        return (logits > 0) == (target > 0) if self.ability == "mark" else super().right(logits, target)


class EncoderFamily(Family):
    """A head over fixed labels and nothing else."""

    name = "encoder"
    summary = "BERT and any AutoModelForSequenceClassification, through its classification head"
    title = "encoder"
    abilities = ABILITIES
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
