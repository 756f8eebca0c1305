"""How often a race until the front is settled places somebody wrongly, and what it spares: replays and simulations.

    python benchmarks/race_front.py [--races 100] [--world NAME] [--guarantee predictive]

Each race asks in an order of its own, through the code that a run uses; beside the latency stands a size, which grows
with it but for some luck. A place is wrong where, with all examples answered, another candidate that is no dearer is
better than one called on the front by more than the margin, or one called off it is better than everybody no dearer by
more than that; by a judgement that is written down here a second time. At most 5 % of the races of each world may have
a wrong place. What is called "tie" may be either. Told beside it: races in which a place that is called on or off is
otherwise by any difference, however small; ties; the share of the answers that were asked for.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
from contract import Contract
from numpy.typing import NDArray
from race import raced, races_parser, truth_of
from race_worlds import Kind, World, worlds

from bench.decision.board import Column
from bench.racing import Guarantee, Look, Race
from bench.racing.state import Membership, Place, RacedColumn, Until

Floats = NDArray[np.float64]

WRONG = 0.05
SIZE = "weights_bytes"


@dataclass(frozen=True)
class Result:
    """One race."""

    wrong: bool
    otherwise: bool
    """Whether a place that is called on or off is not that of the values of all answers."""
    share: float
    ties: float
    members: float
    """Share of the candidates that are called on the front."""
    risk: float
    """As the race says."""


def race_once(world: World, kind: Kind, race: Race) -> Result:
    """Race one world until the front is settled."""
    models = len(world.costs)
    sizes = world.costs * np.random.default_rng(race.seed).lognormal(0, 0.3, models)
    verdict, share = raced(world, kind, race, lambda look: with_size(look, sizes))
    called = [place.membership for place in verdict.places]
    wrong, otherwise = judge_places(world, race, sizes, {place.name: place for place in verdict.places})
    return Result(
        wrong,
        otherwise,
        share,
        called.count(Membership.TIE) / models,
        called.count(Membership.ON) / models,
        min(1.0, sum(place.chance for place in verdict.places)),
    )


def with_size(look: Look, sizes: Floats) -> Look:
    """Add a second cost."""
    contestants = tuple(
        replace(own, values={**own.values, SIZE: float(size)})
        for own, size in zip(look.contestants, sizes, strict=True)
    )
    column = RacedColumn(Column(SIZE, SIZE, "bytes", higher_is_better=False))
    return replace(look, columns=(*look.columns, column), objectives=3, contestants=contestants)


def judge_places(world: World, race: Race, sizes: Floats, places: dict[str, Place]) -> tuple[bool, bool]:
    """Tell whether any place is wrong by more than the margin, and whether any is by however little."""
    quality, margin = truth_of(world, race)
    wrong = otherwise = False
    for m, own in enumerate(quality):
        rivals = (world.costs <= world.costs[m]) & (sizes <= sizes[m]) & (np.arange(len(quality)) != m)
        best = float(np.max(quality[rivals], initial=-np.inf))
        match places[f"m{m}"].membership:
            case Membership.ON:
                wrong, otherwise = wrong or best > own + margin, otherwise or best >= own
            case Membership.OFF:
                wrong, otherwise = wrong or own > best + margin, otherwise or own > best
            case Membership.TIE:
                wrong = wrong or abs(own - best) > margin
            case Membership.OPEN:
                raise SystemExit(f"the race ended with m{m} open")
    return wrong, otherwise


def main() -> int:
    """Race every world."""
    args = races_parser(__doc__).parse_args()
    contract = Contract()
    for guarantee in Guarantee:
        shares: list[float] = []
        for kind in worlds():
            if args.world not in kind.name or kind.rule or args.guarantee not in (None, guarantee.value):
                continue
            results = []
            for number in range(args.seed, args.seed + args.races):
                rng = np.random.default_rng([number, *kind.name.encode()])
                race = Race(guarantee, seed=number, until=Until.FRONT)
                results.append(race_once(kind.draw(rng), kind, race))
            shares.append(show(kind, guarantee, results, contract))
        if shares:
            contract.tell(
                f"{guarantee.value}: {100 * min(shares):.0f} to {100 * max(shares):.0f} % of the answers, "
                f"{100 * float(np.mean(shares)):.0f} % on average"
            )
    return contract.close(args.json)


def show(kind: Kind, guarantee: Guarantee, results: list[Result], contract: Contract) -> float:
    """Print one world's line, hold its bound, and return the mean share of answers."""

    def mean(name: str) -> float:
        return 100 * float(np.mean([getattr(result, name) for result in results]))

    told = (
        f"asked {mean('share'):.0f} % of the answers, on {mean('members'):.0f} %, ties {mean('ties'):.0f} %, said risk "
        f"{mean('risk'):.1f} %, races with a place otherwise by however little {mean('otherwise'):.0f} %"
    )
    contract.hold(
        f"{guarantee.value}, {kind.name}: races with a wrong place (%) · {told}",
        mean("wrong"),
        at_most=100 * WRONG,
    )
    return mean("share") / 100


if __name__ == "__main__":
    sys.exit(main())
