"""The best of the preferred objective; among equals, the cheapest."""

from __future__ import annotations

from bench.decision.rule import Rule, Situation, Stage


class BestQualityWithinBudget(Rule):
    """Take what is best in the preferred objective, ties by the other objectives in the suite's order."""

    name = "best-quality-within-budget"
    phrase = "the best {preferred}{ties}"
    takes_best = True

    def stages(self, situation: Situation) -> list[Stage]:
        """Pass what is within the preferred objective's margin of the best, then settle ties by the others."""
        best = situation.by_margin([situation.preferred])
        return [*best, *situation.without_slack([*situation.costs, situation.preferred])]


RULE = BestQualityWithinBudget()
