"""The objectives one after the other, in an order that the suite gives."""

from __future__ import annotations

from typing import ClassVar

from bench.decision.rule import Rule, Situation, Stage


class Lexicographic(Rule):
    """Take the best by the first objective of `decision.order`, ties by the next, and so on."""

    name = "lexicographic"
    needs: ClassVar = {"order": "objectives, most important first"}
    phrase = "the best {order}, in this order"

    def stages(self, situation: Situation) -> list[Stage]:
        """Pass what is within each objective's margin of the best, in the suite's order."""
        order = [c for name in situation.spec.order if (c := situation.column(name)) is not None]
        others = [c for c in range(situation.board.objectives) if c not in order]
        return [*situation.by_margin(order), *situation.without_slack(others)]


RULE = Lexicographic()
