"""Picks by the stages of a rule: each keeps the candidates near its best score and hands the rest on.

Every rule is such a list, so that a pick from the observed values, a pick per replicate and a pick under
another limit all run through the same few lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.decision.board import Board
from bench.decision.rule import Rule, Situation, Stage, known
from bench.errors import InputError
from bench.suite import DecisionSpec
from bench.suite.rules import RULES

Floats = NDArray[np.float64]

UNDEFINED = -float(np.finfo(np.float64).max) / 2
"""The score of a metric that is undefined on a resample: worse than any other, so that it speaks against a pick."""


def rule_of(spec: DecisionSpec) -> Rule:
    """Load the suite's rule.

    Raises:
        InputError: there is no such rule, or the suite lacks what it needs.
    """
    rule = RULES.find(spec.rule)
    if not isinstance(rule, Rule):
        raise InputError(f"the rule '{spec.rule}' is no bench.decision.rule.Rule; see what its package exports")
    for key, what in rule.needs.items():
        if not getattr(spec, key):
            raise InputError(f"the rule '{spec.rule}' needs decision.{key}: {what}")
    return rule


def of_rule(board: Board, spec: DecisionSpec, *, left_out: bool = False) -> list[Stage]:
    """Make the stages of the suite's rule on this board; none when the board has no column to prefer.

    Args:
        board: the candidates.
        spec: the suite's decision.
        left_out: the preferred objective was taken off the board.

    Raises:
        InputError: there is no such rule, or the suite lacks what it needs.
    """
    rule = rule_of(spec)
    if not board.columns:
        return []
    return rule.stages(Situation(board, spec, preferred(board, spec), left_out))


def preferred(board: Board, spec: DecisionSpec) -> int:
    """Find the column to optimise: as the suite says, else the first quality objective, else the first objective."""
    asked = known(board, spec.prefer) if spec.prefer else None
    if asked is not None:
        return asked
    return next((c for c in range(board.objectives) if board.columns[c].is_quality), 0)


def pickable(board: Board, rule: Sequence[Stage], rows: Sequence[int]) -> list[int]:
    """List those of `rows` for which every stage has a score."""
    return [row for row in rows if not unscored(board, rule, row)]


def unscored(board: Board, rule: Sequence[Stage], row: int) -> list[int]:
    """List the columns that the rule looks at and of which a candidate has no value."""
    looked_at = dict.fromkeys(c for stage in rule for c in stage.weights)
    return [c for c in looked_at if np.isnan(board.values[row, c])]


def pick(rule: Sequence[Stage], rows: Sequence[int]) -> int | None:
    """Find the row that the rule picks from the observed values; None when there is no candidate."""
    if not rows or not rule:
        return None
    kept = list(rows)
    for stage in rule:
        passed = stage.keeps(stage.scores[kept])
        kept = [row for row, good in zip(kept, passed, strict=True) if good]
    return kept[0]


def pick_each(
    rule: Sequence[Stage], rows: Sequence[int], admitted: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Find the row that the rule picks in each replicate, shape `(B,)`.

    Args:
        rule: the stages.
        rows: the candidates.
        admitted: which of them may be picked in which replicate, shape `(B, len(rows))`, at least one in each; all by
            default.
    """
    index = np.asarray(rows, dtype=np.int64)
    mask = np.ones((len(rule[0].draws), len(index)), dtype=np.bool_) if admitted is None else admitted.copy()
    for stage in rule:
        drawn = np.nan_to_num(stage.draws[:, index], nan=UNDEFINED, posinf=np.inf, neginf=-np.inf)
        mask &= stage.keeps(np.where(mask, drawn, -np.inf))
    return np.asarray(index[mask.argmax(axis=1)], dtype=np.int64)


def parting(rule: Sequence[Stage], row: int, other: int) -> Stage | None:
    """Find the stage at which the rule prefers `row` to `other`; None when it never tells them apart."""
    for stage in rule:
        first, second = stage.keeps(stage.scores[[row, other]])
        if not (first and second):
            return stage
    return None
