"""The answer: the page's title and the cards of the recommendation, each with its pick, why, runner-up and what would
change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.catalogue.reasons import ReasonCode
from bench.decision.case import Outcome
from bench.report.advice import TaskAdvice, overall_of
from bench.report.text import name_markup, short
from bench.report.view import RunView, TaskView
from bench.report.wording import number, plural, spread_with_n
from bench.summary import Quantity
from bench.words.decision import assumptions, cover, without_tasks
from bench.words.recommendation import Sentence, Topic, in_short, risk, shipped
from bench.words.wording import NEARLY_NEVER, chance, size, spoken

NUMBERS = 2
"""Objectives whose figures a card shows: the first two, quality and the first cost unless the suite says otherwise."""
HEADS = ("Risk", "Runner-up", "Warning", "Not settled", "Next")
"""Leads of sentences that stand out."""
FOLDED = (Topic.ANSWER, Topic.RUNNER_UP)
"""Sentences that a card with a pick folds away: it says the answer by its numbers."""
NAMED = 3
"""Most tasks that the title names."""
FLOOR = " (a baseline)"
"""Said of a pick that no model should lose to."""
NAME_CHARACTERS = 24
"""Of a name in the title."""


Parted = tuple[str, str]
"""A sentence as its head, where it has one that stands out, and the rest."""


@dataclass(frozen=True, slots=True)
class Card:
    """The answer for one task."""

    task: str
    kind: str
    picked: bool
    settled: bool
    """Whether the pick is the best choice with as high a chance as the suite asks for."""
    pick: str
    facts: Sequence[tuple[str, str]]
    """Value and words."""
    sentences: Sequence[Parted]
    """What to ship, what that risks, what to know of it, and what would change it."""
    more: Sequence[str]
    """What the card shows folded away."""


@dataclass(frozen=True, slots=True)
class OverallCard:
    """The answer for all tasks together."""

    pick: str | None
    sentences: Sequence[Parted]
    more: Sequence[str]


@dataclass(frozen=True, slots=True)
class SetCard:
    """The cheapest set of models that covers all tasks."""

    models: Sequence[tuple[str, Sequence[str]]]
    """Each with its tasks."""
    sentences: Sequence[Parted]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the section of the recommendation shows."""

    cards: Sequence[Card]
    overall: OverallCard | None
    """None where there is one task."""
    cover: SetCard | None
    sentences: Sequence[str]


def answer_data(view: RunView, advice: Mapping[str, TaskAdvice]) -> Answer:
    """Gather what the template of the recommendation needs."""
    cards = [_card(task, advice[task.name]) for task in view.tasks]
    return Answer(cards, _overall(view), _cover(view), assumptions(view.decision))


def _card(task: TaskView, about: TaskAdvice) -> Card:
    every = about.sentences
    unfolded = [] if about.decision is None else in_short(about.decision)
    told = [line for line in unfolded if about.pick is None or line.topic not in FOLDED]
    first = [("", shipped(about.decision))] if about.decision is not None and about.pick is not None else []
    said = {line: line for line in told}
    if about.decision is not None and about.pick is not None:
        of_risk = risk(about.decision, with_loss=_shows_breaking(about))
        said |= {line: of_risk for line in told if line.topic is Topic.RISK}
    return Card(
        task=task.name,
        kind=task.kind,
        picked=about.pick is not None,
        settled=about.decision is not None and about.decision.recommendation.outcome.is_settled,
        pick=about.pick or "",
        facts=[*_facts(task, about.pick)[:NUMBERS], *_chances(about)],
        sentences=[*first, *(_parted(line) for line in said.values())],
        more=(*(str(line) for line in every if line not in told), *about.changes, *about.remarks),
    )


def _chances(about: TaskAdvice) -> list[tuple[str, str]]:
    """Give the chances that the pick is the best choice and that it breaks a limit; where that is not to be told, what
    is lost to the best choice on average."""
    advice = None if about.decision is None else about.decision.recommendation
    taken = None if advice is None else advice.risk
    if advice is None or taken is None or advice.outcome is Outcome.ALONE:
        return []
    best = (chance(taken.best), "chance that it is the best choice")
    if _shows_breaking(about):
        return [best, (chance(taken.breaks), f"chance that it breaks a limit{', as measured' if taken.within else ''}")]
    if taken.column is None:
        return [best]
    lost = f"of {spoken(taken.column.name)} lost on average to the best choice"
    return [best, (size(taken.column, taken.loss), lost)]


def _shows_breaking(about: TaskAdvice) -> bool:
    """Tell whether a card shows the chance of a broken limit; of one process alone, one of nearly 0 is not told."""
    taken = None if about.decision is None else about.decision.recommendation.risk
    return taken is not None and bool(about.limits) and (not taken.within or taken.breaks >= NEARLY_NEVER)


def _facts(task: TaskView, candidate: str | None) -> list[tuple[str, str]]:
    """List each objective of a candidate with its name, its interval and n."""
    entry = next((e for e in task.entries if e.candidate == candidate), None)
    facts = []
    for measure in task.objectives if entry is not None else ():
        quantity = entry.quantity(measure.name) if entry else None
        if quantity is not None and quantity.value is not None:
            few = "too few for an interval" if _is_too_few(quantity) else ""
            detail = ", ".join(part for part in (spread_with_n(quantity), few) if part)
            label = f"{measure.short} ({detail})" if detail else measure.short
            facts.append((number(quantity.value, measure.unit), label))
    return facts


def _is_too_few(quantity: Quantity) -> bool:
    return quantity.reason is not None and quantity.reason.code is ReasonCode.TOO_FEW


def _parted(line: Sentence) -> Parted:
    """Split off the sentence's lead, where it has one that stands out."""
    return (line.lead, line.text) if line.lead in HEADS else ("", str(line))


def _overall(view: RunView) -> OverallCard | None:
    """Make the card of the decision across tasks; None where there is one task."""
    overall = overall_of(view.decision)
    if overall is None:
        return None
    unfolded = [] if overall.decision is None else in_short(overall.decision)
    folded = (str(line) for line in overall.sentences if line not in unfolded)
    more = (*folded, *overall.changes, *without_tasks(view.decision), *overall.remarks)
    return OverallCard(overall.pick, [_parted(line) for line in unfolded], more)


def _cover(view: RunView) -> SetCard | None:
    """Make the card of the cheapest set; None where there is one task, or nobody is eligible."""
    found = view.decision.cover
    if found is None:
        return None
    return SetCard(list(found.cheapest.models.items()), [("", line) for line in cover(view.decision)])


def headline(view: RunView, advice: Mapping[str, TaskAdvice]) -> Markup:
    """Write the page's title: the answer in one line, names never broken over two."""
    picks = {name: about.pick for name, about in advice.items()}
    chosen = {pick for pick in picks.values() if pick}
    suite = name_markup(view.suite.name)
    if not chosen:
        return Markup("{}: no model can be recommended yet").format(suite)
    if len(chosen) == 1 and all(picks.values()):
        everywhere = "" if len(picks) == 1 else " for every task"
        floor = all(_is_floor(about) for about in advice.values())
        return Markup("{}: ship {}{}{}").format(suite, name_markup(chosen.pop()), FLOOR if floor else "", everywhere)
    serves: dict[Markup, list[Markup]] = {}
    for name, about in advice.items():
        if about.pick:
            pick = Markup("{}{}").format(_name(about.pick), FLOOR if _is_floor(about) else "")
            serves.setdefault(pick, []).append(_name(name))
    answers = [Markup("{} for {}").format(pick, _listed(names)) for pick, names in serves.items()]
    answered = sum(len(names) for names in serves.values())
    open_tasks = [_name(name) for name, pick in picks.items() if not pick]
    if answered > NAMED or len(open_tasks) > NAMED:
        models = f"{plural(len(chosen), 'model')} picked"
        counted = f"{models} over {plural(len(picks), 'task')}"
        if open_tasks:
            counted = f"{models} for {answered} of {plural(len(picks), 'task')}, {len(open_tasks)} undecided"
        return Markup("{}: {}").format(suite, counted)
    still_open = Markup("; no pick yet for {}").format(_listed(open_tasks)) if open_tasks else Markup("")
    return Markup("{}: ship {}{}").format(suite, Markup(", ").join(answers), still_open)


def _is_floor(about: TaskAdvice) -> bool:
    return about.decision is not None and about.decision.board.is_baseline(about.pick or "")


def _name(text: str) -> Markup:
    return name_markup(short(text, NAME_CHARACTERS), NAME_CHARACTERS)


def _listed(words: Sequence[Markup]) -> Markup:
    """Join marked-up names as `a, b and c`."""
    return words[0] if len(words) == 1 else Markup("{} and {}").format(Markup(", ").join(words[:-1]), words[-1])
