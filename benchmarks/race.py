"""How often a race picks wrongly, and what it spares: replays of stored answers and simulations with a known end.

    python benchmarks/race.py [--races 100] [--world NAME] [--guarantee predictive]
    python benchmarks/race.py --keep results answers.npz      # make a world of the latest run in results

Each race asks in an order of its own, through the code that a run uses. Its pick is wrong when the pick of all answers
is better by more than the margin, by a judgement that is written down here a second time. At most 5 % of the races of
each world may be wrong; over the worlds in which candidates differ the mean share of the answers that were asked for
may be 0.35 by the default guarantee; that of the other is told.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray
from race_worlds import COST, Kind, World, keep, make_metric, worlds

from bench.decision.board import Column
from bench.racing import Contestant, Ending, Guarantee, Look, Order, Out, Race, Verdict, judge, next_count, shuffle
from bench.racing.gather import margin_of
from bench.racing.state import RacedColumn
from bench.suite import DecisionSpec

Floats = NDArray[np.float64]

WRONG = 0.05
SHARE = 0.35
RATE = 0.02 / 0.01
"""Of `weighted` in `race_worlds`: quality per second."""


@dataclass(frozen=True)
class Result:
    """One race."""

    wrong: bool
    share: float
    """Of all answers, those that were asked for."""
    ending: Ending
    risk: float
    """As the race says."""


def race_once(world: World, kind: Kind, race: Race) -> Result:
    """Race one world to its end."""
    verdict, share = raced(world, kind, race)
    assert verdict.ending is not None and verdict.pick is not None
    return Result(is_wrong(world, kind, race, int(verdict.pick[1:])), share, verdict.ending, verdict.risk)


def raced(
    world: World, kind: Kind, race: Race, see: Callable[[Look], Look] = lambda look: look
) -> tuple[Verdict, float]:
    """Race one world, whose candidates are called `m0`, `m1`, …, to its end.

    Args:
        see: what is made of each look before it is judged.

    Returns:
        The last verdict; of all answers, the share that was asked for.
    """
    models, total, _ = world.statistics.shape
    order = shuffle([str(i) for i in range(total)], world.groups or (None,) * total, race.seed)
    rows = world.statistics[:, list(order.positions)]
    names = [f"m{i}" for i in range(models)]
    answered = dict.fromkeys(names, 0)
    answering: tuple[str, ...] = tuple(names)
    out: tuple[Out, ...] = ()
    verdict: Verdict | None = None
    while verdict is None or verdict.ending is None:
        count = next_count(order, max(answered[name] for name in answering))
        answered |= dict.fromkeys(answering, count)
        verdict = judge(see(look_at(world, kind, race, order, rows, answered, out)))
        answering, out = verdict.answering, verdict.out
    return verdict, sum(answered.values()) / (models * total)


def look_at(
    world: World,
    kind: Kind,
    race: Race,
    order: Order,
    rows: Floats,
    answered: dict[str, int],
    out: tuple[Out, ...],
) -> Look:
    """Describe what has been answered so far."""
    metric = make_metric(world.metric)
    quality = Column("quality", metric.name, metric.unit, metric.higher_is_better)
    values = np.abs([float(metric.value(own.sum(axis=0))) for own in rows])
    contestants = tuple(
        Contestant(name, n, {COST: float(world.costs[m])}, {metric.name: rows[m, :n]})
        for m, (name, n) in enumerate(answered.items())
    )
    columns = (
        RacedColumn(quality, margin_of(metric, race.margin, float(values.max())), metric),
        RacedColumn(Column(COST, COST, "s", higher_is_better=False)),
    )
    spec = DecisionSpec.model_validate(kind.rule)
    return Look("t", race, spec, columns, 2, order.ends, contestants, order.digest, out)


def is_wrong(world: World, kind: Kind, race: Race, pick: int) -> bool:
    """Tell whether the pick of all answers is better than a pick by more than the margin."""
    quality, margin = truth_of(world, race)
    if kind.rule.get("rule") == "weighted":
        quality = quality - RATE * world.costs
    if kind.rule.get("rule") != "cheapest-within-epsilon":
        return bool(quality.max() - quality[pick] > margin)
    threshold = quality.max() - DecisionSpec().epsilon
    cheaper = world.costs < world.costs[pick]
    return bool(quality[pick] < threshold - margin or (cheaper & (quality > threshold + margin)).any())


def truth_of(world: World, race: Race) -> tuple[Floats, float]:
    """Compute the qualities by all answers, more being better, and the margin that does not matter."""
    metric = make_metric(world.metric)
    values = np.array([float(metric.value(own.sum(axis=0))) for own in world.statistics])
    margin = margin_of(metric, race.margin, float(np.abs(values).max())) * (1 + 1e-9)
    return values if metric.higher_is_better else -values, margin


def race_kind(kind: Kind, guarantee: Guarantee, races: int, first: int) -> list[Result]:
    """Race worlds of one kind."""
    out = []
    for number in range(first, first + races):
        rng = np.random.default_rng([number, *kind.name.encode()])
        out.append(race_once(kind.draw(rng), kind, Race(guarantee, seed=number)))
    return out


def show(kind: Kind, guarantee: Guarantee, results: list[Result], contract: Contract) -> float:
    """Print one world's line, hold its bound, and return the mean share of answers."""
    share = float(np.mean([result.share for result in results]))
    wrong = float(np.mean([result.wrong for result in results]))
    risk = float(np.mean([result.risk for result in results]))
    early = float(np.mean([result.ending is not Ending.DATA_SPENT for result in results]))
    said = f"asked {100 * share:.0f} % of the answers, ended early in {100 * early:.0f} %, said risk {100 * risk:.1f} %"
    contract.hold(f"{guarantee.value}, {kind.name}: wrong picks (%) · {said}", 100 * wrong, at_most=100 * WRONG)
    return share


def races_parser(description: str | None) -> argparse.ArgumentParser:
    """Make the options of a script that races worlds."""
    parser = make_parser(description)
    parser.add_argument("--races", type=int, default=100, help="of each world; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="number of the first race")
    parser.add_argument("--world", default="", help="only worlds whose name contains this")
    parser.add_argument("--guarantee", choices=[own.value for own in Guarantee], help="only this one")
    return parser


def main() -> int:
    parser = races_parser(__doc__)
    parser.add_argument("--keep", nargs=2, type=Path, metavar=("RESULTS", "FILE"), help="keep the scores of a run")
    args = parser.parse_args()
    if args.keep:
        keep(*args.keep)
        return 0
    contract = Contract()
    for guarantee in Guarantee:
        if args.guarantee not in (None, guarantee.value):
            continue
        shares: dict[bool, list[float]] = {True: [], False: []}
        for kind in worlds():
            if args.world in kind.name:
                results = race_kind(kind, guarantee, args.races, args.seed)
                shares[kind.tied].append(show(kind, guarantee, results, contract))
        if shares[False]:
            name, share = f"{guarantee.value}: mean share of answers where candidates differ", np.mean(shares[False])
            if guarantee is Race().guarantee:
                contract.hold(name, float(share), at_most=SHARE)
            else:
                contract.tell(f"{name}: {share:.2f}")
        if shares[True]:
            contract.tell(f"{guarantee.value}: mean share of answers where all are alike: {np.mean(shares[True]):.2f}")
    return contract.close(args.json)


if __name__ == "__main__":
    sys.exit(main())
