"""The cheapest set of models for all tasks, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bench.decision.cover import Choice, Cover, Scale, Shortfall
from bench.units import plural
from bench.words.wording import amount, capital, listed, percent, size, spoken

ASSUMPTIONS = {
    Scale.MEMORY: "{cost} is added up as if all models were loaded at once, each in a process of its own.",
    Scale.TASKS: "{cost} is added up over the tasks, each answered once by its model.",
    Scale.COUNT: "No objective adds up over models, so the fewest are taken.",
}
"""What the cost of a set assumes."""


def sentences(cover: Cover) -> list[str]:
    """Say the set, what else could be shipped, and what its cost assumes; four sentences at most."""
    return [answer(cover), *_instead(cover), assumption(cover), *_uncovered(cover)]


def answer(cover: Cover) -> str:
    """Say which models together cover the tasks most cheaply."""
    names = [f"{model} (for {_quoted(tasks)})" for model, tasks in cover.cheapest.models.items()]
    if len(names) == 1 and not cover.uncovered:
        only = next(iter(cover.cheapest.models))
        return f"One model is enough: {only} covers every task, with {_cost(cover, cover.cheapest)}."
    searched = "the cheapest set is" if cover.exact else "a cheap set (too many tasks to look at every one) is"
    return f"Where each task may have a model of its own, {searched} {listed(names)}: {_cost(cover, cover.cheapest)}."


def assumption(cover: Cover) -> str:
    """Say when a model covers a task, and how costs are added up."""
    added = ASSUMPTIONS[cover.scale].format(cost=capital(spoken(cover.column.name)) if cover.column is not None else "")
    return (
        "To cover a task is to meet its limits and not to be shown to be worse than its best "
        f"(at {percent(cover.confidence)}). {added}"
    )


def _instead(cover: Cover) -> list[str]:
    """Say what the best of each task would cost, and the one model for all, where they are other choices."""
    parts = []
    if cover.best.serves != cover.cheapest.serves:
        each = listed([f"{model} for {_quoted(tasks)}" for model, tasks in cover.best.models.items()])
        better = f", and is better by {listed([_lead(short) for short in cover.behind])} as measured"
        parts.append(f"the best of each task ({each}) {_takes(cover, cover.best)}{better if cover.behind else ''}")
    if cover.shortfalls:
        parts.append(_given_up(cover))
    elif cover.single is None and not cover.uncovered:
        parts.append("no single model does all tasks as well")
    elif cover.single is not None and cover.single.serves != cover.cheapest.serves:
        parts.append(
            f"the cheapest model that covers every task alone, {next(iter(cover.single.models))}, "
            f"{_takes(cover, cover.single)}"
        )
    return [f"{capital('; '.join(parts))}."] if parts else []


def _given_up(cover: Cover) -> str:
    """Say what the one model for all tasks gives up against the set."""
    return f"shipping {cover.pick} for all of them gives up {listed([_shortfall(short) for short in cover.shortfalls])}"


def _shortfall(short: Shortfall) -> str:
    if short.behind is None:
        return f"'{short.task}', where it is not eligible"
    return f"{size(short.column, short.behind)} of {spoken(short.column.name)} on '{short.task}' against {short.best}"


def _lead(short: Shortfall) -> str:
    return f"{size(short.column, short.behind or 0.0)} of {spoken(short.column.name)} on '{short.task}'"


def _cost(cover: Cover, choice: Choice) -> str:
    if cover.column is None:
        return plural(len(choice.models), "model")
    return f"{amount(cover.column, choice.cost)} {spoken(cover.column.name)}"


def _takes(cover: Cover, choice: Choice) -> str:
    return f"takes {_cost(cover, choice)}"


def _quoted(tasks: Sequence[str]) -> str:
    return listed([f"'{task}'" for task in tasks])


def _uncovered(cover: Cover) -> list[str]:
    if not cover.uncovered:
        return []
    them = "it" if len(cover.uncovered) == 1 else "them"
    return [f"Nobody is eligible for {_quoted(cover.uncovered)}: the set leaves {them} out."]
