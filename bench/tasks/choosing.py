"""What a family can do of a task, how it chooses its answers there, and why not otherwise."""

from __future__ import annotations

from collections.abc import Collection

from bench.candidates import FAMILIES
from bench.candidates.interface import Ability
from bench.suite import ModelSpec, TaskSpec
from bench.tasks import KINDS


def why_unsupported(family: str, kind: str, spec: ModelSpec | None = None) -> str | None:
    """Explain why a family cannot do a kind of task, with the families that can; None when it can.

    >>> why_unsupported("encoder", "translation")
    'an encoder writes no text; use a causal-lm, endpoint, seq2seq, torch-module or transformer model'
    >>> why_unsupported("encoder", "classification")
    """
    declared = KINDS[kind]
    reason = FAMILIES[family].why_not(declared, spec)
    if reason is None or FAMILIES[family].is_floor:
        return reason
    able = [name for name, other in FAMILIES.items() if not other.is_floor and declared.ability in other.abilities]
    others = [name for name in able if name != family]
    if not others:
        return reason
    *rest, last = others
    join = ", or" if family in able else ";"  # the reason tells a remedy where the family as such can
    return f"{reason}{join} use a {', '.join(rest) + ' or ' if rest else ''}{last} model"


def why_not_done(spec: ModelSpec, task: TaskSpec) -> str | None:
    """Explain why a model does not do a task: its entry names others, or its family cannot; None when it does."""
    if not spec.is_for(task.name):
        return f"the suite has it for other tasks alone ('tasks: [{', '.join(spec.tasks or ())}]')"
    return why_unsupported(spec.family, task.kind, spec)


def scorings_of(family: str, kind: str) -> tuple[str, ...]:
    """List the values of `scoring` that a family can do on a kind of task, its own way first."""
    declared = KINDS[kind]
    own = FAMILIES[family].scorings.get(declared.ability, ())
    return tuple(scoring for scoring in own if scoring in declared.scorings)


def scoring_of(family: str, task: TaskSpec) -> str:
    """Choose how a family chooses its answers on a task: the suite's way, else the family's.

    The text is empty where nothing is chosen, or by a rule.
    """
    ways = scorings_of(family, task.kind)
    asked = task.scoring.get(family) if isinstance(task.scoring, dict) else task.scoring
    return (asked or ways[0]) if ways else ""


def why_not_scored(family: str, task: TaskSpec) -> str | None:
    """Explain why a family cannot choose as the suite asks, or None when it can."""
    ways = scorings_of(family, task.kind)
    asked = scoring_of(family, task)
    if not asked or asked in ways:
        return None
    return (
        f"'scoring: {asked}' of {task.kind} is not for the family '{family}', which does {', '.join(ways)}; give one "
        f"scoring per family, such as 'scoring: {{{family}: {ways[0]}}}'"
    )


def ability_of(kind: str, scoring: str) -> Ability:
    """Tell what a model must be able to do for a task of a kind."""
    return "generate" if scoring == "generated" else KINDS[kind].ability


def why_unable(model: str, kind: str, scoring: str, abilities: Collection[str]) -> str | None:
    """Explain that a loaded model lacks what a task needs; None when it has it."""
    needed = ability_of(kind, scoring)
    return None if needed in abilities else f"'{model}' has no '{needed}', which a task of kind '{kind}' needs"


def chooses(kind: str) -> bool:
    """Tell whether an answer of a kind, as a record names it, is one of a few.

    A kind whose plug-in is not installed chooses nothing, as far as is known.
    """
    return kind in KINDS and bool(KINDS[kind].scorings)
