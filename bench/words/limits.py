"""A candidate against a limit, and the values of a limit at which the pick changes, in words."""

from __future__ import annotations

from bench.decision.board import Column
from bench.decision.constraints import Check
from bench.decision.sensitivity import BreakPoint
from bench.suite.limits import Limit
from bench.words.wording import amount, percent, size, spoken


def check(found: Check, *, across: bool = False) -> str:
    """Say how a candidate stands to a limit, without the candidate's name.

    Args:
        found: what was checked.
        across: whether the board is that of all tasks, so that the task is to be named.
    """
    text = _check(found)
    return f"{text} on '{found.task}'" if across else text


def _check(found: Check) -> str:
    limit, column, what = found.limit, found.column, spoken(found.column.name)
    if found.value is None:
        return (
            f"{what} is not known ({found.reason or 'not measured'}), so the limit {limit.text} cannot be shown to hold"
        )
    value = _share_or_amount(column, limit, found.value)
    if found.bound is None or found.ends is None:
        why = "it is undefined on some resamples" if limit.of_best else found.reason
        return f"{what} reads {value} against {limit.text}, but {why}"
    low, high = (_share_or_amount(column, limit, end) for end in found.ends)
    if found.estimated and found.state == "open":
        return f"{what} is estimated at {value}, between {low} and {high}: it may be within {limit.text} or not"
    if found.state == "inside":
        end = f"upper bound {high}" if limit.is_upper else f"lower bound {low}"
        extra = "" if found.bound == found.value else f" ({end})"
        return f"{what} {value}{extra} is within {limit.text}"
    if found.state == "outside":
        return (
            f"{what} {value} breaks {limit.text} by {_share_or_amount(column, limit, abs(found.value - limit.value))}"
        )
    return f"{what} {value} (95 % interval {low} to {high}) is not shown to be within {limit.text}"


def _share_or_amount(column: Column, limit: Limit, value: float) -> str:
    return f"{percent(value)} of best" if limit.of_best else amount(column, value)


def slack(found: Check) -> str:
    """Say how far a candidate is inside a limit."""
    if found.slack is None:
        return "an unknown amount"
    return f"{100 * found.slack:.1f} % of best" if found.limit.of_best else size(found.column, found.slack)


def counted_from(found: Check) -> str:
    """Say from where a slack is counted: an end of the interval, or the reading itself where it has none."""
    end = "upper" if found.limit.is_upper else "lower"
    if found.estimated:
        return f", counted from the {end} bound of the estimate"
    if found.value == found.bound:
        return ", counted from the reading itself, which has no interval" if not found.exact else ""
    return f", counted from the {end} end of its 95 % interval"


def break_value(point: BreakPoint) -> str:
    """Write the value of a limit at which the pick changes, with its unit."""
    return f"{100 * point.at:.2f} % of best" if point.limit.of_best else amount(point.column, point.at)


def break_point(point: BreakPoint) -> str:
    """Say whom the rule favours on either side of a value of a limit."""
    first, second = (
        f"the rule favours {name}" if name else "nobody is eligible" for name in (point.below, point.above)
    )
    until, then = ("below", "from there on") if point.at_is_above else ("up to", "above it")
    return f"With the limit on {spoken(point.limit.name)} {until} {break_value(point)} {first}; {then} {second}."
