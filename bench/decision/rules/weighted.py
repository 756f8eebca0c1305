"""The best sum of all objectives, each weighed by an exchange rate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.decision.rule import Rule, Situation, Stage
from bench.suite.limits import parse_rate


class Weighted(Rule):
    """Take the best sum, everything being converted into the preferred objective by `decision.rates`."""

    name = "weighted"
    needs: ClassVar = {
        "rates": "such as latency_p95_s: '20 ms per 0.01' (20 ms are worth 0.01 of the preferred objective)"
    }
    phrase = "the best sum of {preferred} and the others, where {rates}"
    weighs_by_rates = True

    def stages(self, situation: Situation) -> list[Stage]:
        """Pass what has the best sum, then settle ties by each objective."""
        everything = [situation.preferred, *situation.costs]
        return [*self._utility(situation), *situation.without_slack(everything)]

    def _utility(self, situation: Situation) -> list[Stage]:
        """Make the stage of the sum; none when the board has nothing that the rates weigh."""
        board, prefer = situation.board, None if situation.left_out else situation.preferred
        weights = np.zeros(len(board.columns))
        if prefer is not None:
            weights[prefer] = board.columns[prefer].sign
        for name, text in situation.spec.rates.items():
            c = situation.column(name)
            if c is not None and c != prefer:
                weights[c] = board.columns[c].sign * parse_rate(name, text)
        used = np.flatnonzero(weights)
        if not used.size:
            return []
        scores, counts = board.values[:, used] @ weights[used], {int(c): float(weights[c]) for c in used}
        return [Stage("utility", None, scores, board.draws[:, :, used] @ weights[used], weights=counts)]


RULE = Weighted()
