"""The decision: an honest front, a recommendation, and what would change it. Pure functions of entries and a question.

Everything here is typed: numbers, names and reasons. `bench.words` makes the sentences.

    from bench.decision import Question, decide
    from bench.words.decision import sentences

    decision = decide(summarise(records), Question.of(suite))
    print("\\n".join(sentences(decision)))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.decision.case import Outcome, Recommendation
    from bench.decision.decision import Decision, TaskDecision
    from bench.decision.judgement import decide
    from bench.decision.question import Question

__all__ = ["Decision", "Outcome", "Question", "Recommendation", "TaskDecision", "decide"]

_PLACES = {"Outcome": "case", "Recommendation": "case", "TaskDecision": "decision", "decide": "judgement"}
"""Modules that are not named as what they hold."""


def __getattr__(name: str) -> object:
    """Import what is asked for: a suite's checks read a rule from this package, and need no statistics."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _PLACES.get(name, name.lower())
    return getattr(import_module(f"{__name__}.{module}"), name)
