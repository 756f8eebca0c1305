"""How often a certified front is wrong and how much of it is settled, by simulation of whole runs with a known truth.

    python benchmarks/fronts.py [--quick] [--runs 100] [--seed 70000] [--only "exact ties"] [--json FILE]

Each run draws models with true qualities, latencies, energies and sizes, makes answers and processes from them, and
sends the cells through the same board and front as a real run. A run errs once a model that is not on the true front
is said to be on it, and once a true member is said to be dominated; each may happen in 5 % of the runs. Beside it
stands the rule that was in its place before (old): exact McNemar and replicates, Bonferroni's correction over all
objectives, candidates and pairs, and timings of one process taken as proof. It is written out here.

In the worlds of the first group the old rule settles about as many members and outsiders as in an audit of it, which
found 45 / 5, 20 / 5 and 13 / 0 %; there the new one must settle 54 / 17, 53 / 16 and 19 / 4. Those of the second are
made to be hard: exact ties, a hair's breadth, noise that differs by six, two processes, one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binom

from bench.decision import Question, evidence, fronts
from bench.decision.board import Board
from bench.decision.build import build
from bench.decision.paired import RightAnswers
from bench.decision.pareto import nondominated
from bench.metrics.accuracy import Accuracy
from bench.record import Cell, Fact, Sample
from bench.stats import processes
from bench.stats.paired import holm
from bench.stats.processes import Levels
from bench.suite import CellJob, DataSpec, DecisionSpec, ModelSpec, TaskSpec
from bench.summary import Entry, Quantity, facts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SPREAD = 0.05
"""Between processes of one candidate, as a standard deviation of logarithms."""
DRIFT = 0.05
"""Of the machine between rounds, which all candidates share."""
WITHIN = 0.02
"""Of what a process reads, by its requests."""
REQUESTS = 60
"""Of the one process, where there is one."""
REPLICATES = 1000
MOST_ERRORS = 0.05
QUICK, MORE = 30, 3
"""Runs of a hard world with `--quick`, and how many times as many are made where shares of settled models are held."""
JOB = CellJob(
    model=ModelSpec(name="m", family="baseline", strategy="majority"),
    task=TaskSpec(name="t", kind="classification", data=DataSpec(builtin="pydocs"), metrics=["accuracy"]),
)
"""Of every cell."""


@dataclass(frozen=True)
class Truth:
    """What the models of one run are."""

    skill: Floats
    latency: Floats
    energy: Floats
    size: Floats

    def members(self) -> Flags:
        return nondominated(np.column_stack([self.skill, -self.latency, -self.energy, -self.size]))


@dataclass(frozen=True)
class World:
    """A population of models and how they are measured."""

    name: str
    models: int
    examples: int
    make: Callable[[int, np.random.Generator], Truth]
    processes: int = 3
    noise: Callable[[int], Floats] = np.ones
    """Of each model's processes, times `SPREAD`."""
    memory: bool = False
    """Whether the size is a peak of memory that was read once, within 1 %, and not counted."""
    members: float | None = None
    """Share of the members that the new rule must settle."""
    outsiders: float | None = None


def population(lost: float, apart: float) -> Callable[[int, np.random.Generator], Truth]:
    """Models that are better the larger they are, and lose up to `lost` by chance; costs differ by `apart` at one
    size."""

    def make(m: int, rng: np.random.Generator) -> Truth:
        effort = np.sort(rng.uniform(0, 1, m))
        skill = np.clip(0.65 + 0.3 * effort**0.7 - lost * rng.uniform(0, 1, m), 0.05, 0.98)
        latency = 0.005 * np.exp(2.5 * effort + rng.normal(0, apart, m))
        energy = latency * np.exp(rng.normal(0, apart, m))
        return Truth(skill, latency, energy, np.round(400e6 * np.exp(2.5 * effort), -6))

    return make


def doubled(skill: float = 0.0, latency: float = 1.0, energy: float = 1.0, size: float = 1.0) -> Callable[..., Truth]:
    """Half of the models, and each once more, that much better in skill and that many times as costly."""

    def make(m: int, rng: np.random.Generator) -> Truth:
        half = population(0.06, 0.2)(m // 2, rng)
        return Truth(
            np.concatenate([half.skill, np.clip(half.skill + skill, 0.05, 0.98)]),
            np.concatenate([half.latency, half.latency * latency]),
            np.concatenate([half.energy, half.energy * energy]),
            np.concatenate([half.size, half.size * size]),
        )

    return make


def alike(step: float, cost: float, size: float) -> Callable[..., Truth]:
    """Models each a step better than the one before, that many times as slow and as large."""

    def make(m: int, rng: np.random.Generator) -> Truth:
        place = np.arange(m)
        return Truth(0.8 + step * place, 0.01 * cost**place, 0.02 * cost**place, 200e6 * size**place)

    return make


def uneven(m: int) -> Floats:
    """Every third model is six times as noisy as the others."""
    return np.where(np.arange(m) % 3 == 0, 3.0, 0.5)


def one_noisy(m: int) -> Floats:
    """The first model is six times as noisy as all others."""
    return np.where(np.arange(m) == 0, 6.0, 1.0)


HAIR = 1e-5
AUDIT = (
    World("10 models, 1000 examples", 10, 1000, population(0.09, 0.2), members=0.54, outsiders=0.17),
    World(
        "10 models, 1000 examples, memory read once",
        10,
        1000,
        population(0.1, 0.2),
        memory=True,
        members=0.53,
        outsiders=0.16,
    ),
    World("30 models, 200 examples", 30, 200, population(0.14, 0.4), members=0.19, outsiders=0.04),
)
HARD = (
    World("exact ties: all but size", 10, 300, doubled(size=1.5)),
    World("exact ties: costs alone, worse answers", 10, 300, doubled(skill=-0.15)),
    World("exact ties: answers alone, twice the cost", 10, 300, doubled(latency=2, energy=2)),
    World("exact ties: in everything", 10, 300, doubled()),
    World("exact ties: 30 models, all but size", 30, 200, alike(0, 1, 1.1)),
    World("exact ties: 30 models, answers alone", 30, 200, alike(0, 1.3, 1)),
    World("near ties: a hair better, twice the cost", 10, 300, doubled(skill=HAIR, latency=2, energy=2, size=2)),
    World("near ties: a hair faster, worse answers", 10, 300, doubled(-0.15, 1 - HAIR, 1 - HAIR, 2)),
    World("near ties: 30 models, each a hair better", 30, 200, alike(HAIR, 1.3, 1)),
    World("unequal noise: ties in all but size", 10, 300, doubled(size=1.5), noise=uneven),
    World("unequal noise: ties in costs", 10, 300, doubled(skill=-0.15), noise=uneven),
    World("unequal noise: 30 models, ties in costs", 30, 200, doubled(skill=-0.15), noise=uneven),
    World("unequal noise: 4 models, ties in costs", 4, 300, doubled(skill=-0.15), noise=uneven),
    World("two processes: ties in costs", 10, 300, doubled(skill=-0.15), processes=2),
    World("two processes: unequal noise, ties in costs", 10, 300, doubled(skill=-0.15), processes=2, noise=uneven),
    World("two processes: 4 models, unequal noise, ties in costs", 4, 300, doubled(-0.15), processes=2, noise=uneven),
    World("two processes: 6 models, unequal noise, ties in costs", 6, 300, doubled(-0.15), processes=2, noise=uneven),
    World("two processes: 8 models, unequal noise, ties in costs", 8, 300, doubled(-0.15), processes=2, noise=uneven),
    World("two processes: 6 models, one is noisy, ties in costs", 6, 300, doubled(-0.15), processes=2, noise=one_noisy),
    World("two processes: one is noisy, ties in costs", 10, 300, doubled(-0.15), processes=2, noise=one_noisy),
    World("three processes: one is noisy, ties in costs", 10, 300, doubled(-0.15), noise=one_noisy),
    World("one process: ties in all but size", 10, 300, doubled(size=1.5), processes=1),
    World("one process: a hair faster, worse answers", 10, 300, doubled(-0.15, 1 - HAIR, 1 - HAIR, 2), processes=1),
    World("memory read once: ties in all but size", 10, 300, doubled(size=1.01), memory=True),
)


def samples(n: int) -> tuple[Sample, ...]:
    return tuple(Sample(i, str(i), "yes", "yes", (0.0, 0.0)) for i in range(n))


def cells(world: World, truth: Truth, rng: np.random.Generator, rows: tuple[Sample, ...]) -> list[Entry]:
    """Returns a cell for each model; answers are correlated through how hard each example is, readings through the
    machine and the process."""
    m, rounds = world.models, world.processes
    hard = rng.normal(size=world.examples)
    right = np.sqrt(0.5) * (hard + rng.normal(size=(m, world.examples))) < ndtri(truth.skill)[:, None]
    luck = SPREAD * world.noise(m)[:, None] * rng.normal(size=(m, rounds))
    readings = {}
    for name, values in (("latency_p50_s", truth.latency), ("energy_per_example_j", truth.energy)):
        own = 0.7 * luck + 0.7 * SPREAD * world.noise(m)[:, None] * rng.normal(size=(m, rounds))
        readings[name] = np.log(values)[:, None] + DRIFT * rng.normal(size=rounds) + own
        readings[name] += WITHIN * rng.normal(size=(m, rounds))
    levels = [{name: _levels(table[i]) for name, table in readings.items()} for i in range(m)] if rounds > 1 else []
    spreads = {
        name: spread for name in readings if levels and (spread := processes.spread_of([own[name] for own in levels]))
    }
    accuracy = Accuracy()
    out = []
    for i in range(m):
        facts = _facts(world, float(truth.size[i]), np.exp(readings["energy_per_example_j"][i]), rng)
        timed = np.exp(readings["latency_p50_s"][i].mean() + 0.15 * rng.normal(size=REQUESTS))
        latency = Quantity(
            float(np.exp(readings["latency_p50_s"][i].mean())), None, None, REQUESTS, "s", "clock", False
        )
        outcomes = np.column_stack([right[i], np.ones(world.examples)]).astype(np.float64)
        quality = Quantity(float(right[i].mean()), None, None, world.examples, "ratio", "accuracy", True)
        name = f"m{i}"
        out.append(
            Entry(
                Cell(
                    name,
                    "encoder",
                    "float32",
                    "t",
                    "classification",
                    JOB,
                    {"model": name, "run": int(rng.integers(2**31))},
                ),
                "ok",
                None,
                {"accuracy": quality},
                {"latency_p50_s": latency, **facts},
                (),
                samples=rows,
                statistics={"accuracy": outcomes},
                metrics={"accuracy": accuracy},
                timed={"latency": (timed,)},
                levels=levels[i] if levels else {},
                spreads=spreads,
            )
        )
    return out


def _levels(points: Floats) -> Levels:
    return Levels(
        tuple(range(points.size)),
        points,
        np.full(points.size, WITHIN**2),
        np.full(points.size, float(REQUESTS)),
        float(points.mean()),
        WITHIN**2 / points.size,
    )


def _facts(world: World, size: float, energies: Floats, rng: np.random.Generator) -> dict[str, Quantity]:
    """Returns energy, which every process reads, and the size, counted or read once."""
    energy = [Fact("energy_per_example_j", float(e), "J", "nvml_counter", process=i) for i, e in enumerate(energies)]
    if world.memory:
        peak = [Fact("model_memory_bytes", size * float(np.exp(0.005 * rng.normal())), "bytes", "rss")]
        return {name: facts.merge(name, read) for name, read in ((energy[0].name, energy), (peak[0].name, peak))}
    weights = [Fact("weights_bytes", size, "bytes", "torch")]
    return {name: facts.merge(name, read) for name, read in ((energy[0].name, energy), (weights[0].name, weights))}


def old_labels(board: Board) -> tuple[Flags, Flags]:
    """Tells who is certified and who is dominated by the rule before this one."""
    m, k = len(board.names), board.objectives
    values, draws = board.oriented[:, :k], board.oriented_draws[:, :, :k]
    better, noisy = np.ones((m, m, k)), np.zeros((m, m, k), dtype=np.bool_)
    no_worse = better.copy()
    for c in range(k):
        for i in range(m):
            gaps = evidence.Gaps.between(draws[:, i, c], draws[:, :, c].T, values[i, c] - values[:, c])
            noisy[i, :, c] = gaps.varies
            better[i, :, c] = evidence.p_above(gaps, np.zeros(m), strict=True)
            no_worse[i, :, c] = evidence.p_above(gaps, np.zeros(m), strict=False)
    answers = board.tests[0]
    assert isinstance(answers, RightAnswers)
    only, pairs = answers.only_row, answers.only_row + answers.only_row.T
    exact = np.where(pairs > 0, binom.sf(only - 1, pairs, 0.5), 1.0)
    better[:, :, 0] = exact
    no_worse[:, :, 0] = np.where(pairs > 0, exact, no_worse[:, :, 0])
    counted = np.array([[bool(q and q.exact) for q in row[:k]] for row in board.quantities])
    as_read = (np.ptp(board.draws[:, :, :k], axis=0) == 0) & ~counted
    as_read[:, 0] = False
    pair_read = as_read[:, None] | as_read[None, :]
    proof, no_worse_proof = np.where(pair_read, 1.0, better), np.where(pair_read, 1.0, no_worse)
    somewhere = np.minimum(1.0, np.maximum(1, noisy.sum(axis=2)) * proof.min(axis=2))
    undominated = np.minimum(somewhere, no_worse_proof.max(axis=2))
    np.fill_diagonal(undominated, 0.0)
    dominates = no_worse.max(axis=2)
    np.fill_diagonal(dominates, 1.0)
    members, outsiders = undominated.max(axis=1), np.minimum(1.0, (m - 1) * dominates.min(axis=0))
    return _stands(members), _stands(outsiders)


def _stands(p: Floats) -> Flags:
    return np.array([adjusted <= evidence.LEVEL for adjusted in holm(p.tolist())])


@dataclass
class Tally:
    """Counts over the runs of one world."""

    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("on", "out", "any"), 0))
    settled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("members", "outsiders"), 0))

    def add(self, on: Flags, out: Flags, members: Flags) -> None:
        wrong_on, wrong_out = bool((on & ~members).any()), bool((out & members).any())
        for name, wrong in (("on", wrong_on), ("out", wrong_out), ("any", wrong_on or wrong_out)):
            self.errors[name] += wrong
        self.settled["members"] += int((on & members).sum())
        self.settled["outsiders"] += int((out & ~members).sum())


def simulate(world: World, runs: int, seed: int) -> tuple[dict[str, Tally], dict[str, int]]:
    """Returns the tallies of both rules, and how many members and outsiders there were."""
    size = "model_memory_bytes" if world.memory else "weights_bytes"
    question = Question(
        ("quality", "latency_p50_s", "energy_per_example_j", size), rule=DecisionSpec(replicates=REPLICATES)
    )
    tallies, there = {"old": Tally(), "new": Tally()}, {"members": 0, "outsiders": 0}
    rows = samples(world.examples)
    for run in range(runs):
        rng = np.random.default_rng([seed, run, *world.name.encode()])
        truth = world.make(world.models, rng)
        members = truth.members()
        board = build("t", cells(world, truth, rng, rows), question)
        standings = fronts.find(board, [()] * world.models).standings
        labels = np.array([standing.label for standing in standings])
        tallies["old"].add(*old_labels(board), members)
        tallies["new"].add(labels == "on the front", labels == "dominated", members)
        there["members"] += int(members.sum())
        there["outsiders"] += int((~members).sum())
    return tallies, there


def judge(contract: Contract, world: World, runs: int, seed: int) -> None:
    tallies, there = simulate(world, runs, seed)
    errors = {
        rule: ", ".join(f"{100 * tally.errors[name] / runs:.1f}" for name in ("on", "out", "any"))
        for rule, tally in tallies.items()
    }
    settled = {
        rule: " / ".join(f"{100 * tally.settled[name] / max(1, there[name]):.0f}" for name in there)
        for rule, tally in tallies.items()
    }
    both = f"settled old {settled['old']} %, new {settled['new']} %"
    worst = max(tallies["new"].errors["on"], tallies["new"].errors["out"]) / runs
    # what is claimed, and two standard errors of as many runs
    bound = MOST_ERRORS + 2 * (MOST_ERRORS * (1 - MOST_ERRORS) / runs) ** 0.5
    shown = f"runs with a wrong member, outsider, either: old {errors['old']} %, new {errors['new']} %; {both}"
    contract.hold(world.name, worst, at_most=round(bound, 4), shown=shown)
    for name, least in (("members", world.members), ("outsiders", world.outsiders)):
        if least is not None:
            share = tallies["new"].settled[name] / max(1, there[name])
            old = tallies["old"].settled[name] / max(1, there[name])
            contract.hold(
                f"  {name} settled", share, at_least=least, shown=f"old {100 * old:.1f} %, new {100 * share:.1f} %"
            )


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--runs",
        type=int,
        default=100,
        help="of each hard world, and three times as many of the others; default: %(default)s",
    )
    parser.add_argument("--seed", type=int, default=70000)
    parser.add_argument("--only", default="", help="only worlds whose name contains this")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} runs of each hard world")
    args = parser.parse_args()
    contract = Contract()
    for world in (*AUDIT, *HARD):
        runs = QUICK if args.quick else args.runs
        if args.only in world.name:
            judge(contract, world, MORE * runs if world.members is not None else runs, args.seed)
    sys.exit(contract.close(args.json))


if __name__ == "__main__":
    main()
