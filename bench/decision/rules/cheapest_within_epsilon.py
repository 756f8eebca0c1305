"""The cheapest of those that give up at most epsilon of the preferred objective."""

from __future__ import annotations

from bench.decision.rule import Rule, Situation, Stage


class CheapestWithinEpsilon(Rule):
    """Take the cheapest of those that are within `decision.epsilon` of the best."""

    name = "cheapest-within-epsilon"
    phrase = "the best {cheapest} within {epsilon} of the best {preferred}"

    def stages(self, situation: Situation) -> list[Stage]:
        """Pass what is near the best of the preferred objective, and of these what is best in the first cost."""
        if situation.left_out:  # epsilon is in the unit of what is gone
            every = list(range(situation.board.objectives))
            return [*situation.by_margin(every[:1]), *situation.without_slack(every)]
        near = situation.stage(situation.preferred, situation.spec.epsilon)
        costs = situation.costs
        return [near, *situation.by_margin(costs[:1]), *situation.without_slack([situation.preferred, *costs])]


RULE = CheapestWithinEpsilon()
