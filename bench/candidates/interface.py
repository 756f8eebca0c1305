"""The one interface behind which every loaded model stands.

A family loads a model (`bench.candidates.family.Family.load`), which offers some of four abilities: `classify`,
`choose`, `generate`, `log_likelihood`. A task calls these in batches to score, and the measuring passes call them to
time.

Mostly both call the same function. There is one exception: a decoder-only language model that writes greedily is timed
through transformers' `generate`, which users call, and scored by `generate_many`, our own decoder that refills its rows
(`bench.candidates.decoding.greedy`). A family names the function behind each ability (`Family.paths`), the record's
notes keep the names of the scored and of the timed one under `paths`, and the audit measures how often their answers
agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bench.candidates.engine import Engine
from bench.candidates.kept import Keep, Kept
from bench.errors import UnsupportedError
from bench.suite import Shot

if TYPE_CHECKING:
    import torch

Ability = str
"""`classify`, `choose`, `generate`, `log_likelihood`, `mark`, `rate`, `tag` or `rank`.

A loaded model may add `stream`, when `generate` calls back
after each token, and `generate_many`, when it takes a new prompt as soon as another's answer ends."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A training example, for a rule that answers as the most similar one was answered."""

    text: str
    """Its finished prompt."""
    answer: str | tuple[str, ...]
    """What was right: a text, a label, a number as a text, or several labels."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a worker knows when it loads a model for a task."""

    device: str
    """`cpu` or `cuda:N`; of several GPUs the first, which takes the input."""
    ability: Ability
    """What the task asks for: `classify`, `choose`, `generate` or `log_likelihood`."""
    labels: tuple[str, ...] = ()
    """Classification: the task's labels, in order."""
    label_texts: tuple[str, ...] = ()
    """Classification by likelihood: what the model is to write for each label."""
    label_counts: tuple[int, ...] = ()
    """How often each label (multiple choice: each position) is right in the scored data, for the majority baseline."""
    answer_counts: Mapping[str, int] = field(default_factory=dict)
    """Question answering: how often each text is the first right answer, for the majority baseline."""
    examples: int = 0
    """How many examples are scored, for a rule that counts labels of which several may apply."""
    mean: float = 0.0
    """Mean of the scored numbers, for a rule that gives every text that."""
    scoring: str = ""
    """A value of `bench.suite.Scoring`; empty for the family's own way."""
    shots: tuple[Shot, ...] = ()
    """Solved examples before each question, for a model that reads turns."""
    seed: int = 42
    max_input_tokens: int | None = None
    taught: tuple[Taught, ...] = ()
    """The training examples, for a family that reads them (`Family.reads_training`); never scored ones."""
    kept: Kept | None = None
    """What this process loaded for a task before; None where every task has a process of its own."""
    keep: Keep | None = None
    """Where the answers of a model that is served are kept until its cell is stored; None to keep none."""
    devices: tuple[str, ...] = ()
    """All GPUs, where the model is to be spread over several."""
    engine: Engine | None = None
    """What executes the network in the place of torch; None for torch itself."""

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
class Rated:
    """Answer of `rate` to one text."""

    value: float
    """The number."""
    input_tokens: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """Answer of `tag` to one sentence."""

    tags: tuple[str, ...]
    """One for each of its tokens, in order; fewer where the sentence was cut."""
    input_tokens: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Generated:
    """Answer of `generate` to one text."""

    text: str
    input_tokens: int
    output_tokens: int
    """Tokens generated, the end-of-sequence token counted."""
    truncated: bool = False
    token_ids: tuple[int, ...] = ()
    """Those tokens; empty where the model does not tell."""


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
    task_tokens: int | None = None
    """The task's own `max_new_tokens`, where a shorter answer is asked for to prove a path; else None."""

    @property
    def most_tokens(self) -> int:
        """Count the tokens beyond which no answer of the task may go."""
        return self.max_new_tokens if self.task_tokens is None else self.task_tokens


OnToken = Callable[[], None]
"""Called once right after each output token exists on the host; batch size 1 only."""


@runtime_checkable
class Model(Protocol):
    """A loaded candidate. `texts` are finished prompts; an empty list gives an empty list."""

    device: str
    abilities: frozenset[Ability]

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Score every label for each text."""

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Compute log P(choice | text) in nats of each text's own choices."""

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write a text after each prompt."""

    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Compute the negative log-likelihood of each text."""

    def length(self, text: str) -> int:
        """Measure the length by which batches are sorted: tokens, or characters where there are none."""

    def facts(self) -> ModelFacts:
        """Describe the loaded model."""


@runtime_checkable
class ReadsTurns(Protocol):
    """A loaded model that may read a conversation."""

    reads_turns: bool
    """Whether it writes `Context.shots` and the system prompt as turns itself."""


def reads_turns(model: object) -> bool:
    """Tell whether a loaded model makes turns of the system prompt and the shots; else they stand before the text."""
    return isinstance(model, ReadsTurns) and model.reads_turns


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of a loaded model."""

    parameters: int | None
    weights_bytes: int | None
    """None for both where nobody knows; `uncounted` says why."""
    dtype: str
    attention: str | None = None
    """Attention implementation: `sdpa`, `eager`, …"""
    module: torch.nn.Module | None = None
    """For the FLOP counter and the profilers; None where there is none."""
    uncounted: str | None = None
    """Why `parameters` or `weights_bytes` is None, with the remedy."""
    elsewhere: str | None = None
    """Why the memory and energy of this process are not the model's; None where it computes here, or in a child."""
    chunked: bool = False
    """Whether several tokens may arrive together."""
    notes: dict[str, object] = field(default_factory=dict)
    """`weights_hash`, `tokenizer_hash`, `provenance`, `max_input_tokens`, …"""


@runtime_checkable
class Executed(Protocol):
    """A model whose network may be executed by another runtime than torch; its plain path is still torch's."""

    engine: Engine | None
    """None where torch executes it."""

    def let_go(self) -> None:
        """Drop the weights that the plain path had loaded."""


@runtime_checkable
class ChecksParts(Protocol):
    """A model that is put together from parts."""

    def check_parts(self) -> None:
        """Refuse parts that do not belong together; called once the cold start is timed, before anything is scored."""


def check_parts(model: object) -> None:
    """Let a loaded model refuse parts that do not belong together; one that is whole has nothing to say."""
    if isinstance(model, ChecksParts):
        model.check_parts()


@runtime_checkable
class StatesTraining(Protocol):
    """A model that may say on which texts it was trained."""

    def learnt_of(self, texts: Sequence[str]) -> int | None:
        """Count how many of some texts it was trained on; None where it does not say."""


@runtime_checkable
class HasPlainPath(Protocol):
    """A model that can leave its fast path."""

    plain: bool


def proved_by(model: object) -> HasPlainPath | None:
    """Tell which plain path a loaded model is held against; None where it has only one way to answer.

    A network that another runtime executes is held against torch, unless it rounds more coarsely than torch does.
    """
    engine = engine_of(model)
    return model if isinstance(model, HasPlainPath) and not (engine is not None and engine.rounds) else None


def falls_back_to(model: object) -> HasPlainPath | None:
    """Tell which plain path a loaded model takes where its fast one is wrong; None where it may not.

    Nothing that torch answered may stand under another runtime's name.
    """
    return model if isinstance(model, HasPlainPath) and engine_of(model) is None else None


def engine_of(model: object) -> Engine | None:
    """Tell what executes a loaded model in the place of torch; None for torch, and for a model without a network."""
    return model.engine if isinstance(model, Executed) else None


class Marks(Protocol):
    """A model that has `mark`."""

    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Compute the log-probability of each label by itself; one above ln ½ applies."""


class Rates(Protocol):
    """A model that has `rate`."""

    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Give each text its number."""


class Tags(Protocol):
    """A model that has `tag`."""

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Give every token of each sentence its tag."""


class Ranks(Protocol):
    """A model that has `rank`."""

    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Score each query's own documents; the highest score is the best."""


@runtime_checkable
class Indexes(Protocol):
    """A model that can read documents before it is asked for them, as whoever searches a collection does."""

    def index(self, documents: Sequence[str]) -> None:
        """Read documents that will be ranked for many queries; `rank` is then given this very list."""


class PartialModel:
    """A model that can do nothing yet: derive from it, and write the abilities that it has."""

    device: str = "cpu"
    abilities: frozenset[Ability] = frozenset()

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Refuse to classify."""
        raise self._unable("classify")

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Refuse to choose."""
        raise self._unable("choose")

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Refuse to write."""
        raise self._unable("generate")

    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Refuse to judge texts."""
        raise self._unable("log_likelihood")

    def mark(self, texts: Sequence[str]) -> list[Classified]:
        """Refuse to say which of several labels apply."""
        raise self._unable("mark")

    def rate(self, texts: Sequence[str]) -> list[Rated]:
        """Refuse to give numbers."""
        raise self._unable("rate")

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Refuse to tag tokens."""
        raise self._unable("tag")

    def rank(self, queries: Sequence[str], documents: Sequence[Sequence[str]]) -> list[Classified]:
        """Refuse to rank documents."""
        raise self._unable("rank")

    def _unable(self, ability: Ability) -> UnsupportedError:
        return UnsupportedError(f"{type(self).__name__} has no '{ability}'")

    def length(self, text: str) -> int:
        """Count the characters of `text`."""
        return len(text)

    def facts(self) -> ModelFacts:
        """Describe a model without parameters."""
        return ModelFacts(0, 0, "none")
