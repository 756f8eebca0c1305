"""A candidate against a limit, and the values of a limit at which the pick changes, in words."""

from __future__ import annotations

from bench.decision.board import Column
from bench.decision.constraints import Check
from bench.decision.sensitivity import BreakPoint
from bench.suite.limits import Limit
from bench.words.wording import amount, percent, size, spoken


def check(checked: Check, *, across: bool = False) -> str:
    """Say how a candidate stands against a limit, without the candidate's name.

    Args:
        checked: what was checked.
        across: whether the board is that of all tasks, so that the task is to be named.
    """
    text = _check(checked)
    return f"{text} on '{checked.task}'" if across else text


def _check(checked: Check) -> str:
    limit, column, what = checked.limit, checked.column, spoken(checked.column.name)
    if checked.value is None:
        lacking = checked.reason or "not measured"
        return f"{what} is not known ({lacking}), so the limit {limit.text} cannot be shown to hold"
    value = _share_or_amount(column, limit, checked.value)
    if checked.bound is None or checked.ends is None:
        why = "it is undefined on some resamples" if limit.of_best else checked.reason
        return f"{what} reads {value} against {limit.text}, but {why}"
    low, high = (_share_or_amount(column, limit, end) for end in checked.ends)
    if checked.estimated and checked.state == "open":
        return f"{what} is estimated at {value}, between {low} and {high}: it may be within {limit.text} or not"
    if checked.state == "inside":
        bound = _share_or_amount(column, limit, checked.bound)
        beyond = f"{'above' if limit.is_upper else 'below'} {bound} with a chance of at most {percent(checked.risk)}"
        extra = "" if checked.bound == checked.value else f" ({beyond})"
        return f"{what} {value}{extra} is within {limit.text}"
    if checked.state == "outside":
        return (
            f"{what} {value} breaks {limit.text} by {_share_or_amount(column, limit, abs(checked.value - limit.value))}"
        )
    chance = "" if checked.breaks is None else f": it breaks it with a chance of {over(checked.breaks, checked.risk)}"
    return f"{what} {value} (95 % interval {low} to {high}) is not shown to be within {limit.text}{chance}"


def _share_or_amount(column: Column, limit: Limit, value: float) -> str:
    return f"{percent(value)} of best" if limit.of_best else amount(column, value)


def slack(checked: Check) -> str:
    """Say how far a candidate is inside a limit."""
    if checked.slack is None:
        return "an unknown amount"
    return f"{100 * checked.slack:.1f} % of best" if checked.limit.of_best else size(checked.column, checked.slack)


def has_interval(checked: Check) -> bool:
    """Tell whether it is known how much a reading varies."""
    return not checked.estimated and checked.ends is not None and checked.ends[0] < checked.ends[1]


def counted_from(checked: Check) -> str:
    """Say where a slack is counted from: an end of the interval, or the reading itself where it has none."""
    end = "upper" if checked.limit.is_upper else "lower"
    if checked.estimated:
        return f", counted from the {end} bound of the estimate"
    if checked.value == checked.bound:
        return ", counted from the reading itself, which has no interval" if not checked.exact else ""
    side = "exceeds" if checked.limit.is_upper else "falls short of"
    return f", counted from what it {side} with a chance of at most {percent(checked.risk)}"


def over(chance: float, taken: float) -> str:
    """Write a chance so that it does not read as one that is taken where it is above it."""
    text = percent(chance)
    return f"just over {text}" if chance > taken and text == percent(taken) else text


def break_value(point: BreakPoint) -> str:
    """Write the value of a limit at which the pick changes, with its unit."""
    return f"{100 * point.at:.2f} % of best" if point.limit.of_best else amount(point.column, point.at)


def break_point(point: BreakPoint) -> str:
    """Say whom the rule favours on either side of a break point of a limit."""
    first, second = (
        f"the rule favours {name}" if name else "nobody is eligible" for name in (point.below, point.above)
    )
    until, then = ("below", "from there on") if point.at_is_above else ("up to", "above it")
    return f"With the limit on {spoken(point.limit.name)} {until} {break_value(point)} {first}; {then} {second}."
