"""What to measure next, in words."""

from __future__ import annotations

from bench.decision.board import Board
from bench.decision.next_step import How, NextStep, Observations
from bench.words.wording import duration, listed, spoken

UNITS = {"batches": "batch", "processes": "process"}
"""Singular of what does not only lose its s."""


def next_step(board: Board, step: NextStep) -> str:
    """Say what to measure, as a phrase without a full stop.

    Args:
        board: on which something is open; that of all tasks has its tasks named.
        step: what to measure.
    """
    if step.how is How.MORE:
        text = listed([_observations(board, part) for part in step.parts])
        return f"{text} ({duration(step.seconds)} at batch size 1)" if step.seconds else text
    place = "" if board.task else f" on '{step.first.task}'"
    what = f"{spoken(step.first.column)} of {listed(step.first.models)}{place}"
    if step.how is How.METER:
        return f"{what} by a meter of the hardware in place of the estimate"
    return f"{what} (missing: {step.reason})" if step.reason else what


def _observations(board: Board, part: Observations) -> str:
    place = "" if board.task else f" on '{part.task}'"
    if part.lacking:
        return _exhausted(part, place)
    unit = UNITS.get(part.unit, part.unit.removesuffix("s"))
    counted = f"1 more {unit}" if part.more == 1 else f"{part.more:,} more {part.unit}"
    return f"{counted} of {listed(part.models)}{place} for {spoken(part.column)}"


def _exhausted(part: Observations, place: str) -> str:
    """Say that the data set has fewer examples than it takes."""
    what = f"{listed(part.models)}{place} for {spoken(part.column)}"
    if not part.more:
        return f"{what} on data beyond this data set (all of it is used)"
    return f"the {part.more:,} examples of the data set that are left, of {what}; they are likely to be too few"
