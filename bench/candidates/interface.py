"""The one interface behind which every model family stands.

A family's class is made with `(spec, variant, context)`, the spec's checkpoint being absolute, and offers
some of four abilities: `classify`, `choose`, `generate`, `log_likelihood`. A task calls these in batches to score, and
the measuring passes call the very same ones to time, so that what is fast is what was scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from bench.candidates.kept import Kept

Ability = str
"""`classify`, `choose`, `generate` or `log_likelihood`; and `stream` when `generate` calls back after each token."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a worker knows when it loads a model for a task."""

    device: str
    """`cpu` or `cuda:N`; of several GPUs the first, which takes the input."""
    kind: str
    """The task's kind."""
    labels: tuple[str, ...] = ()
    """Classification: the task's labels, in order."""
    label_texts: tuple[str, ...] = ()
    """Classification by likelihood: what the model is to write for each label."""
    label_counts: tuple[int, ...] = ()
    """How often each label (multiple choice: each position) is right in the scored data, for the majority baseline."""
    answer_counts: Mapping[str, int] = field(default_factory=dict)
    """Question answering: how often each text is the first right answer, for the majority baseline."""
    scoring: str = ""
    """A value of `bench.suite.Scoring`; empty for the family's own way."""
    seed: int = 42
    max_input_tokens: int | None = None
    kept: Kept | None = None
    """What this process loaded for a task before; None where every task has a process of its own."""
    devices: tuple[str, ...] = ()
    """All GPUs, where the model is to be spread over several."""

    @property
    def place(self) -> str:
        """Where the weights go: one device, or several joined by commas."""
        return ",".join(self.devices) or self.device


@dataclass(frozen=True, slots=True)
class Classified:
    """Answer of `classify` or `choose` to one text."""

    scores: tuple[float, ...]
    """Log-probability (or an order-preserving score) of each label, in the order of `Context.labels`, or of each
    choice."""
    input_tokens: int
    truncated: bool = False
    choice_tokens: tuple[int, ...] = ()
    """By likelihood: tokens of each label or choice whose log-probabilities `scores` sums."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Answer of `generate` to one text."""

    text: str
    input_tokens: int
    output_tokens: int
    """Tokens generated, the end-of-sequence token counted."""
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """Answer of `log_likelihood` to one text."""

    nll: float
    """Nats, summed over the scored tokens."""
    scored_tokens: int
    scored_bytes: int
    """UTF-8 bytes that the scored tokens cover."""
    input_tokens: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to generate."""

    max_new_tokens: int = 64
    num_beams: int = 1
    length_penalty: float = 1.0
    """Exponent p of the length by which a beam's log-probability is divided (transformers' definition)."""
    stop: tuple[str, ...] = ()


OnToken = Callable[[], None]
"""Called once right after each output token exists on the host; batch size 1 only."""


@runtime_checkable
class Model(Protocol):
    """A loaded candidate. `texts` are finished prompts; an empty list gives an empty list."""

    device: str
    abilities: frozenset[Ability]

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Returns the scores of every label for each text."""

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Returns log P(choice | text) in nats of each text's own choices."""

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Returns the text written after each prompt."""

    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Returns the negative log-likelihood of each text."""

    def length(self, text: str) -> int:
        """Returns the length by which batches are sorted: tokens, or characters where there are none."""

    def facts(self) -> ModelFacts:
        """Returns what is known of the loaded model."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of a loaded model."""

    parameters: int
    weights_bytes: int
    dtype: str
    attention: str | None = None
    """Attention implementation: `sdpa`, `eager`, …"""
    module: Any = None
    """The `torch.nn.Module`, for the FLOP counter and the profilers; None for a baseline."""
    notes: dict[str, Any] = field(default_factory=dict)
    """`weights_hash`, `tokenizer_hash`, `provenance`, `max_input_tokens`, …"""
