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
    Gain,
    Hopefuls,
    Incomparable,
    Nobody,
    Outcome,
    Recommendation,
    Risk,
)
from bench.decision.decision import TaskDecision
from bench.decision.fronts import Standing
from bench.decision.next_step import NextStep
from bench.units import format_number, plural
from bench.words import limits, standings, steps
from bench.words.wording import amount, are, differences, listed, percent, size, some, spoken, where

NEARLY_NEVER = 0.01
"""A chance that is said as none, which nobody has shown who has seen one process."""
NOBODY = {
    Nobody.NOT_RUN: "no model was run on it",
    Nobody.NOT_FINISHED: "no model finished it",
    Nobody.NOT_MEASURED: "none of the objectives was measured and can be compared",
    Nobody.INCOMPLETE: "no model has every objective",
    Nobody.UNSCORED: "no model that meets the limits has everything that the rule looks at",
    Nobody.BARRED: "every model that finished it is barred by a doubt",
    Nobody.LIMITS: "no model is shown to meet every limit",
    Nobody.BASELINES: "no model is eligible, only the baselines are",
}


RACE_ENDED = {
    "decided": "decided",
    "tie": "a tie within the margin, so that the cheaper is taken",
    "data spent": "all examples answered",
    "limit open": "a limit stays open",
    "budget": "the time is up",
    "nobody": "nobody is left",
}
"""Why the race of a task ended."""


class Topic(Enum):
    """What a sentence of the recommendation is about."""

    ANSWER = "answer"
    RISK = "risk"
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
        risk(part),
        *(caution(part, item) for item in advice.cautions),
        _runner_up(part),
        *(Sentence(Topic.LIMIT, binding(part, item)) for item in advice.binding),
        *_tightest(advice),
        *_next_step(part),
        *_knee(advice),
    ]


def in_short(part: TaskDecision) -> list[Sentence]:
    """Say in four sentences at most what to ship, what that risks, what to know of it, and what would change it."""
    every = sentences(part)
    kinds = (
        (Topic.ANSWER,),
        (Topic.RISK, Topic.NEAREST),
        (Topic.CAUTION, Topic.RUNNER_UP),
        (Topic.NEXT_STEP, Topic.LIMIT),
    )
    chosen = [next((line for topic in topics for line in every if line.topic is topic), None) for topics in kinds]
    return [line for line in chosen if line is not None]


def sample(board: Board) -> str:
    """Say how many examples a board rests on; empty where nothing was scored."""
    counts = board.examples()
    if board.task or len(set(counts.values())) == 1:
        return f"n = {min(counts.values()):,}{_of_a_race(board, min(counts.values()))}" if counts else ""
    return ", ".join(f"n = {n:,} on '{task}'" for task, n in counts.items())


def _of_a_race(board: Board, n: int) -> str:
    """Say of how many examples a race is, and why it ended; nothing where there was none."""
    race = board.race
    if race is None or race.ending is None:
        return ""
    of = f" of {race.total:,}" if n < race.total else ""
    return f"{of}, {RACE_ENDED[race.ending]}{_front_of_a_race(board)}"


def _front_of_a_race(board: Board) -> str:
    """Say whether a race settled who is on the front; nothing where it was for the pick alone."""
    places = [raced.place.membership for raced in board.raced if raced is not None and raced.place is not None]
    if not places:
        return ""
    still = places.count("open")
    return f", {plural(still, 'place')} on the front open" if still else ", the front settled"


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
    """Say the pick with its values."""
    board, name = part.board, _leader(part)
    ship = f"Ship {name} (a baseline)" if board.is_baseline(name) else f"Ship {name}"
    to = f"for {where(board)}" if board.task else "where one model must serve all tasks"
    return f"{ship} {to}: {_values(board, name)}."


def risk(part: TaskDecision) -> Sentence:
    """Say what shipping the pick risks: the chance that it breaks a limit, that it is not the best choice, and what it
    is expected to lose."""
    advice = part.recommendation
    taken = advice.risk
    assert taken is not None
    limited = bool(part.front.standings[part.board.names.index(_leader(part))].checks)
    limits_kept = [_limits_kept(taken)] if limited else []
    doubts = part.board.doubts_of(_leader(part))
    doubted = [f"its numbers are in doubt ({some([code.replace('_', ' ') for code in doubts])})"] if doubts else []
    if advice.outcome is Outcome.ALONE:
        only = "it is the only model that is eligible"
        return Sentence(Topic.RISK, f"{'; '.join([*limits_kept, only, *doubted])}.", "Risk")
    worst = ", whatever the estimates are within their bounds" if advice.covers_estimates else ""
    best = f"it is the best choice with a chance of {percent(taken.best)}{worst}"
    return Sentence(Topic.RISK, f"{'; '.join([*limits_kept, best, _loss(taken), *doubted])}.", "Risk")


def _limits_kept(taken: Risk) -> str:
    """Say the chance of a broken limit; where other processes are not known, no chance of nearly 0."""
    if not taken.within:
        return f"it breaks a limit with a chance of {percent(taken.breaks)}"
    measured = "in what was measured; another process may differ"
    if taken.breaks < NEARLY_NEVER:
        return f"it keeps its limits {measured}"
    return f"it breaks a limit with a chance of {percent(taken.breaks)} {measured}"


def _loss(taken: Risk) -> str:
    """Say what is expected to be lost against the best choice."""
    if taken.loss == 0:
        return "no loss is expected"
    if taken.column is None:
        return f"the expected loss is {format_number(taken.loss)} of what the rule adds up"
    return f"the expected loss is {size(taken.column, taken.loss)} of {spoken(taken.column.name)}"


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
        return Sentence(Topic.CAUTION, text, "Not settled")
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
    text = f"{advice.runner_up}, with {_apart(part, advice.runner_up)}."
    return Sentence(Topic.RUNNER_UP, text, "Runner-up")


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
    """Say what further measuring could gain and what to measure, or that the answer is settled."""
    advice = part.recommendation
    step, gain = advice.next_step, advice.gain
    if advice.outcome.is_settled or gain is None:
        if step is None:
            return [_next(_nothing_needed(part))] if advice.outcome.is_settled else []
        return [_next(_would_admit(part, step))]
    could = _could_gain(part, gain)
    if step is None:
        text = (
            f"no sensible number of further examples would settle it: {could}. Take whichever suits you, or say in "
            "decision.margins which differences do not matter."
        )
        return [_next(text)]
    if not step.is_possible:
        return [
            _next(f"this data set hardly settles it ({could}). Left to measure: {steps.next_step(part.board, step)}.")
        ]
    return [_next(f"{_measuring(part, step)} would settle it: {could}.")]


def _next(text: str) -> Sentence:
    return Sentence(Topic.NEXT_STEP, text, "Next")


def _nothing_needed(part: TaskDecision) -> str:
    """Say that nothing need be measured, and which limit, if any, keeps another model from being the pick."""
    limited = part.recommendation.binding
    if not limited:
        return "nothing more needs measuring."
    first = limited[0]
    limit = f"{spoken(first.check.limit.name)} {first.check.limit.text}"
    return f"nothing more needs measuring; without the limit {limit} the pick would be {first.instead}."


def _would_admit(part: TaskDecision, step: NextStep) -> str:
    return f"{_measuring(part, step)} would show whether {step.first.models[0]} meets its limits."


def _measuring(part: TaskDecision, step: NextStep) -> str:
    return f"measuring {steps.next_step(part.board, step)}"


def _could_gain(part: TaskDecision, gain: Gain) -> str:
    """Say who may be the better choice, how likely, and by how much at most."""
    taken = part.recommendation.risk
    better = ""
    if taken is not None and taken.column is not None and gain.most > 0:
        better = f", by up to {size(taken.column, gain.most)} of {spoken(taken.column.name)}"
    limits_kept = "" if gain.is_eligible else "keeps the limits and "
    return f"{gain.name} {limits_kept}is the better choice with a chance of {percent(gain.share)}{better}"


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
    whole = advice.nobody is Nobody.NOT_FINISHED and not board.task
    why = "no model finished every task" if whole else NOBODY[advice.nobody]
    lines = [Sentence(Topic.ANSWER, f"No pick for {where(board)}: {why}.")]
    lines += [caution(part, item) for item in advice.cautions]
    if advice.nearest is not None:
        checks = listed([limits.check(check, across=not board.task) for check in advice.nearest.failed])
        breaks = advice.nearest.breaks
        told = breaks is None or len(advice.nearest.failed) == 1  # by the check itself
        chance = "" if told else f" It breaks a limit with a chance of {percent(breaks or 0.0)}."
        lines.append(Sentence(Topic.NEAREST, f"The least bad is {advice.nearest.name}: {checks}.{chance}"))
    if advice.next_step is not None:
        step = steps.next_step(board, advice.next_step)
        lines.append(_next(f"measuring {step} may show that it meets them."))
    return lines


def texts(lines: Sequence[Sentence]) -> list[str]:
    """Write sentences out."""
    return [str(line) for line in lines]
