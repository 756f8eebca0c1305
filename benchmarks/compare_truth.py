"""How often `bench compare` finds a difference where there is none, and how often it finds one that is there.

    python benchmarks/compare_truth.py [--quick] [--seed 7001] [--json FILE]

Every row is a world with a known truth, judged by the shipped functions and by what stood in their place before (old).
The old ones are written out here: the paired bootstrap over groups, draws of samples alone for one process, Student's
t over the processes of one pair, and unpaired facts. A row passes when the new one errs in at most 6.5 % of the runs
where 5 % is claimed (two standard errors of 1000 runs), and finds what it must.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray

from bench.stats import bootstrap, order, paired, processes
from bench.stats.processes import Levels
from bench.stats.resample import Resamples

Floats = NDArray[np.float64]
LEVEL = 0.05
MOST_ERRORS = 0.065
MEDIAN = 0.5


@dataclass
class Found:
    """What one run of a world found."""

    old: bool
    new: bool | None
    """None where nothing was tested."""


def share(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])


def few_groups(rng: np.random.Generator, groups: int, gap: float) -> Found:
    """Two systems on groups of 20 answers, a third of whose variance is the group's."""
    size = 20
    easy = rng.normal(0, 1, groups)[:, None]
    own = rng.normal(0, 1, (2, groups))[:, :, None]  # each system has groups that suit it
    right = [(easy + own[i] + rng.normal(0, 1, (groups, size)) < 0.8 + gap * i).sum(axis=1) for i in (0, 1)]
    a, b = (np.column_stack([each, np.full(groups, size)]).astype(float) for each in right)
    drawn = [share(sums) for sums in Resamples(groups, 500, int(rng.integers(2**31))).sums([a, b])]
    gaps = drawn[1] - drawn[0]
    observed = float(share(b.sum(axis=0)) - share(a.sum(axis=0)))
    extreme = np.count_nonzero(np.abs(gaps - gaps.mean()) >= abs(observed))
    old = (extreme + 1) / (gaps.size + 1) <= LEVEL
    return Found(old, paired.grouped_difference(a, b, share).p() <= LEVEL)


def levels_of(samples: list[Floats], rng: np.random.Generator) -> Levels:
    def variance(values: Floats) -> float:
        return bootstrap.robust_variance(np.log(bootstrap.quantile_draws(values, MEDIAN, 200, rng)))

    pooled = np.concatenate(samples)
    return Levels(
        tuple(range(len(samples))),
        np.log([order.quantile(values, MEDIAN) for values in samples]),
        np.array([variance(values) for values in samples]),
        np.array([float(values.size) for values in samples]),
        float(np.log(order.quantile(pooled, MEDIAN))),
        variance(pooled),
    )


def block(
    rng: np.random.Generator, candidates: int, rounds: int, gap: float, between: float, drift: float = 0.0
) -> list[list[Floats]]:
    """Timings of candidates whose processes differ by `between`; the second is exp(gap) as slow as the first."""
    machine = rng.normal(0, drift, rounds)
    shifts = np.concatenate([[0.0, gap], rng.normal(0, 1, max(0, candidates - 2))])[:candidates]
    return [
        [np.exp(shift + slow + rng.normal(0, between) + rng.normal(0, 0.2, 60)) for slow in machine] for shift in shifts
    ]


def old_ratio(a: list[Floats], b: list[Floats], rng: np.random.Generator) -> bool:
    """Student's t of one pair over its rounds, less 0.41 of the samples' variance; of one round, samples alone."""

    def logs(first: Floats, second: Floats, count: int) -> Floats:
        drawn = [np.log(bootstrap.quantile_draws(values, MEDIAN, count, rng)) for values in (first, second)]
        return np.asarray(drawn[1] - drawn[0])

    within = np.mean([logs(x, y, 1000) for x, y in zip(a, b, strict=True)], axis=0)
    if len(a) > 1:
        points = [np.log(order.quantile(y, MEDIAN) / order.quantile(x, MEDIAN)) for x, y in zip(a, b, strict=True)]
        noise = np.mean([bootstrap.robust_variance(logs(x, y, 200)) for x, y in zip(a, b, strict=True)])
        between = max(0.0, float(np.var(points, ddof=1)) - 0.41 * float(noise))
        within = within + rng.standard_t(len(a) - 1, size=within.size) * (between / len(a)) ** 0.5
    return not np.quantile(within, 0.025) <= 0 <= np.quantile(within, 0.975)


def speed(
    rng: np.random.Generator, candidates: int, rounds: int, gap: float, between: float, drift: float = 0.0
) -> Found:
    timed = block(rng, candidates, rounds, gap, between, drift)
    old = old_ratio(timed[0], timed[1], rng)
    levels = [levels_of(samples, rng) for samples in timed]
    spread = processes.paired_spread_of(levels)
    if spread is None:
        return Found(old, None)
    ratio = processes.paired_ratio(levels[0], levels[1], spread)
    return Found(old, None if ratio is None else ratio.p <= LEVEL)


def energy(rng: np.random.Generator, rounds: int, gap: float) -> Found:
    """Joules read once a process; the round's own load moves both sides by a fifth."""
    machine = rng.normal(0, 0.2, rounds)
    logs = [shift + machine + rng.normal(0, 0.03, rounds) for shift in (0.0, gap, 0.5, -0.3)]
    values = [np.exp(each) for each in logs[:2]]
    sides = []
    for each in values:
        scale = float(each.std(ddof=1)) / rounds**0.5
        sides.append(np.maximum(1e-3, np.median(each) + scale * rng.standard_t(rounds - 1, size=4000)))
    drawn = sides[1] / sides[0]
    old = not np.quantile(drawn, 0.025) <= 1 <= np.quantile(drawn, 0.975)
    zeros = np.zeros(rounds)
    levels = [Levels(tuple(range(rounds)), each, zeros, np.ones(rounds), float(each.mean()), 0.0) for each in logs]
    spread = processes.paired_spread_of(levels)
    assert spread is not None
    ratio = processes.paired_ratio(levels[0], levels[1], spread)
    return Found(old, ratio is not None and ratio.p <= LEVEL)


World = Callable[[np.random.Generator], Found]
WORLDS: list[tuple[str, World, float | None]] = [
    *(
        (f"A/A, {groups} groups of 20", lambda rng, g=groups: few_groups(rng, g, 0.0), None)
        for groups in (2, 3, 5, 10, 30)
    ),
    ("power, 10 groups of 20, 1.5 deviations apart", lambda rng: few_groups(rng, 10, 1.5), 0.5),
    ("A/A, one process each, processes differ by 5 %", lambda rng: speed(rng, 2, 1, 0.0, 0.05), None),
    ("A/A, 2 processes, 2 candidates, by 5 %", lambda rng: speed(rng, 2, 2, 0.0, 0.05), None),
    ("A/A, 2 processes, 6 candidates, by 5 %", lambda rng: speed(rng, 6, 2, 0.0, 0.05), None),
    ("A/A, 3 processes, 6 candidates, by 5 %, drift 10 %", lambda rng: speed(rng, 6, 3, 0.0, 0.05, 0.1), None),
    ("A/A, 3 processes, 6 candidates, that do not differ", lambda rng: speed(rng, 6, 3, 0.0, 0.0), None),
    ("power, 2 processes, 6 candidates, 4 times as fast", lambda rng: speed(rng, 6, 2, np.log(4), 0.05), 0.99),
    ("power, 3 processes, 6 candidates, 20 % slower", lambda rng: speed(rng, 6, 3, np.log(1.2), 0.05), 0.8),
    ("A/A, energy of 3 repeats, rounds by 20 %", lambda rng: energy(rng, 3, 0.0), None),
    ("power, energy of 3 repeats, 15 % more", lambda rng: energy(rng, 3, np.log(1.15)), 0.8),
]


def examples_needed(contract: Contract, runs: int, rng: np.random.Generator) -> None:
    """Tell the numbers of examples that the same truth, measured again and again, is said to need."""
    n, difference, error = 1000, 0.02, 0.007
    seen = rng.normal(difference, error, runs)
    old = np.array([paired.examples_needed(d, error, n) or 0 for d in seen])
    true = paired.examples_needed(difference, error, n) or 0
    ranges = [paired.examples_range(d, error, n) for d in seen]
    held = np.mean([r is not None and r.least <= true and (r.most is None or true <= r.most) for r in ranges])
    low, high = np.quantile(old, [0.1, 0.9])
    contract.tell(f"      examples needed, truth {true:,}: old says {low:,.0f} to {high:,.0f} (8 runs in 10)")
    contract.hold("examples needed: the range holds the truth", float(held), at_least=0.6)


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the runs")
    parser.add_argument("--seed", type=int, default=7001)
    options = parser.parse_args()
    contract, runs = Contract(), 200 if options.quick else 1000
    most = MOST_ERRORS + (0.02 if options.quick else 0.0)
    for number, (name, world, least) in enumerate(WORLDS):
        rng = np.random.default_rng([options.seed, number])
        found = [world(rng) for _ in range(runs)]
        old = np.mean([one.old for one in found])
        tested = [one.new for one in found if one.new is not None]
        new = float(np.mean(tested)) if tested else 0.0
        shown = f"old {100 * old:.1f} %, new {100 * new:.1f} %" + ("" if tested else ", not tested")
        if least is None:
            contract.hold(name, new, at_most=most, shown=shown)
        else:
            contract.hold(name, new, at_least=least, shown=shown)
    examples_needed(contract, 5 * runs, np.random.default_rng([options.seed, 99]))
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
