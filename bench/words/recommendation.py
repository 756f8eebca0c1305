"""The recommendation in words; every number in it was computed elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.decision.board import Absence, Board, Column
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
from bench.decision.constraints import Check
from bench.decision.decision import TaskDecision
from bench.decision.draws import is_estimate
from bench.decision.fronts import Standing
from bench.decision.next_step import NextStep
from bench.doubts import DOUBTS
from bench.units import format_number, plural
from bench.words import limits, standings, steps
from bench.words.wording import (
    NEARLY_NEVER,
    amount,
    are,
    chance,
    differences,
    listed,
    size,
    some,
    spoken,
    trade,
    where,
)

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
    "decided": "enough to decide",
    "tie": "a tie within the margin, so the cheaper is taken",
    "data spent": "all of this run",
    "limit open": "a limit stays open",
    "budget": "then the time was up",
    "nobody": "nobody is left",
}
"""Why the race of a task ended."""


NAMED = 2
"""Rivals that are named with their chances."""
LIKELY = 0.5
"""Chance of a better choice from which measuring comes before shipping."""
QUICK_S = 60.0
"""Seconds of measuring that are always worth it where the answer is open."""


class Topic(Enum):
    """What a sentence of the recommendation is about."""

    ANSWER = "answer"
    RISK = "risk"
    DOUBT = "doubt"
    """What to do about the doubts of the pick."""
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
        *_doubts(part),
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
    counts = sorted(board.examples().values())
    if not counts:
        return ""
    fewest, most, each = counts[0], counts[-1], "" if board.task else " a task"
    race = board.race
    if race is not None and race.ending is not None:
        of = f" of {race.total:,}" if fewest < race.total else ""
        return f"examples: {fewest:,}{of}, {RACE_ENDED[race.ending]}{_front_of_a_race(board)}"
    return f"examples: {fewest:,}{f' to {most:,}' if fewest < most else ''}{each}"


def _front_of_a_race(board: Board) -> str:
    """Say whether a race settled who is on the front; nothing where it was for the pick alone."""
    places = [raced.place.membership for raced in board.raced if raced is not None and raced.place is not None]
    if not places:
        return ""
    still = places.count("open")
    return f", {plural(still, 'place')} on the front open" if still else ", the front settled"


def unable(board: Board) -> str:
    """Name the models that the task, or one of all, is not for, without the baselines; empty where there are none."""
    names = [
        name
        for name, missing in zip(board.names, board.broken, strict=True)
        if missing is not None and missing.kind is Absence.UNSUPPORTED and not board.is_baseline(name)
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
    return f"{_ship(part)}: {_values(part.board, _leader(part))}."


def shipped(part: TaskDecision) -> str:
    """Say the pick and on how many examples it rests, for a place that shows the values beside it."""
    about = sample(part.board)
    return f"{_ship(part)}{f' ({about})' if about else ''}."


def _ship(part: TaskDecision) -> str:
    board, name = part.board, _leader(part)
    floor = " (a baseline)" if board.is_baseline(name) else ""
    if not board.task:
        return f"If one model must serve all tasks, ship {name}{floor}"
    return f"Ship {name}{floor} for {where(board)}"


def risk(part: TaskDecision, *, with_loss: bool = True) -> Sentence:
    """Say what shipping the pick risks: that it is not the best choice, what that costs on average, that it breaks a
    limit, and which of its readings are in doubt.

    Args:
        part: with a pick.
        with_loss: say the cost; a place that shows the number beside it need not.
    """
    advice = part.recommendation
    taken = advice.risk
    assert taken is not None
    if advice.outcome is Outcome.ALONE:
        parts = ["it is the only model that is eligible"]
    else:
        parts = [_others(part, taken), *(_loss(taken) if with_loss else [])]
    checks = part.front.standings[part.board.names.index(_leader(part))].checks
    if checks:
        parts.append(_limits_kept(taken, advice.tightest, checks))
    parts += _doubted(part)
    return Sentence(Topic.RISK, f"{'; '.join(parts)}.", "Risk")


def _others(part: TaskDecision, taken: Risk) -> str:
    """Say how likely another model is the better choice, and which ones."""
    advice = part.recommendation
    worst = ", whatever the estimates are within their bounds" if advice.covers_estimates else ""
    better = "is the better choice with a chance of"
    every = [(name, share) for name, share in advice.shares.items() if name != advice.leader]
    rivals = [(name, share) for name, share in every if share >= NEARLY_NEVER][:NAMED]
    is_more = 1 - taken.best - sum(share for _, share in rivals) >= NEARLY_NEVER
    if len(rivals) == 1 and not is_more:
        return f"{rivals[0][0]} {better} {chance(rivals[0][1])}{worst}"
    named = [f"{name} {chance(share)}" for name, share in rivals]
    named += ["others the rest"] if named and is_more else []
    brackets = f" ({', '.join(named)})" if named else ""
    return f"another model {better} {chance(1 - taken.best)}{worst}{brackets}"


def _limits_kept(taken: Risk, tightest: Check | None, checks: Sequence[Check]) -> str:
    """Say the chance of a broken limit; none of nearly 0 where other processes are not known, or how much a reading
    varies."""
    count, known = len(checks), all(map(limits.has_interval, checks))
    other = " (one process was measured; another may differ)" if taken.within else ""
    limit = "" if tightest is None else f"{spoken(tightest.limit.name)} {tightest.limit.text}"
    if taken.breaks >= NEARLY_NEVER:
        broken = limit if limit and count == 1 else "a limit"
        return f"it breaks {broken} with a chance of {chance(taken.breaks)}{other}"
    sure = f" with a chance of {chance(1 - taken.breaks)}" if known and not taken.within else ""
    if tightest is None or tightest.slack is None:
        return f"its limits are kept{sure}{other}"
    room = f"{limits.slack(tightest)} to spare{'' if known else limits.counted_from(tightest)}"
    if count == 1:
        return f"{limit} is kept{sure}, with {room}{other}"
    return f"its limits are kept{sure}, the tightest ({limit}) with {room}{other}"


def _loss(taken: Risk) -> list[str]:
    """Say what is lost against the best choice on average; nothing where that is next to nothing."""
    if taken.loss == 0 or taken.best > 1 - NEARLY_NEVER:
        return []
    if taken.column is None:
        return [f"on average that costs {format_number(taken.loss)} of what the rule adds up"]
    return [f"on average that costs {size(taken.column, taken.loss)} of {spoken(taken.column.name)}"]


def _doubted(part: TaskDecision) -> list[str]:
    """Say which readings of the pick are in doubt, and for what; nothing without doubts."""
    doubts = part.board.doubts_of(_leader(part))
    columns = _columns_of(part.board)
    codes = {column: [d.code.replace("_", " ") for d in doubts if column in d.columns] for column in columns}
    alike: dict[tuple[str, ...], list[str]] = {}
    for column, own in codes.items():
        if own:
            alike.setdefault(tuple(own), []).append(column)
    if not alike:
        return []
    said = [f"{_all_or_some(named, columns)} ({some(own)})" for own, named in alike.items()]
    return [f"readings in doubt: {listed(said)}"]


def _columns_of(board: Board) -> list[str]:
    """List the columns of a board, or of those that it is made of."""
    boards = list(dict.fromkeys(part.board for part in board.parts)) or [board]
    return list(dict.fromkeys(column.name for own in boards for column in own.columns))


def _all_or_some(names: Sequence[str], every: Collection[str]) -> str:
    return "all its values" if len(names) == len(every) > 1 else listed([spoken(name) for name in names])


def _doubts(part: TaskDecision) -> list[Sentence]:
    """Say what to do about each doubt of the pick; one that no catalogue knows is left to the section of the doubts."""
    remedies: dict[str, list[str]] = {}
    for doubt in part.board.doubts_of(_leader(part)):
        if doubt.code in DOUBTS:
            remedies.setdefault(DOUBTS[doubt.code].advice, []).append(doubt.code.replace("_", " "))
    return [Sentence(Topic.DOUBT, f"{remedy}.", f"Against {listed(codes)}") for remedy, codes in remedies.items()]


def _leader(part: TaskDecision) -> str:
    assert part.recommendation.leader is not None
    return part.recommendation.leader


def _values(board: Board, name: str) -> str:
    row = board.names.index(name)
    columns = enumerate(board.columns[: board.objectives])
    return listed([f"{spoken(column.name)} {_value(board, row, c, column)}" for c, column in columns])


def _value(board: Board, row: int, c: int, column: Column) -> str:
    """Write a value, and that it, or a part of it, is an estimate."""
    name, text = board.names[row], amount(column, float(board.values[row, c]))
    sources = [own.quantities[own.names.index(name)][place] for own, place, _ in board.parts_of(c) if name in own.names]
    return f"{text} (an estimate)" if any(q is not None and is_estimate(q) for q in sources) else text


def _apart(part: TaskDecision, name: str, most: int | None = None) -> str:
    """Say how a candidate differs from the leader."""
    names = part.board.names
    return differences(part.board, names.index(name), names.index(_leader(part)), most)


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
    apart = _apart(part, hopefuls.first, most=2 if hopefuls.is_rival else 1)
    if hopefuls.is_rival:
        text = f"{hopefuls.first} (against {_leader(part)}: {apart}): {reasons}.{others}"
        return Sentence(Topic.CAUTION, text, "Not settled")
    return _warning(f"{hopefuls.first} ({apart}) would be picked, were it shown to meet its limits: {reasons}.{others}")


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
    names = part.board.names
    text = f"{advice.runner_up}, {trade(part.board, names.index(advice.runner_up), names.index(_leader(part)))}."
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
    whether = _whether_better(part, gain)
    if step is None:
        text = (
            f"ship it, or whichever suits you: no sensible number of further examples tells {whether}. Say in "
            "decision.margins which differences do not matter."
        )
        return [_next(text)]
    if not step.is_possible:
        return [_next(f"ship it: to tell {whether} takes {steps.next_step(part.board, step)}.")]
    is_quick = step.seconds is not None and step.seconds <= QUICK_S
    is_likely = advice.risk is not None and 1 - advice.risk.best > LIKELY
    first = "before shipping it," if is_quick or is_likely else "ship it, or first"
    return [_next(f"{first} measure {steps.next_step(part.board, step)} to tell {whether}.")]


def _next(text: str) -> Sentence:
    return Sentence(Topic.NEXT_STEP, text, "Next")


def _nothing_needed(part: TaskDecision) -> str:
    """Say that nothing need be measured, and which limit, if any, keeps another model from being the pick."""
    limited = part.recommendation.binding
    if not limited:
        return "ship it; nothing more needs measuring."
    first = limited[0]
    limit = f"{spoken(first.check.limit.name)} {first.check.limit.text}"
    return f"ship it; nothing more needs measuring. Without the limit {limit} the pick would be {first.instead}."


def _would_admit(part: TaskDecision, step: NextStep) -> str:
    what, whether = steps.next_step(part.board, step), f"whether {step.first.models[0]} meets its limits"
    if not step.is_possible:
        return f"ship it: to tell {whether} takes {what}."
    return f"ship it, or first measure {what} to see {whether}."


def _whether_better(part: TaskDecision, gain: Gain) -> str:
    """Ask who is the better choice, and say how likely that is, and by how much at most."""
    taken = part.recommendation.risk
    better = ""
    if taken is not None and taken.column is not None and gain.most > 0:
        better = f", by up to {size(taken.column, gain.most)} of {spoken(taken.column.name)}"
    limits_kept = "" if gain.is_eligible else "keeps the limits and "
    over = "" if part.board.task else " over all tasks"
    return f"whether {gain.name} {limits_kept}is better{over} (a chance of {chance(gain.share)}{better})"


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
        breaking = "" if told else f" It breaks a limit with a chance of {chance(breaks or 0.0)}."
        lines.append(Sentence(Topic.NEAREST, f"The least bad is {advice.nearest.name}: {checks}.{breaking}"))
    if advice.next_step is not None:
        step = steps.next_step(board, advice.next_step)
        possible = advice.next_step.is_possible
        how = f"measure {step}: that may show" if possible else f"it takes {step}, to show"
        lines.append(_next(f"{how} that it meets them."))
    return lines


def texts(lines: Sequence[Sentence]) -> list[str]:
    """Write sentences out."""
    return [str(line) for line in lines]
