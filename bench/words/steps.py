"""What to measure next, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bench.decision.board import Board
from bench.decision.next_step import How, NextStep, Observations
from bench.words.wording import duration, listed, some, spoken

UNITS = {"batches": "batch", "processes": "process"}
"""Singular of what does not only lose its s."""
KEYS = {
    "processes": "more `measure.processes`",
    "requests": "a longer `measure.window_s`",
    "token gaps": "a longer `measure.window_s`",
    "batches": "a longer `measure.window_s`",
}
"""What in the suite makes a run measure more of something."""


def next_step(board: Board, step: NextStep) -> str:
    """Say what to measure, as a phrase without a full stop.

    Args:
        board: on which something is open; that of all tasks has its tasks named.
        step: what to measure.
    """
    if not step.is_possible:
        return _lacking(board, step)
    if step.how is How.MORE:
        text = listed([_observations(board, part) for part in step.parts])
        told = [duration(step.seconds)] if step.seconds else []
        return f"{text}{_bracketed([*told, *_how(board, step)])}"
    place = "" if board.task else f" on '{step.first.task}'"
    what = f"{spoken(step.first.column)} of {listed(step.first.models)}{place}"
    if step.how is How.METER:
        return f"{what} by a meter of the hardware in place of the estimate"
    return f"{what} (missing: {step.reason})" if step.reason else what


def _how(board: Board, step: NextStep) -> list[str]:
    """Name the options that let more examples be answered: of the race where it left some of the run's, else of the
    data; and the keys by which more is measured."""
    options = []
    for part in step.parts:
        options += [KEYS[part.unit]] if part.unit in KEYS and part.more else []
        own = board.part(part.task)
        if part.unit == "examples" and part.more and own.available is not None:
            answered = own.examples().get(own.task, 0)
            of_run = answered if own.race is None else own.race.total
            options += ["`--until all`"] if answered < of_run else []
            options += [f"`max_examples: {answered + part.more}`"] if answered + part.more > of_run else []
    return [f"with {listed(list(dict.fromkeys(options)))}"] if options else []


def _bracketed(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def _observations(board: Board, part: Observations) -> str:
    place = "" if board.task else f" on '{part.task}'"
    unit = UNITS.get(part.unit, part.unit.removesuffix("s"))
    counted = f"1 more {unit}" if part.more == 1 else f"{part.more:,} more {part.unit}"
    return f"{counted} of {some(part.models)}{place}{_read(part)}"


def _read(part: Observations) -> str:
    """Name what is read from them, where that is not the quality of the answers."""
    return "" if part.unit == "examples" else f" for {spoken(part.column)}"


def _lacking(board: Board, step: NextStep) -> str:
    """Say how many examples it takes, and how many of them the data have."""
    told = []
    for part in (part for part in step.parts if part.lacking):
        place = "" if board.task else f" on '{part.task}'"
        needed = float(f"{part.more + part.lacking:.2g}")
        left = f"{part.more:,}" if part.more else "none"
        told.append(f"some {needed:,.0f} more examples of {some(part.models)}{place}; the data set has {left} left")
    return ", and ".join(told)
