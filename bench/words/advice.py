"""The recommendation in words; every number in it was computed elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bench.decision.board import Board, Column
from bench.decision.case import Binding, Case
from bench.decision.constraints import Check, state_of
from bench.decision.fronts import Standing
from bench.decision.next_step import NextStep
from bench.decision.rules import Stage, known, preferred
from bench.decision.rules import unscored as columns_missing
from bench.suite import DecisionSpec
from bench.words.wording import amount, capital, differences, listed, percent, size, spoken

MOST_SHARES = 3
"""Candidates named when the replicates disagree."""
NOT_SHOWN = 0.025
"""One-sided p-value over which a difference may be chance: that of a two-sided test at 5 %."""
MOST_OTHERS = 5
"""Candidates named that are in the same case as the one that is told of; with more, four and how many others."""


def headline(case: Case) -> str:
    """Returns the pick with its values, or that there is none and between whom the data do not decide."""
    board, name = case.board, case.name
    values = listed(
        [
            f"{spoken(column.name)} {amount(column, float(board.values[case.leader, c]))}"
            for c, column in enumerate(board.columns[: board.objectives])
        ]
    )
    ship = f"Ship {name} (a baseline)" if board.is_baseline(name) else f"Ship {name}"
    if case.sure and _is_alone(case):
        return f"{ship} for {where(board)}: {values}. It is the only model that is eligible."
    if case.sure:
        again = f"Resampling the examples and timings gives the same pick {percent(case.confidence)} of the time"
        worst = ", whatever the estimates are within their bounds" if case.estimated else ""
        return f"{ship} for {where(board)}: {values}. {again}{worst}."
    if case.rival is not None and case.rival_is_open:
        safe = "" if board.is_baseline(name) else ": the safe choice if this cannot wait"
        return f"{_open_rival(case, case.rival)} {name} has {values}{safe}."
    split = listed([f"{other} in {_told(case, share)}" for other, share in list(case.shares.items())[:MOST_SHARES]])
    split = f"When the examples and timings are resampled, the rule picks {split}; a pick needs {percent(case.needed)}"
    return f"No pick for {where(board)}: the data do not decide. {split}. As observed, {name} leads with {values}."


def _is_alone(case: Case) -> bool:
    """Returns whether nobody else is eligible, or would be preferred if it were."""
    return len(case.rows) == 1 and case.confidence == 1 and not case.hopefuls


def _open_rival(case: Case, rival: int) -> str:
    """Returns that a candidate which is not shown to meet its limits stands in the way of a pick, and how often."""
    name, best, needed = case.board.names[rival], case.name, percent(case.needed)
    theirs, ours = _told(case, case.shares[name]), _told(case, case.confidence)
    best = f"{best}, the best of those that are shown to meet them,"
    if rival in case.estimated:
        return (
            f"No pick for {where(case.board)}: {name} may be the better choice, but an estimate cannot show that "
            f"it meets the limits. If it does, the rule picks it in {theirs} of the resamples of examples and timings, "
            f"and {best} in {ours}, where a pick needs {needed}."
        )
    return (
        f"No pick for {where(case.board)}: {name} may be the better choice, but it is not shown to meet the limits. "
        f"In {theirs} of the resamples of examples and timings it meets them and is picked; {best} is picked in "
        f"{ours}, and a pick needs {needed}."
    )


def _told(case: Case, share: float) -> str:
    """Returns a share that does not read as if it were enough for a pick where it is not."""
    text = percent(share)
    return f"just under {text}" if share < case.needed and text == percent(case.needed) else text


def _some(names: Sequence[str]) -> str:
    """Returns names in a sentence, not more than a reader takes in."""
    if len(names) <= MOST_OTHERS:
        return listed(names)
    return listed([*names[: MOST_OTHERS - 1], f"{len(names) - MOST_OTHERS + 1} others"])


def where(board: Board) -> str:
    """Returns the task's name in quotes; `all tasks together` for the board across tasks."""
    return f"'{board.task}'" if board.task else "all tasks together"


def unresolved(case: Case) -> list[str]:
    """Returns a warning that candidates would be the pick, were they shown to meet their open limits; the likeliest
    first."""
    if not case.hopefuls:
        return []
    names = case.board.names
    first, *rest = sorted(case.ranked(case.hopefuls), key=lambda row: -case.shares.get(names[row], 0.0))
    checks = case.front.standings[first].checks
    reasons = listed([check.sentence for check in checks if check.state == "open"])
    others = f" The same goes for {_some([names[row] for row in rest])}." if rest else ""
    if case.rival_is_open and case.rival == first:
        apart = differences(case.board, first, case.leader)
        return [f"What is not settled: {names[first]} ({apart} than {case.name}): {reasons}.{others}"]
    return [
        f"Warning: {names[first]} would be picked instead if it were shown to meet its limits "
        f"({differences(case.board, first, case.leader)}), and the data do not settle that: {reasons}.{others}"
    ]


def unmeasured(case: Case) -> list[str]:
    """Returns a warning for each candidate that is better in what the rule looks at first, but lacks an objective."""
    stage = case.rule[0]
    found = []
    for row, standing in enumerate(case.front.standings):
        why = case.board.missing(row)
        better = stage.scores[row] > stage.scores[case.leader]  # False for NaN
        if why is None or case.board.broken[row] is not None or not better or state_of(standing.checks) == "outside":
            continue
        found.append(
            f"Warning: {case.board.names[row]} is better in {spoken(stage.name)}, but it cannot be compared: {why}. "
            "Measure that, or leave it out of the objectives."
        )
    return found


def baseline(case: Case) -> list[str]:
    """Returns a warning when the leader is a baseline."""
    if not case.board.is_baseline(case.name):
        return []
    return [
        f"Warning: {case.name} is a baseline, the floor that a model should beat: under these limits and this rule no "
        "eligible model is worth more than it. Look at the models and the limits before shipping it."
    ]


def floors(case: Case) -> list[str]:
    """Returns a warning for each task on which a baseline answers better than the leader; on the board of one task also
    where the leader is not shown to answer better than the best baseline."""
    board = case.board
    if board.is_baseline(case.name):
        return []
    tasks = {part.board.task: part.board for part in board.parts} or {board.task: board}
    return [text for part in tasks.values() if (text := _floor(case, part)) is not None]


def _floor(case: Case, task: Board) -> str | None:
    c = next((c for c in range(task.objectives) if task.columns[c].is_quality), None)
    known = [] if c is None else [r for r, name in enumerate(task.names) if task.is_baseline(name)]
    known = [row for row in known if c is not None and not math.isnan(task.values[row, c])]
    if c is None or not known or case.name not in task.names:
        return None
    column, scores, own = task.columns[c], task.oriented[:, c], task.names.index(case.name)
    best = max(known, key=lambda row: float(scores[row]))
    them = f"{task.names[best]}, a baseline ({amount(column, float(task.values[own, c]))} against "
    them += f"{amount(column, float(task.values[best, c]))})"
    if scores[own] < scores[best]:
        return f"Warning: on '{task.task}' {case.name} has a worse {spoken(column.name)} than {them}."
    evidence = case.front.evidence
    if case.board.task != task.task or evidence is None or best not in evidence.rows or own not in evidence.rows:
        return None
    p = float(evidence.better[evidence.rows.index(own), evidence.rows.index(best), c])
    if p <= NOT_SHOWN:
        return None
    return f"Warning: {case.name} is not shown to have a better {spoken(column.name)} than {them}: it may be chance."


def runner_up(case: Case, row: int | None) -> str:
    """Returns who comes second, and what choosing it instead would cost and bring."""
    if row is None:
        alone = case.sure and _is_alone(case)
        return "There is no runner-up." if alone else "No other model is eligible, so there is no runner-up."
    how = "Runner-up" if case.sure else "Next of those that meet the limits" if case.rival_is_open else "Next"
    return f"{how}: {case.board.names[row]}, with {differences(case.board, row, case.leader)}."


def binding(case: Case, check: Check, instead: int) -> str:
    """Returns that a limit decides the pick, who would be picked without it, and the slack."""
    return (
        f"The limit {spoken(check.limit.name)} {check.limit.text} decides the pick: without it the rule would choose "
        f"{case.board.names[instead]} ({differences(case.board, instead, case.leader)}). "
        f"{case.name} is inside it by {slack(check)}{counted_from(check)}."
    )


def slack(check: Check) -> str:
    """Returns how far a candidate is inside a limit."""
    if check.slack is None:
        return "an unknown amount"
    return f"{100 * check.slack:.1f} % of best" if check.limit.of_best else size(check.column, check.slack)


def counted_from(check: Check) -> str:
    """Returns from where a slack is counted: an end of the interval, or the reading itself where it has none."""
    if check.estimated:
        return f", counted from the {'upper' if check.limit.is_upper else 'lower'} bound of the estimate"
    if check.value == check.bound:
        return ", counted from the reading itself, which has no interval" if not check.exact else ""
    return f", counted from the {'upper' if check.limit.is_upper else 'lower'} end of its 95 % interval"


def tightest(case: Case, found: Sequence[Binding]) -> list[str]:
    """Returns a sentence on the tightest limit where none decides the pick."""
    checks = [check for check in case.front.standings[case.leader].checks if check.slack is not None]
    if found or not checks:
        return []
    near = min(checks, key=lambda check: (check.slack or 0.0) / (abs(check.limit.value) or 1.0))
    limit = f"{spoken(near.limit.name)} {near.limit.text}"
    return [f"No limit decides the pick; the tightest is {limit}, met with {slack(near)} to spare{counted_from(near)}."]


def next_step(case: Case, step: NextStep | None) -> list[str]:
    """Returns what to measure next, and why."""
    if step is None and (case.sure or case.rival_is_open):
        return []
    if step is None:
        return [
            "No sensible number of further examples would settle it: take whichever of them suits you, "
            "or say in decision.margins which differences do not matter."
        ]
    if case.sure or case.rival_is_open:
        whose = f"whether {step.first.models[0]} meets its limits"
        return [f"The cheapest measurement that would show {whose}: {step.sentence}."]
    return [f"The cheapest measurement that would settle it: {step.sentence}."]


def knee(name: str | None, leader: str) -> list[str]:
    """Returns the remark on the front's knee."""
    if name is None:
        return []
    same = ", the same model" if name == leader else ""
    return [f"Remark: the front's knee, nearest to the best of every objective at once, is {name}{same}."]


def excluded(reasons: Mapping[str, str]) -> list[str]:
    """Returns who was not eligible, and by how much."""
    return [f"{name} is {reason}." for name, reason in reasons.items()]


def unscored(board: Board, rule: Sequence[Stage], standing: Standing) -> str:
    """Returns where a candidate stands that meets every limit, but has no value of something that the rule looks at."""
    missing = columns_missing(board, rule, board.names.index(standing.name))
    names = listed([spoken(board.columns[c].name) for c in missing])
    return f"{standing.sentence}; the rule cannot pick it: its {names} {'are' if len(missing) > 1 else 'is'} not known"


def nobody(board: Board, judged: Sequence[int], *, met: bool = False) -> str:
    """Returns why there is no candidate at all; `met` where some do meet every limit."""
    why = "no model is shown to meet every limit"
    if not board.names:
        why = "no model was run on it"
    elif all(reason is not None for reason in board.broken):
        why = "no model finished it"
    elif not board.objectives:
        why = "none of the objectives was measured"
    elif not judged:
        why = "no model has every objective"
    elif met:
        why = "no model that meets the limits has everything that the rule looks at"
    return f"No pick for {where(board)}: {why}."


def rule(board: Board, spec: DecisionSpec) -> list[str]:
    """Returns what the rule is, in words; nothing where there is nothing to prefer."""
    if not board.columns:
        return []
    prefer = preferred(board, spec)
    best = f"the best {spoken(board.columns[prefer].name)}"
    column = board.columns[prefer]
    instead = ""
    if spec.prefer and known(board, spec.prefer) is None:
        instead = f" {capital(where(board))} has no {spoken(spec.prefer)}, so {spoken(column.name)} is preferred here."
    near = size(column, spec.epsilon)
    costs = [spoken(board.columns[c].name) for c in range(board.objectives) if c != prefer]
    ties = f", and among equals by {', then '.join(costs)}" if costs else ""
    said = {
        "best-quality-within-budget": f"{best}{ties}",
        "cheapest-within-epsilon": f"the best {costs[0] if costs else 'value'} within {near} of {best}",
        "lexicographic": f"the best {listed([spoken(name) for name in spec.order], 'then')}, in this order",
        "weighted": f"the best sum of {spoken(column.name)} and the others, where "
        + listed([_rate(name, text, column) for name, text in spec.rates.items()]),
    }
    text = f"The rule ({spec.rule}): of the models that are shown to meet every limit, the one with {said[spec.rule]}."
    return [text + instead]


def _rate(name: str, text: str, preferred_column: Column) -> str:
    """Returns an exchange rate in words: `20 ms of p95 latency weigh as much as 0.01 of accuracy`."""
    amount_of, _, worth = text.partition(" per ")
    return f"{amount_of.strip()} of {spoken(name)} weigh as much as {worth.strip()} of {spoken(preferred_column.name)}"
