"""The rules of a pick, as a list of stages: each keeps the candidates near its best score and hands the rest
on.

Every rule is such a list, so that a pick from the observed values, a pick per replicate and a pick under
another limit all run through the same few lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.decision.board import Board
from bench.errors import InputError
from bench.suite import DecisionSpec
from bench.suite.limits import parse_rate

Floats = NDArray[np.float64]


UNDEFINED = -float(np.finfo(np.float64).max) / 2
"""The score of a metric that is undefined on a resample: worse than any other, so that it speaks against a pick."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step of a rule."""

    name: str
    """What it looks at: a column's name, or `utility`."""
    column: int | None
    """The board's column; None for a utility over several."""
    scores: Floats
    """As observed, larger is better, shape `(M,)`."""
    draws: Floats
    """Replicates, shape `(B, M)`."""
    slack: float = 0.0
    """How much below the best still passes, in the score's unit."""
    slack_is_relative: bool = False
    weights: Mapping[int, float] = field(default_factory=dict)
    """By column of the board: what its value counts in the score, so that the score is their sum."""

    def keeps(self, scores: Floats) -> NDArray[np.bool_]:
        """Returns which candidates pass, for scores of shape `(..., M)` with −inf where already out."""
        best = scores.max(axis=-1, keepdims=True)
        allowed = self.slack * np.abs(best) if self.slack_is_relative else self.slack
        with np.errstate(invalid="ignore"):
            return np.asarray(scores >= best - allowed, dtype=np.bool_)


def stages(board: Board, spec: DecisionSpec, *, left_out: bool = False) -> list[Stage]:
    """Returns the stages of the suite's rule on this board; empty when the board has no column to prefer.

    Args:
        board: the candidates.
        spec: the rule.
        left_out: the preferred objective was taken off the board. What may be given up of it is then without
            meaning, and the exchange rates, which are written in its unit, only weigh the others against each other.

    Raises:
        InputError: `lexicographic` without an order, or `weighted` without rates.
    """
    if not board.columns:
        return []
    prefer = preferred(board, spec)
    costs = [c for c in range(board.objectives) if c != prefer]
    if spec.rule == "lexicographic":
        if not spec.order:
            raise InputError("the rule 'lexicographic' needs decision.order: objectives, most important first")
        order = [c for name in spec.order if (c := known(board, name)) is not None]
        return [
            *_by_margin(board, order),
            *_rest(board, [c for c in range(board.objectives) if c not in order]),
        ]
    if spec.rule == "weighted":
        return [*_utility(board, spec, None if left_out else prefer), *_rest(board, [prefer, *costs])]
    if spec.rule == "cheapest-within-epsilon" and left_out:
        return [*_by_margin(board, [0] if board.objectives else []), *_rest(board, list(range(board.objectives)))]
    if spec.rule == "cheapest-within-epsilon":
        near = _stage(board, prefer, spec.epsilon, relative=False)
        return [near, *_by_margin(board, costs[:1]), *_rest(board, [prefer, *costs])]
    return [*_by_margin(board, [prefer]), *_rest(board, [*costs, prefer])]


def preferred(board: Board, spec: DecisionSpec) -> int:
    """Returns the column to optimise: as the suite says, else the first quality objective, else the first
    objective."""
    asked = known(board, spec.prefer) if spec.prefer else None
    if asked is not None:
        return asked
    return next((c for c in range(board.objectives) if board.columns[c].is_quality), 0)


def known(board: Board, name: str) -> int | None:
    """Returns the column of this name; None where the task has no such thing, or no candidate has a value of it."""
    c = board.column(name)
    return None if c is None or np.isnan(board.values[:, c]).all() else c


def _stage(board: Board, c: int, slack: float, *, relative: bool) -> Stage:
    sign = board.columns[c].sign
    scores, draws = sign * board.values[:, c], sign * board.draws[:, :, c]
    return Stage(board.columns[c].name, c, scores, draws, slack, relative, {c: sign})


def _by_margin(board: Board, columns: Sequence[int]) -> list[Stage]:
    """Returns stages that pass what is within each column's own margin of the best."""
    chosen = [(c, board.columns[c]) for c in columns]
    return [_stage(board, c, column.margin, relative=column.margin_is_relative) for c, column in chosen]


def _rest(board: Board, columns: Sequence[int]) -> list[Stage]:
    """Returns stages without slack, which settle what the rule's own stages leave open."""
    return [_stage(board, c, 0.0, relative=False) for c in columns]


def _utility(board: Board, spec: DecisionSpec, prefer: int | None) -> list[Stage]:
    """Returns the weighted rule's stage: everything in units of the preferred objective (None when it was left out),
    by the exchange rates; nothing when the board has nothing that they weigh."""
    if not spec.rates:
        raise InputError(
            "the rule 'weighted' needs decision.rates, such as latency_p95_s: '20 ms per 0.01' "
            "(20 ms are worth 0.01 of the preferred objective)"
        )
    weights = np.zeros(len(board.columns))
    if prefer is not None:
        weights[prefer] = board.columns[prefer].sign
    for name, text in spec.rates.items():
        c = known(board, name)
        if c is not None and c != prefer:
            weights[c] = board.columns[c].sign * parse_rate(name, text)
    used = np.flatnonzero(weights)
    if not used.size:
        return []
    scores, counts = board.values[:, used] @ weights[used], {int(c): float(weights[c]) for c in used}
    return [Stage("utility", None, scores, board.draws[:, :, used] @ weights[used], weights=counts)]


def pickable(board: Board, rule: Sequence[Stage], rows: Sequence[int]) -> list[int]:
    """Returns those of `rows` for which every stage has a score."""
    return [row for row in rows if not unscored(board, rule, row)]


def unscored(board: Board, rule: Sequence[Stage], row: int) -> list[int]:
    """Returns the columns that the rule looks at and of which a candidate has no value."""
    looked_at = dict.fromkeys(c for stage in rule for c in stage.weights)
    return [c for c in looked_at if np.isnan(board.values[row, c])]


def pick(rule: Sequence[Stage], rows: Sequence[int]) -> int | None:
    """Returns the row that the rule picks from the observed values; None when there is no candidate."""
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
    """Returns the row that the rule picks in each replicate, shape `(B,)`.

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
    """Returns the stage at which the rule prefers `row` to `other`; None when it never tells them apart."""
    for stage in rule:
        first, second = stage.keeps(stage.scores[[row, other]])
        if not (first and second):
            return stage
    return None
