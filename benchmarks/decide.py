"""What the decision costs at scale, against a plain Python loop that does the same work.

    python benchmarks/decide.py [--models 20] [--examples 10000] [--replicates 2000] [--loop 4] [--points
    1000000]

The work: draw resamples of the examples, compute every model's score (a ratio of sums) on each, and find each
replicate's front over the score, a latency and a size. Both sides get the same latency draws. The loop runs
on a few replicates and is scaled; the scale is printed. The loop's fronts are checked against ours on the
same resamples.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray

from bench.decision.pareto import nondominated, nondominated_stack
from bench.stats.resample import Resamples

Floats = NDArray[np.float64]
SEED = 42
WANTED_RATIO = 100.0
"""The loop takes minutes where a person waits for seconds."""


def inputs(models: int, examples: int, replicates: int) -> tuple[list[Floats], Floats, Floats]:
    """Returns each model's sufficient statistics `(n, 2)`, latency draws `(B, M)` and sizes `(M,)`."""
    rng = np.random.default_rng(SEED)
    lengths = rng.integers(5, 40, examples).astype(float)
    tables = []
    for m in range(models):
        hits = rng.binomial(lengths.astype(int), 0.6 + 0.3 * m / models).astype(float)
        tables.append(np.column_stack([hits, lengths]))
    latency = 0.01 * np.exp(2 * np.arange(models) / models) * rng.lognormal(0, 0.05, (replicates, models))
    return tables, latency, 1e6 * (1 + rng.permutation(models).astype(float))


def ours(tables: list[Floats], latency: Floats, sizes: Floats, replicates: int) -> NDArray[np.bool_]:
    """Returns the fronts, shape `(B, M)`."""
    sums = Resamples(len(tables[0]), replicates, SEED).sums(tables)
    scores = np.column_stack([table[:, 0] / table[:, 1] for table in sums])
    return nondominated_stack(np.stack([scores, -latency, np.broadcast_to(-sizes, latency.shape)], axis=2))


def loop(tables: list[Floats], latency: Floats, sizes: Floats, counts: list[list[int]]) -> list[list[bool]]:
    """Returns the fronts by plain loops over replicates, models and examples."""
    rows = [[(float(h), float(n)) for h, n in table] for table in tables]
    fronts = []
    for b, weights in enumerate(counts):
        indices = [i for i, count in enumerate(weights) for _ in range(count)]
        points = []
        for m, table in enumerate(rows):
            hits = total = 0.0
            for i in indices:
                hits += table[i][0]
                total += table[i][1]
            points.append((hits / total, -float(latency[b, m]), -float(sizes[m])))
        fronts.append([not any(_dominates(other, point) for other in points) for point in points])
    return fronts


def _dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--loop", type=int, default=4, help="replicates that the plain loop runs")
    parser.add_argument("--points", type=int, default=1_000_000)
    args = parser.parse_args()
    tables, latency, sizes = inputs(args.models, args.examples, args.replicates)
    start = time.perf_counter()
    fronts = ours(tables, latency, sizes, args.replicates)
    mine = time.perf_counter() - start
    first = next(Resamples(args.examples, args.replicates, SEED).chunks())[: args.loop].tolist()
    start = time.perf_counter()
    plain = loop(tables, latency, sizes, first)
    slow = (time.perf_counter() - start) * args.replicates / len(first)
    if plain != fronts[: len(first)].tolist():
        raise SystemExit("the loop and bench disagree on the fronts")
    print(f"{args.models} models x {args.examples:,} examples x {args.replicates:,} replicates, fronts included")
    print(f"bench {mine:8.2f} s")
    scale = args.replicates / len(first)
    print(f"loop  {slow:8.0f} s  ({len(first)} replicates run, scaled by {scale:g}; same fronts)")
    for columns in (2, 3, 4):
        cloud = np.random.default_rng(SEED).normal(size=(args.points, columns))
        start = time.perf_counter()
        members = int(nondominated(cloud).sum())
        took = time.perf_counter() - start
        print(f"front of {args.points:,} points in {columns} objectives: {took:.2f} s, {members} members")
    contract = Contract()
    contract.hold("times faster than the loop", slow / mine, at_least=WANTED_RATIO)
    return contract.close(args.json)


if __name__ == "__main__":
    sys.exit(main())
