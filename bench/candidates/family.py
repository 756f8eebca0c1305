"""What a model family declares of itself: the base class of the one file that a family is.

A file in `bench/candidates/families/` holds one class derived from `Family`, or a plug-in names its own by an entry
point in the group `bench.families`. Names, the suite's checks, planning, training, charts and listings read the
declaration, and no list of families is kept anywhere. Importing it must need neither torch nor transformers: what is
heavy is imported in `load` and in the methods of the loaded model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from bench.candidates.engine import Role
from bench.candidates.interface import Ability, Context, Model
from bench.candidates.learning import Learning
from bench.candidates.solving import Solving
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, Scoring, TaskSpec, VariantSpec

if TYPE_CHECKING:
    from bench.candidates.graphs import Graph, Sizes

Style = Literal["input", "plain", "continue", "prefix"]
"""How a prompt is written: the input column alone; all columns without words around them; a text to be continued;
an instruction before the input."""

LIKELIHOODS: tuple[Scoring, ...] = ("likelihood", "likelihood-per-token", "likelihood-per-byte")
"""The scorings that compare how likely the text of each answer is."""

EXCLUSIVE_KEYS = (
    "factory",
    "options",
    "stateless",
    "strategy",
    "chat_template",
    "system",
    "shots",
    "answer",
    "generation",
    "server",
)
"""Keys of a model's entry that a family must claim (`Family.keys`); the rest is common to all."""


@dataclass(frozen=True, slots=True)
class Look:
    """A colour and a shape in the charts."""

    colour: str
    """On white."""
    dark: str
    """On a dark page: the same hue, lighter where it needs to be."""
    shape: str
    """matplotlib's marker."""
    vega: str
    """Vega's shape."""


class Asks(Protocol):
    """What a kind of task asks of a family; `bench.tasks.kind.Kind` declares it."""

    name: str
    ability: Ability
    scorings: tuple[Scoring, ...]
    rules: tuple[str, ...]


class Family:
    """A declaration; derive a class from it, set what differs, and write `load`."""

    name: str
    """As in suites and records."""
    summary: ClassVar[str] = ""
    """One line for `bench ls models`."""
    title: ClassVar[str] = ""
    """Name in the charts' legends; the name itself where it is empty."""
    version: ClassVar[int] = 1
    """Raised when the same weights give other answers, so that old cells are not taken for new ones."""

    abilities: ClassVar[frozenset[Ability]] = frozenset()
    """What its models can do, as far as that is known before one is loaded."""
    lacks: ClassVar[Mapping[Ability, str]] = {}
    """Why it has not an ability; the remedy, the families that have it, is added."""
    scorings: ClassVar[Mapping[Ability, tuple[Scoring, ...]]] = {}
    """By the ability that a kind of task needs: how its answers may be chosen, its own way first."""
    style: ClassVar[Style] = "input"
    """Which of a kind's default prompts it reads."""
    lead: ClassVar[str] = "\n"
    """What stands between a solved example and its answer."""
    reads_prompt: ClassVar[bool] = False
    """Whether a task's one `prompt` is for it too; otherwise only a prompt that names the family or the model."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Keys of the model's entry of which one must be there: `checkpoint`, `fit`, `factory`, …"""
    keys: ClassVar[frozenset[str]] = frozenset()
    """Of `EXCLUSIVE_KEYS`, those that it reads."""
    takes_variants: ClassVar[bool] = True
    """Whether it can be loaded in another dtype, quantised, pruned or compiled."""
    shares_load: ClassVar[bool] = False
    """Whether one load serves several tasks of a suite."""
    spreads: ClassVar[bool] = False
    """Whether a model can lie on several GPUs."""
    is_floor: ClassVar[bool] = False
    """Whether it is a rule that every model must beat: drawn apart, never a teacher."""
    code_is_weights: ClassVar[bool] = False
    """Whether code decides the answers that the identity of the weights does not cover."""

    needs_torch: ClassVar[bool] = True
    """Whether its models compute with torch; one that does not runs in a process that never imports it."""
    takes_load: ClassVar[bool] = False
    """Whether its models are servers, to which many requests are sent at a time."""
    keeps_answers: ClassVar[bool] = False
    """Whether its answers cost so much that they are kept one by one, until their cell is stored (`Context.keep`)."""

    modules: ClassVar[tuple[str, ...]] = ()
    """Heavy modules that its models need, imported once before anything is measured; none may start a thread or touch a
    device."""
    look: ClassVar[Look | None] = None
    """Its mark in the charts; one that is free is taken where there is none."""
    learning: ClassVar[Learning | None] = None
    """How it is trained; None where it cannot be."""
    solving: ClassVar[Solving | None] = None
    """How it is fitted by a solver in one go instead; None where it is not."""
    paths: ClassVar[Mapping[Ability, str]] = {}
    """The function behind an ability where it is not the model's own method."""
    executable: ClassVar[frozenset[Role]] = frozenset()
    """What of its networks a runtime other than torch may execute; a model then loads with `Context.engine`."""

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Model:
        """Load a model for one task.

        Args:
            spec: the model's entry in the suite, its checkpoint absolute.
            variant: in which form.
            context: for which task, and where.

        Raises:
            BenchError: it cannot be loaded, with what to do about it.
        """
        raise NotImplementedError(f"the family '{self.name}' has no 'load'")

    def role(self, scoring: str) -> Role:
        """Tell what a network is asked for where answers are chosen in some way."""
        return "head" if scoring == "head" else "text"

    def graphs(self, model: Model, role: Role) -> tuple[Mapping[str, Graph], Sizes]:
        """Name the graphs of which a loaded model's network is made, for a runtime that reads graphs; with its sizes.

        Raises:
            UnsupportedError: the network is not made so.
        """
        raise UnsupportedError(f"a network of the family '{self.name}' cannot be exported as a graph")

    def mistakes(self, spec: ModelSpec) -> list[tuple[str, str]]:
        """List what is wrong with a model's entry: the key, and what to do about it."""
        return []

    def why_not(self, kind: Asks, spec: ModelSpec | None) -> str | None:
        """Explain why a kind of task cannot be done, without the remedy; None when it can.

        Args:
            kind: of the task.
            spec: the model's entry; None to ask for the family as a whole.
        """
        if kind.ability in self.abilities:
            return None
        return self.lacks.get(kind.ability, f"a model of the family '{self.name}' has no '{kind.ability}'")

    def uses_torch(self, spec: ModelSpec) -> bool:
        """Tell whether a model computes with torch."""
        return self.needs_torch

    def reads_training(self, spec: ModelSpec) -> bool:
        """Tell whether a model looks its answers up in the training split."""
        return False

    def shares(self, spec: ModelSpec) -> bool:
        """Tell whether one load of a model serves several tasks of a suite."""
        return self.shares_load

    def source_identity(self, spec: ModelSpec) -> str | None:
        """Identify the weights of a model that are neither files nor made by a factory; None where they are."""
        return None

    def why_no_head(self, spec: ModelSpec, labels: Sequence[str]) -> str | None:
        """Explain, from its files alone, why a checkpoint's head cannot score the labels; None when it may."""
        return None

    def style_for(self, ability: Ability) -> Style:
        """Tell which default prompt is read for tasks that need an ability."""
        return self.style

    def answer_versions(self, task: TaskSpec) -> Mapping[str, int]:
        """Number what has changed in its answers to a task; part of a cell's identity."""
        return {} if self.version == 1 else {"family_version": self.version}

    def path(self, ability: Ability) -> str:
        """Name the function behind an ability."""
        return self.paths.get(ability, f"{self.name}.{ability}")
