"""What a model family says of its training, so that `bench.fit` need not know any family.

A family that can be trained declares an object derived from `Learning`. It makes the network and its tokenizer, says
how examples become batches, and returns logits with their targets; the loop, the losses, teachers, folds and
checkpoints are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypedDict

from bench.candidates.interface import Ability
from bench.errors import FitError
from bench.suite import ModelSpec

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    Pair = tuple[nn.Module, PreTrainedTokenizerBase]
    """A network and its tokenizer."""

IGNORED = -100
"""Target id that the loss leaves out, as in torch's cross-entropy."""
PAD_ID, EOS_ID, BOS_ID = 0, 1, 2
"""Tokens of every vocabulary that is trained here."""


class Shape(Protocol):
    """Sizes of a network that is trained from scratch; a recipe's `architecture`."""

    @property
    def vocab_size(self) -> int:
        """Tokens of the vocabulary."""

    @property
    def d_model(self) -> int:
        """Width."""

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""

    @property
    def d_ff(self) -> int:
        """Width of the feed-forward part."""

    @property
    def layers(self) -> int:
        """Layers of the encoder, or of the only stack."""

    @property
    def decoder_layers(self) -> int | None:
        """Layers of the decoder; None for as many."""

    @property
    def max_length(self) -> int:
        """Most tokens of a sequence."""

    @property
    def dropout(self) -> float:
        """Share of activations dropped while training."""


class Batch(TypedDict, total=False):
    """Padded tensors of several examples, on the device."""

    mode: str
    """`label`, `marks`, `number`, `tags`, `text` or `own`, as in `Encoded.mode`."""
    source: torch.Tensor
    """Token ids, shape `(batch, length)`; prompt and answer together where they are one sequence."""
    source_mask: torch.Tensor
    segments: torch.Tensor
    """Of pairs of texts: to which of the two each token belongs."""
    target: torch.Tensor
    """Labels, or token ids, `IGNORED` where padded; of `marks` and `number` the wanted values themselves."""
    prompt: torch.Tensor
    """Where prompt and answer are one sequence: tokens of each prompt."""
    soft: torch.Tensor | None
    """The teacher's scores of every label."""
    texts: list[str]
    answers: list[str]
    examples: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What a loss needs besides network and batch."""

    begin: int
    """The token before the first of a text that is to be predicted."""
    labels: tuple[str, ...]
    """The labels of the head, in order."""
    training: bool
    """Whether weights are learnt, and not only judged."""


class Learning:
    """How the models of a family are trained; derive from it, set what differs."""

    from_factory: ClassVar[bool] = False
    """Whether the user's factory makes the module, which then reads texts itself (`start: factory`)."""
    one_sequence: ClassVar[bool] = False
    """Whether prompt and answer are one sequence, cut at its left end, and share the positions."""
    learns: ClassVar[frozenset[str]] = frozenset({"classify", "choose", "generate", "log_likelihood"})
    """Abilities that a training gives; tasks that ask for others are not learnt."""
    reads_pairs: ClassVar[bool] = False
    """Whether a pair of texts is read as two, with a mark between them; else as the one text of the prompt."""
    lead: ClassVar[str] = ""
    """What stands between the prompt and the answer."""
    head_or_text: ClassVar[bool] = False
    """Whether a network with a head over labels writes no text."""
    frame: ClassVar[str | None] = None
    """Tokens that its tokenizer puts around a text `$A`; None for none."""
    pair_frame: ClassVar[str | None] = None
    """The same of two texts `$A` and `$B:1`, where pairs are read as such."""
    roles: ClassVar[Mapping[str, str]] = {}
    """Further special tokens of its tokenizer, by role."""

    def towards(self, ability: Ability) -> Learning:
        """Choose how a head for an ability is trained; the object itself where all are trained alike."""
        return self

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a network with random weights; a head where there are labels."""
        raise FitError("this family cannot be trained from scratch; name a 'checkpoint' and set 'start: checkpoint'")

    def checkpoint(self, spec: ModelSpec, labels: tuple[str, ...]) -> Pair:
        """Load a network in float32 with its tokenizer; a new head where there are labels."""
        raise FitError("this family cannot be fine-tuned from a checkpoint; set 'start: scratch'")

    def factory(self, spec: ModelSpec, *, labelled: bool, taught: bool) -> nn.Module:
        """Call the user's factory.

        Args:
            spec: the model's entry.
            labelled: whether all its tasks have labels.
            taught: whether it is to learn from a teacher.
        """
        raise FitError("this family has no factory; set 'start' to 'scratch' or 'checkpoint'")

    def tokenizer(self, spec: ModelSpec) -> PreTrainedTokenizerBase:
        """Load the tokenizer of a checkpoint, without its weights."""
        raise FitError("this family has no tokenizer")

    def room(self, net: nn.Module, tokenizer: PreTrainedTokenizerBase | None) -> int | None:
        """Count the tokens of one sequence that the network has positions for; None where any number will do."""
        return None

    def adapter_task(self, labels: Sequence[str]) -> str | None:
        """Name in peft's words what an adapter of its networks is trained for, with a head over labels or without one;
        None where they take none."""
        return None

    def prompts(
        self, spec: ModelSpec, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str]
    ) -> tuple[list[str], dict[str, bool]]:
        """Write the prompts as they will be scored; with the options of the tokenizer's call."""
        return list(prompts), {}

    def prepare(self, net: nn.Module, tokenizer: PreTrainedTokenizerBase, labels: tuple[str, ...]) -> None:
        """Adjust a new network to its tokenizer."""

    def save(self, net: nn.Module, folder: Path, dtype: torch.dtype) -> None:
        """Write the weights of a trained network, without its tokenizer."""
        from safetensors.torch import save_model

        folder.mkdir(exist_ok=True)
        save_model(net.to(dtype), str(folder / "model.safetensors"))

    def logits(self, net: nn.Module, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute logits and their targets, positions without a target marked `IGNORED`."""
        raise FitError("this family computes no logits")

    def loss(self, logits: torch.Tensor, target: torch.Tensor, smoothing: float) -> torch.Tensor:
        """Compute the loss of logits, mean over the targets that are not `IGNORED`: cross-entropy, in nats."""
        from torch.nn import functional

        flat = logits.flatten(0, -2).float()
        return functional.cross_entropy(flat, target.flatten(), ignore_index=IGNORED, label_smoothing=smoothing)

    def right(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
        """Mark which targets the logits answer rightly; None where an answer is only more or less near."""
        return (logits.argmax(-1) == target) & (target != IGNORED)

    def prompt_targets(self, batch: Batch) -> torch.Tensor | None:
        """List the tokens of the prompts as targets of the same logits; None where they are not predicted."""
        return None

    def own_loss(self, net: nn.Module, batch: Batch) -> torch.Tensor | None:
        """Compute the loss that the module defines itself; None where it defines none."""
        return None
