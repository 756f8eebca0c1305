"""The price of a broken limit: what the chance of breaking one takes off a candidate's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.decision import stages
from bench.decision.board import Board
from bench.decision.constraints import Check, chance_broken, state_of
from bench.decision.rule import Stage
from bench.suite import DecisionSpec


def charged_rule(
    board: Board, checks: Sequence[Sequence[Check]], spec: DecisionSpec, *, left_out: bool = False
) -> list[Stage]:
    """Make the stages of the suite's rule, the chance of breaking a limit being paid for in the first of them.

    What is taken off the score of a candidate that keeps its limits at the suite's risk is the chance that it breaks
    one, times the price of a broken limit, `decision.broken_limit`. Without one nothing is taken off: the risk alone
    bounds how often a limit is broken. The draws stay as they are, since in a draw it is known who breaks a limit.

    Args:
        board: the candidates.
        checks: of each candidate against the limits as they stand.
        spec: the suite's decision.
        left_out: the preferred objective was taken off the board.

    Raises:
        InputError: there is no such rule, or the suite lacks what it needs.
    """
    rule = stages.of_rule(board, spec, left_out=left_out)
    if not rule or spec.broken_limit is None:
        return rule
    first, *rest = rule
    chances = np.array([_chance(own) for own in checks])
    return [replace(first, scores=first.scores - spec.broken_limit * chances), *rest]


def _chance(checks: Sequence[Check]) -> float:
    """Give the chance that a candidate breaks a limit; 0 for one that is not eligible, and cannot be picked."""
    return (chance_broken(checks) or 0.0) if state_of(checks) == "inside" else 0.0
