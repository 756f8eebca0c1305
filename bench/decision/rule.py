"""What a rule is: its name, what it needs of the suite, its stages, and how it is explained.

A rule is one file in `bench/decision/rules/` that ends in `RULE = ...`, named as the file is, with `-` for `_`; or an
entry point in `bench.rules` of another package.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.suite import DecisionSpec

if TYPE_CHECKING:
    from bench.decision.board import Board

Floats = NDArray[np.float64]


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
        """Tell which candidates pass, for scores of shape `(..., M)` with −inf where already out."""
        best = scores.max(axis=-1, keepdims=True)
        allowed = self.slack * np.abs(best) if self.slack_is_relative else self.slack
        with np.errstate(invalid="ignore"):
            return np.asarray(scores >= best - allowed, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What a rule looks at: a board, and what the suite says."""

    board: Board
    spec: DecisionSpec
    preferred: int
    """The column to optimise."""
    left_out: bool = False
    """Whether the suite's preferred objective was taken off the board, to see what changes without it. What may be
    given up of it is then without meaning, and exchange rates, which are written in its unit, only weigh the others."""

    @property
    def costs(self) -> list[int]:
        """List the other objectives, in the suite's order."""
        return [c for c in range(self.board.objectives) if c != self.preferred]

    def column(self, name: str) -> int | None:
        """Find the column of this name; None where the task has no such thing, or no candidate has a value of it."""
        return valued_column(self.board, name)

    def stage(self, column: int, slack: float = 0.0, *, relative: bool = False) -> Stage:
        """Make a stage that passes what is within `slack` of the best of a column.

        Args:
            column: of the board.
            slack: in the column's unit, or a share of the best.
            relative: whether it is a share.
        """
        sign = self.board.columns[column].sign
        scores, draws = sign * self.board.values[:, column], sign * self.board.draws[:, :, column]
        return Stage(self.board.columns[column].name, column, scores, draws, slack, relative, {column: sign})

    def by_margin(self, columns: Sequence[int]) -> list[Stage]:
        """Make stages that pass what is within each column's own margin of the best."""
        chosen = [(c, self.board.columns[c]) for c in columns]
        return [self.stage(c, column.margin, relative=column.margin_is_relative) for c, column in chosen]

    def without_slack(self, columns: Sequence[int]) -> list[Stage]:
        """Make stages that settle what the rule's own stages leave open."""
        return [self.stage(c) for c in columns]


class Rule(ABC):
    """One way to pick from the candidates that meet every limit."""

    name: ClassVar[str]
    """As the suite writes it."""
    needs: ClassVar[Mapping[str, str]] = {}
    """Keys of the suite's `decision` section that the rule cannot do without, each with what to write there."""
    phrase: ClassVar[str]
    """What is picked, to end the sentence "of the models that are shown to meet every limit, the one with …". It may
    hold `{preferred}` (the objective to optimise), `{ties}` (by what equals are told apart), `{cheapest}` (the first of
    the other objectives), `{epsilon}`, `{order}` and `{rates}` of the suite."""
    weighs_by_rates: ClassVar[bool] = False
    """Whether it uses exchange rates, which are written in the unit of the preferred objective."""
    takes_best: ClassVar[bool] = False
    """Whether it takes what is best in the preferred objective, so that the others only settle ties."""

    @abstractmethod
    def stages(self, situation: Situation) -> list[Stage]:
        """Make the stages of the rule, at least one of which looks at something that a candidate has."""


def valued_column(board: Board, name: str) -> int | None:
    """Find the column of this name that has a value for some candidate; None where there is no such column."""
    c = board.column(name)
    return None if c is None or np.isnan(board.values[:, c]).all() else c
