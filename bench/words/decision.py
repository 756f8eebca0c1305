"""Everything that a decision says, in the order in which it is read."""

from __future__ import annotations

from bench.decision.decision import Decision, TaskDecision
from bench.decision.remarks import TokensDiffer
from bench.words import cover as cover_words
from bench.words import recommendation, sensitivity
from bench.words.remarks import assumptions as assumptions_of
from bench.words.remarks import remark, rule
from bench.words.standings import standing
from bench.words.wording import capital, listed, where


def remarks(part: TaskDecision) -> list[str]:
    """Say what a reader must know of the comparison: the rule first."""
    return [*rule(part.board, part.question.rule), *(remark(noted) for noted in part.remarks)]


def replaced(decision: Decision) -> list[str]:
    """Say which objectives the run lacks or cannot compare, and what stands in for them."""
    apart = [noted for part in decision.tasks.values() for noted in part.remarks if isinstance(noted, TokensDiffer)]
    return [remark(noted) for noted in (*decision.stood_in, *apart)]


def recommended(part: TaskDecision) -> list[str]:
    """Say what to ship and why, and who is not eligible."""
    lines = recommendation.texts(recommendation.sentences(part))
    return lines + [f"{name} is {reason}." for name, reason in recommendation.excluded(part).items()]


def in_short(part: TaskDecision) -> list[str]:
    """Say the recommendation in four lines at most: what to ship, what that risks, what to know of it, and what would
    change it."""
    lines = recommendation.texts(recommendation.in_short(part))
    about = "; ".join(filter(None, (recommendation.sample(part.board), recommendation.unable(part.board))))
    return [f"{lines[0]} {capital(about)}.", *lines[1:]] if about else lines


def task_sentences(part: TaskDecision) -> list[str]:
    """Say the recommendation, the labels, and what would change the answer."""
    lines = recommended(part)
    if part.front.relaxed and part.front.members:
        members = listed(part.front.members)
        lines.append(f"Without the limits the front on {where(part.board)} as observed is {members}.")
    excluded_names = {exclusion.name for exclusion in part.recommendation.excluded}
    lines += [f"{s.name}: {standing(part.board, s)}." for s in part.standings if s.name not in excluded_names]
    lines += sensitivity.sentences(part.board, part.sensitivity)
    return lines + remarks(part)


def without_tasks(decision: Decision) -> list[str]:
    """Say what leaving out each task changes across tasks."""
    return [sensitivity.without_task(left_out) for left_out in decision.without_task]


def cover(decision: Decision) -> list[str]:
    """Say which set of models covers all tasks most cheaply; nothing where there is one task."""
    return [] if decision.cover is None else cover_words.sentences(decision.cover)


def answers(decision: Decision, *, in_full: bool = False) -> dict[str, list[str]]:
    """Say the answers by what they are about: each task, all tasks together, and a set of models for them.

    Args:
        decision: on a run.
        in_full: say everything of each, and not four lines at most.
    """
    say = task_sentences if in_full else in_short
    whole = {} if decision.across is None else {"one model for all tasks": say(decision.across)}
    several = {} if decision.cover is None else {"a set for all tasks": cover(decision)}
    return {name: say(part) for name, part in decision.tasks.items()} | whole | several


def assumptions(decision: Decision) -> list[str]:
    """Say what the prices assume."""
    return assumptions_of(decision.question)


def sentences(decision: Decision) -> list[str]:
    """Say everything, the answers of the tasks first."""
    lines = [line for part in decision.tasks.values() for line in task_sentences(part)]
    lines += [] if decision.across is None else task_sentences(decision.across)
    return [*lines, *cover(decision), *without_tasks(decision), *assumptions(decision)]
