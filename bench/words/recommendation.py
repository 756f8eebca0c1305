"""The recommendation in words; every number in it was computed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bench.decision.board import Absence, Board
from bench.decision.case import (
    Barred,
    BaselineLeads,
    BaselineNear,
    Binding,
    Caution,
    Exclusion,
    FewExamples,
    Hopefuls,
    Incomparable,
    Nobody,
    Outcome,
    Recommendation,
)
from bench.decision.decision import TaskDecision
from bench.decision.fronts import Standing
from bench.units import plural
from bench.words import limits, standings, steps
from bench.words.wording import amount, are, differences, listed, percent, some, spoken, where

MOST_SHARES = 3
"""Candidates named when the replicates disagree."""

NOBODY = {
    Nobody.NOT_RUN: "no model was run on it",
    Nobody.NOT_FINISHED: "no model finished it",
    Nobody.NOT_MEASURED: "none of the objectives was measured",
    Nobody.INCOMPLETE: "no model has every objective",
    Nobody.UNSCORED: "no model that meets the limits has everything that the rule looks at",
    Nobody.BARRED: "every model that finished it is barred by a doubt",
    Nobody.LIMITS: "no model is shown to meet every limit",
}


class Topic(Enum):
    """What a sentence of the recommendation is about."""

    ANSWER = "answer"
    CAUTION = "caution"
    NEAREST = "nearest"
    RUNNER_UP = "runner-up"
    LIMIT = "limit"
    NEXT_STEP = "next step"
    KNEE = "knee"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the recommendation, with what it is about, so that no page has to look into it."""

    topic: Topic
    text: str
    """Without the lead."""
    lead: str = ""
    """Word that stands out before the text: `Warning`, `Runner-up`."""

    def __str__(self) -> str:
        """Write the whole sentence."""
        return f"{self.lead}: {self.text}" if self.lead else self.text


def sentences(part: TaskDecision) -> list[Sentence]:
    """Say what to ship and why, or why there is no answer; without naming those who are not eligible."""
    advice = part.recommendation
    if advice.outcome is Outcome.NOBODY:
        return _nobody(part)
    return [
        Sentence(Topic.ANSWER, headline(part)),
        *(caution(part, item) for item in advice.cautions),
        _runner_up(part),
        *(Sentence(Topic.LIMIT, binding(part, item)) for item in advice.binding),
        *_tightest(advice),
        *_next_step(part),
        *_knee(advice),
    ]


def in_short(part: TaskDecision) -> list[Sentence]:
    """Say in four sentences at most the answer, what it is measured against, the risk, and what would change it."""
    every = sentences(part)
    kinds = (
        (Topic.ANSWER,),
        (Topic.RUNNER_UP, Topic.NEAREST),
        (Topic.CAUTION,),
        (Topic.NEXT_STEP, Topic.LIMIT),
    )
    chosen = [next((line for topic in topics for line in every if line.topic is topic), None) for topics in kinds]
    return [line for line in chosen if line is not None]


def sample(board: Board) -> str:
    """Say how many examples a board rests on; empty where nothing was scored."""
    counts = board.examples()
    if board.task or len(set(counts.values())) == 1:
        return f"n = {min(counts.values()):,}" if counts else ""
    return ", ".join(f"n = {n:,} on '{task}'" for task, n in counts.items())


def unable(board: Board) -> str:
    """Name the candidates that the task, or one of all, is not for; empty where there are none."""
    names = [
        name
        for name, missing in zip(board.names, board.broken, strict=True)
        if missing is not None and missing.kind is Absence.UNSUPPORTED
    ]
    whole = "it" if board.task else "every task"
    return f"{some(names)} {'does' if len(names) == 1 else 'do'} not do {whole}" if names else ""


def excluded(part: TaskDecision) -> dict[str, str]:
    """Say for each candidate that is not eligible why, without its name."""
    by_name = {standing.name: standing for standing in part.standings}
    return {
        exclusion.name: _exclusion(part.board, by_name[exclusion.name], exclusion)
        for exclusion in part.recommendation.excluded
    }


def _exclusion(board: Board, standing: Standing, exclusion: Exclusion) -> str:
    text = standings.standing(board, standing)
    if not exclusion.unscored:
        return text
    names = listed([spoken(name) for name in exclusion.unscored])
    return f"{text}; the rule cannot pick it: its {names} {are(len(exclusion.unscored))} not known"


def price(part: TaskDecision) -> str | None:
    """Say how the runner-up differs from the leader; None where there is none."""
    second = part.recommendation.runner_up
    return None if second is None else _apart(part, second)


def headline(part: TaskDecision) -> str:
    """Say the pick with its values, or that there is none and between whom the data do not decide."""
    board, advice, name = part.board, part.recommendation, _leader(part)
    place, values = where(board), _values(board, name)
    ship = f"Ship {name} (a baseline)" if board.is_baseline(name) else f"Ship {name}"
    if advice.outcome is Outcome.ALONE:
        return f"{ship} for {place}: {values}. It is the only model that is eligible."
    if advice.outcome is Outcome.PICK:
        share = percent(advice.confidence or 0.0)
        worst = ", whatever the estimates are within their bounds" if advice.covers_estimates else ""
        return (
            f"{ship} for {place}: {values}. Resampling the examples and timings gives the same pick {share} of the "
            f"time{worst}."
        )
    if advice.outcome is Outcome.RIVAL_OPEN:
        safe = "" if board.is_baseline(name) else ": the safe choice if this cannot wait"
        return f"{_open_rival(part)} {name} has {values}{safe}."
    shares = list(advice.shares.items())[:MOST_SHARES]
    split = listed([f"{other} in {_short_of(advice, share)}" for other, share in shares])
    return (
        f"No pick for {place}: the data do not decide. When the examples and timings are resampled, the rule picks "
        f"{split}; a pick needs {percent(advice.needed)}. As observed, {name} leads with {values}."
    )


def _leader(part: TaskDecision) -> str:
    assert part.recommendation.leader is not None
    return part.recommendation.leader


def _values(board: Board, name: str) -> str:
    row = board.names.index(name)
    columns = enumerate(board.columns[: board.objectives])
    return listed([f"{spoken(column.name)} {amount(column, float(board.values[row, c]))}" for c, column in columns])


def _apart(part: TaskDecision, name: str) -> str:
    """Say how a candidate differs from the leader."""
    names = part.board.names
    return differences(part.board, names.index(name), names.index(_leader(part)))


def _open_rival(part: TaskDecision) -> str:
    """Say that a candidate which is not shown to meet its limits stands in the way of a pick, and how often."""
    advice, place, needed = part.recommendation, where(part.board), percent(part.recommendation.needed)
    assert advice.rival is not None
    theirs, ours = _short_of(advice, advice.shares[advice.rival]), _short_of(advice, advice.confidence or 0.0)
    best = f"{advice.leader}, the best of those that are shown to meet them,"
    if advice.rival_is_estimated:
        return (
            f"No pick for {place}: {advice.rival} may be the better choice, but an estimate cannot show that it meets "
            f"the limits. If it does, the rule picks it in {theirs} of the resamples of examples and timings, and "
            f"{best} in {ours}, where a pick needs {needed}."
        )
    return (
        f"No pick for {place}: {advice.rival} may be the better choice, but it is not shown to meet the limits. In "
        f"{theirs} of the resamples of examples and timings it meets them and is picked; {best} is picked in {ours}, "
        f"and a pick needs {needed}."
    )


def _short_of(advice: Recommendation, share: float) -> str:
    """Write a share so that it does not read as enough for a pick where it is not."""
    text = percent(share)
    return f"just under {text}" if share < advice.needed and text == percent(advice.needed) else text


def caution(part: TaskDecision, reason: Caution) -> Sentence:
    """Say what must be known before acting on the recommendation."""
    if isinstance(reason, Barred):
        return _warning(f"{reason.name} is left out: {standings.missing(reason.missing)}.")
    if isinstance(reason, Hopefuls):
        return _hopefuls(part, reason)
    if isinstance(reason, Incomparable):
        return _warning(
            f"{reason.name} is better in {spoken(reason.stage)}, but it cannot be compared: "
            f"{standings.missing(reason.missing)}. Measure that, or leave it out of the objectives."
        )
    if isinstance(reason, BaselineLeads):
        return _warning(
            f"{_leader(part)} is a baseline, the floor that a model should beat: under these limits and this rule no "
            "eligible model is worth more than it. Look at the models and the limits before shipping it."
        )
    if isinstance(reason, FewExamples):
        return _warning(
            f"this rests on {plural(reason.n, 'example')} of '{reason.task}' alone; so few show only large differences."
        )
    return _warning(_baseline_near(part, reason))


def _warning(text: str) -> Sentence:
    return Sentence(Topic.CAUTION, text, "Warning")


def _hopefuls(part: TaskDecision, hopefuls: Hopefuls) -> Sentence:
    """Say that candidates would be the pick, were they shown to meet their open limits."""
    checks = next(standing.checks for standing in part.standings if standing.name == hopefuls.first)
    reasons = listed([limits.check(c, across=not part.board.task) for c in checks if c.state == "open"])
    others = f" The same goes for {some(hopefuls.others)}." if hopefuls.others else ""
    apart = _apart(part, hopefuls.first)
    if hopefuls.is_rival:
        text = f"{hopefuls.first} ({apart} than {_leader(part)}): {reasons}.{others}"
        return Sentence(Topic.CAUTION, text, "What is not settled")
    return _warning(
        f"{hopefuls.first} would be picked instead if it were shown to meet its limits ({apart}), and the data do not "
        f"settle that: {reasons}.{others}"
    )


def _baseline_near(part: TaskDecision, near: BaselineNear) -> str:
    task = part.board.part(near.task)
    index = task.column(near.column)
    assert index is not None
    column = task.columns[index]
    own, theirs = amount(column, near.own), amount(column, near.theirs)
    them = f"{near.baseline}, a baseline ({own} against {theirs})"
    if near.is_better:
        return f"on '{near.task}' {_leader(part)} has a worse {spoken(near.column)} than {them}."
    return f"{_leader(part)} is not shown to have a better {spoken(near.column)} than {them}: it may be chance."


def _runner_up(part: TaskDecision) -> Sentence:
    """Say who comes second, and what choosing it instead would cost and bring."""
    advice = part.recommendation
    if advice.runner_up is None:
        alone = advice.outcome is Outcome.ALONE
        text = "There is no runner-up." if alone else "No other model is eligible, so there is no runner-up."
        return Sentence(Topic.RUNNER_UP, text)
    leads = {
        Outcome.ALONE: "Runner-up",
        Outcome.PICK: "Runner-up",
        Outcome.RIVAL_OPEN: "Next of those that meet the limits",
    }
    text = f"{advice.runner_up}, with {_apart(part, advice.runner_up)}."
    return Sentence(Topic.RUNNER_UP, text, leads.get(advice.outcome, "Next"))


def binding(part: TaskDecision, limit: Binding) -> str:
    """Say that a limit decides the pick, who would be picked without it, and the slack."""
    check = limit.check
    return (
        f"The limit {spoken(check.limit.name)} {check.limit.text} decides the pick: without it the rule would choose "
        f"{limit.instead} ({_apart(part, limit.instead)}). "
        f"{_leader(part)} is inside it by {limits.slack(check)}{limits.counted_from(check)}."
    )


def _tightest(advice: Recommendation) -> list[Sentence]:
    """Say which limit is the tightest where none decides the pick."""
    near = advice.tightest
    if advice.binding or near is None:
        return []
    limit = f"{spoken(near.limit.name)} {near.limit.text}"
    room = f"{limits.slack(near)} to spare{limits.counted_from(near)}"
    return [Sentence(Topic.LIMIT, f"No limit decides the pick; the tightest is {limit}, met with {room}.")]


def _next_step(part: TaskDecision) -> list[Sentence]:
    """Say what to measure next, and why."""
    advice = part.recommendation
    step, undecided = advice.next_step, advice.outcome is Outcome.UNDECIDED
    if step is None and not undecided:
        return []
    if step is None:
        text = (
            "No sensible number of further examples would settle it: take whichever of them suits you, "
            "or say in decision.margins which differences do not matter."
        )
    elif undecided:
        text = f"The cheapest measurement that would settle it: {steps.next_step(part.board, step)}."
    else:
        whose = f"whether {step.first.models[0]} meets its limits"
        text = f"The cheapest measurement that would show {whose}: {steps.next_step(part.board, step)}."
    return [Sentence(Topic.NEXT_STEP, text)]


def _knee(advice: Recommendation) -> list[Sentence]:
    """Say which candidate is the front's knee."""
    if advice.knee is None:
        return []
    same = ", the same model" if advice.knee == advice.leader else ""
    text = f"the front's knee, nearest to the best of every objective at once, is {advice.knee}{same}."
    return [Sentence(Topic.KNEE, text, "Remark")]


def _nobody(part: TaskDecision) -> list[Sentence]:
    """Say why nobody is eligible, who comes nearest, and what might show that it is."""
    advice, board = part.recommendation, part.board
    assert advice.nobody is not None
    lines = [Sentence(Topic.ANSWER, f"No pick for {where(board)}: {NOBODY[advice.nobody]}.")]
    lines += [caution(part, item) for item in advice.cautions]
    if advice.nearest is not None:
        checks = listed([limits.check(check, across=not board.task) for check in advice.nearest.failed])
        lines.append(Sentence(Topic.NEAREST, f"Nearest is {advice.nearest.name}: {checks}."))
    if advice.next_step is not None:
        step = steps.next_step(board, advice.next_step)
        text = f"The cheapest measurement that may show whether it meets them: {step}."
        lines.append(Sentence(Topic.NEXT_STEP, text))
    return lines


def texts(lines: Sequence[Sentence]) -> list[str]:
    """Write sentences out."""
    return [str(line) for line in lines]
