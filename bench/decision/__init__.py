"""The decision: an honest front, a recommendation, and what would change it. Pure functions of entries and a question.

Everything here is typed: numbers, names and reasons. `bench.words` makes the sentences.

    from bench.decision import Question, decide
    from bench.words.decision import sentences

    decision = decide(summarise(records), Question.of(suite))
    print("\\n".join(sentences(decision)))
"""

from bench.decision.case import Outcome, Recommendation
from bench.decision.decide import decide
from bench.decision.decision import Decision, TaskDecision
from bench.decision.question import Question

__all__ = ["Decision", "Outcome", "Question", "Recommendation", "TaskDecision", "decide"]
