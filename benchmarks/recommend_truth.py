"""Whether the answer is right, and as sure as it says, by simulation of whole runs with a known truth.

    python benchmarks/recommend_truth.py [--worlds 600] [--replicates 400] [--seed 7000]

Each world draws models with true accuracies and p95 latencies, a baseline, and a limit on the latency that some of
them break; makes examples and timings from them; and sends the records through the same code as a real run. The answer
of this version is held beside that of the rule before it, which shipped only what the 95 % interval showed to be within
the limit and what came first in 80 % of the resamples, and was silent otherwise.

Told for each kind of world: how often there is an answer; how often it keeps the limit and is within one point of the
best that does; how often it breaks the limit; how often it is the baseline. Over all worlds: of the answers that said
80 to 90 % (and so on) to be the best choice, the share that was; and the same for the chance of breaking the limit.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.decision import Question, decide
from bench.decision.case import Recommendation
from bench.record import Cell, Record, Sample, Timing
from bench.suite import CellJob, DataSpec, DecisionSpec, ModelSpec, TaskSpec
from bench.suite.limits import Limit, parse_limit
from bench.summary import Entry, summarise

Floats = NDArray[np.float64]
TASK = TaskSpec(name="t", kind="classification", data=DataSpec(builtin="pydocs"), metrics=["accuracy"])
OBJECTIVES = ("quality", "latency_p95_s")
SPREAD = 0.25
"""Standard deviation of the logarithm of a request's duration."""
P95 = 1.6448536
ONE_POINT = 0.01
BASELINE = "floor"
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 1.01)
"""Of a chance that was said: those at 99 % and more are certain as far as draws can tell."""


@dataclass(frozen=True)
class World:
    """A kind of world."""

    name: str
    models: int
    examples: int
    requests: int
    close: bool
    """Whether the models lie within three points of each other, else anywhere."""
    at_limit: bool
    """Whether several latencies lie within 10 % of the limit."""


WORLDS = (
    World("spread, 300 examples", 8, 300, 150, close=False, at_limit=False),
    World("close, 300 examples", 8, 300, 150, close=True, at_limit=False),
    World("at the limit, 300 examples", 8, 300, 150, close=False, at_limit=True),
    World("close and at the limit, 150 examples", 6, 150, 100, close=True, at_limit=True),
)


@dataclass
class Tally:
    """What happened in the worlds of a kind, under one rule."""

    answers: int = 0
    near: int = 0
    """Answers that keep the limit and are within one point of the best that does."""
    broke: int = 0
    floors: int = 0
    worlds: int = 0

    def line(self) -> str:
        """Show the shares of the worlds."""
        share = {name: 100 * getattr(self, name) / max(1, self.worlds) for name in ("answers", "near", "broke")}
        return (
            f"an answer in {share['answers']:5.1f} %, within one point in {share['near']:5.1f} %, "
            f"breaks the limit in {share['broke']:4.1f} %, the baseline {self.floors}"
        )


@dataclass
class Calibration:
    """Chances that were said, and whether it came to be."""

    said: list[float] = field(default_factory=list)
    came: list[bool] = field(default_factory=list)

    def add(self, chance: float, *, came: bool) -> None:
        """Take down one."""
        self.said.append(chance)
        self.came.append(came)

    def rows(self) -> list[tuple[float, float, int, float, float]]:
        """Give for each bin its ends, its count, the mean of what was said, and the share that came to be."""
        said, came = np.array(self.said), np.array(self.came)
        out = []
        for low, high in pairwise(BINS):
            own = (said >= low) & (said < high)
            if own.any():
                out.append((low, min(high, 1.0), int(own.sum()), float(said[own].mean()), float(came[own].mean())))
        return out


def truth(world: World, rng: np.random.Generator) -> tuple[Floats, Floats, float]:
    """Draw accuracies and p95 latencies of the models, the last a baseline, and the limit on the latency."""
    effort = np.sort(rng.uniform(0, 1, world.models))
    lost = rng.uniform(0, 0.03, world.models) if world.close else rng.uniform(0, 0.15, world.models)
    skill = np.clip((0.85 if world.close else 0.6) + (0.02 if world.close else 0.3) * effort**0.7 - lost, 0.05, 0.98)
    latency = 0.005 * np.exp(2.5 * effort)
    limit = float(rng.uniform(np.quantile(latency, 0.3), np.quantile(latency, 0.9)))
    if world.at_limit:
        chosen = rng.choice(world.models, size=world.models // 2, replace=False)
        latency[chosen] = limit * rng.uniform(0.9, 1.1, chosen.size)
    return np.append(skill, 0.3), np.append(latency, 0.0005), limit


def records(world: World, rng: np.random.Generator, skill: Floats, p95: Floats) -> list[Record]:
    """Make one record per model; answers are correlated through how hard each example is."""
    hard = rng.normal(size=world.examples)
    out = []
    for index, (own, tail) in enumerate(zip(skill, p95, strict=True)):
        is_floor = index == len(skill) - 1
        mixed = np.sqrt(0.5) * (hard + rng.normal(size=world.examples))
        right = (rng.random(world.examples) < own) if is_floor else (mixed < float(ndtri(own)))
        samples = tuple(
            Sample(i, str(i), "yes", "yes" if ok else "no", (0.0, 0.0)) for i, ok in enumerate(right.tolist())
        )
        nanos = 1e9 * tail / np.exp(SPREAD * P95) * rng.lognormal(0, SPREAD, world.requests)
        timings = tuple(Timing("latency", 0, i, (i,), ns) for i, ns in enumerate(nanos.astype(int).tolist()))
        name, family = (BASELINE, "baseline") if is_floor else (f"m{index}", "encoder")
        spec = ModelSpec(name=name, family="baseline", strategy="majority")
        cell = Cell(name, family, "float32", "t", "classification", CellJob(model=spec, task=TASK), {"model": name})
        notes = {"labels": ["no", "yes"]}
        out.append(Record(cell, "ok", None, samples=samples, timings=timings, notes=notes))
    return out


def best_of(skill: Floats, p95: Floats, limit: float) -> int | None:
    """Find the best model that truly keeps the limit; None where only the baseline does."""
    keeps = np.flatnonzero(p95[:-1] <= limit)
    return None if not keeps.size else int(keeps[skill[keeps].argmax()])


def row_of(name: str) -> int:
    """Find the place of a model; the baseline is the last."""
    return -1 if name == BASELINE else int(name[1:])


def count(tally: Tally, pick: str | None, skill: Floats, p95: Floats, limit: float) -> bool:
    """Take down an answer; tell whether it was the best choice."""
    tally.worlds += 1
    if pick is None:
        return False
    row = row_of(pick)
    best = best_of(skill, p95, limit)
    tally.answers += 1
    tally.floors += pick == BASELINE
    tally.broke += bool(p95[row] > limit)
    tally.near += best is not None and bool(p95[row] <= limit and skill[row] >= skill[best] - ONE_POINT)
    return row == best


def main() -> int:
    """Run the worlds, and hold the answers to what they promise."""
    parser = make_parser(__doc__)
    parser.add_argument("--worlds", type=int, default=600, help="in all; default: %(default)s")
    parser.add_argument("--replicates", type=int, default=400, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=7000, help="number of the first world; default: %(default)s")
    arguments = parser.parse_args()
    contract = Contract()
    best, breaks = Calibration(), Calibration()
    by_world: dict[str, Calibration] = {world.name: Calibration() for world in WORLDS}
    each = max(1, arguments.worlds // len(WORLDS))
    for place, world in enumerate(WORLDS):
        now, before = Tally(), Tally()
        for number in range(each):
            rng = np.random.default_rng([arguments.seed + number, place])
            skill, p95, bound = truth(world, rng)
            limit = parse_limit("latency_p95_s", f"<= {bound * 1e3:.6f} ms")
            entries = summarise(records(world, rng, skill, p95))
            advice = _advice(entries, limit, DecisionSpec(replicates=arguments.replicates))
            was_best = count(now, advice.pick, skill, p95, bound)
            if advice.risk is not None and advice.pick is not None:
                best.add(advice.risk.best, came=was_best)
                by_world[world.name].add(advice.risk.best, came=was_best)
                breaks.add(advice.risk.breaks, came=bool(p95[row_of(advice.pick)] > bound))
            strict = _advice(entries, limit, DecisionSpec(replicates=arguments.replicates, risk=0.025))
            count(before, strict.settled_pick, skill, p95, bound)
        contract.tell(f"{world.name}: {each} worlds")
        contract.tell(f"  before  {before.line()}")
        contract.tell(f"  now     {now.line()}")
        contract.hold(f"{world.name}: an answer, % of worlds", 100 * now.answers / each, at_least=90.0)
        contract.hold(f"{world.name}: breaks the limit, % of worlds", 100 * now.broke / each, at_most=5.0)
        _table(contract, "the best choice", by_world[world.name])
        contract.hold(f"{world.name}: the baseline is shipped, worlds", now.floors, at_most=0)
    _table(contract, "the best choice", best)
    _table(contract, "breaks the limit", breaks)
    for low, high, n, _, share in best.rows():
        if (low, high) == (0.8, 0.9):
            contract.hold(f"of {n} answers that said 80 to 90 %, % that were the best", 100 * share, at_least=75.0)
            contract.hold(f"of {n} answers that said 80 to 90 %, % that were the best", 100 * share, at_most=95.0)
    return contract.close(arguments.json)


def _advice(entries: Sequence[Entry], limit: Limit, spec: DecisionSpec) -> Recommendation:
    return decide(entries, Question(OBJECTIVES, (limit,), spec)).tasks["t"].recommendation


def _table(contract: Contract, what: str, calibration: Calibration) -> None:
    contract.tell(f"chance that was said to be {what}, and how often it was")
    for low, high, n, said, share in calibration.rows():
        ends = f"{100 * low:3.0f} to {100 * high:3.0f} %"
        contract.tell(f"  {ends}: said {100 * said:5.1f} %, was {100 * share:5.1f} % of {n}")


if __name__ == "__main__":
    sys.exit(main())
