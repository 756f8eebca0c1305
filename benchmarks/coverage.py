"""Coverage of every interval that bench prints, by simulation with a known truth.

    python benchmarks/coverage.py [--runs 2000] [--json FILE]

For each kind of interval, n and distribution it prints how often the 95 % interval holds the truth, and marks
what lies outside 93 to 98 %, with what the report says there. Deterministic by seed. The standard error of a
coverage of 95 % from 2000 runs is 0.5 points.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, lognorm, norm, t

from bench.stats import bootstrap, order
from bench.stats.paired import paired_proportions
from bench.stats.proportion import FEW, FEW_SAID, proportion_interval
from bench.stats.resample import Resamples

Floats = NDArray[np.float64]
Interval = tuple[float, float] | None
SIZES = (50, 200, 1000)
LOW, HIGH = 0.93, 0.98
DRAWS = 2000


@dataclass(frozen=True)
class Shape:
    """A distribution with its true mean and quantiles."""

    name: str
    draw: Callable[[np.random.Generator, int], Floats]
    mean: float
    quantile: Callable[[float], float]


def _tied(rng: np.random.Generator, n: int) -> Floats:
    """Latencies on a clock that ticks once per tenth of their spread: many ties."""
    return np.round(10.0 + rng.normal(0, 1, n), 1)


def tied_quantile(q: float) -> float:
    return round(math.ceil((norm.ppf(q) + 10.0) * 10 - 0.5) / 10, 1)


SHAPES = (
    Shape("normal", lambda rng, n: 10 + rng.normal(0, 1, n), 10.0, lambda q: 10 + float(norm.ppf(q))),
    Shape(
        "skewed",
        lambda rng, n: rng.lognormal(0, 0.5, n),
        math.exp(0.125),
        lambda q: float(lognorm.ppf(q, 0.5)),
    ),
    Shape(
        "very skewed",
        lambda rng, n: rng.lognormal(0, 1, n),
        math.exp(0.5),
        lambda q: float(lognorm.ppf(q, 1)),
    ),
    Shape("tied", _tied, 10.0, tied_quantile),
    Shape("heavy-tailed", lambda rng, n: 10 + rng.standard_t(3, n), 10.0, lambda q: 10 + float(t.ppf(q, 3))),
)


@dataclass
class Row:
    interval: str
    shape: str
    n: int
    coverage: float | None
    note: str = ""

    @property
    def outside(self) -> bool:
        return self.coverage is not None and not LOW <= self.coverage <= HIGH


def covered(runs: int, one: Callable[[np.random.Generator], Interval], truth: float, seed: int) -> float | None:
    """Returns the share of runs whose interval holds the truth; None when there is no interval at this n."""
    rng = np.random.default_rng(seed)
    found = [one(rng) for _ in range(runs)]
    known = [pair for pair in found if pair is not None]
    return float(np.mean([low <= truth <= high for low, high in known])) if known else None


def guarded_mean(values: Floats, rng: np.random.Generator) -> Interval:
    drawn = bootstrap.mean_draws(values, DRAWS, rng)
    return bootstrap.guarded_interval(drawn, float(values.mean()), (values.sum() - values) / (values.size - 1))


def quantile_rows(runs: int) -> list[Row]:
    rows = []
    for q in (0.5, 0.95, 0.99):
        for shape in SHAPES:
            for n in SIZES:
                found = covered(
                    runs,
                    lambda rng, s=shape, n=n, q=q: order.quantile_interval(s.draw(rng, n), q),
                    shape.quantile(q),
                    1,
                )
                note = f"n too small: {order.needed(q)} needed" if found is None else ""
                rows.append(Row(f"order statistics, p{100 * q:g}", shape.name, n, found, note))
    return rows


def mean_rows(runs: int) -> list[Row]:
    return [
        Row(
            "guarded BCa, mean",
            shape.name,
            n,
            covered(runs, lambda rng, s=shape, n=n: guarded_mean(s.draw(rng, n), rng), shape.mean, 2),
        )
        for shape in SHAPES
        for n in SIZES
    ]


def proportion_rows(runs: int) -> list[Row]:
    def one(rng: np.random.Generator, n: int, p: float) -> Interval:
        return proportion_interval(int(rng.binomial(n, p)), n)

    return [
        Row("proportion", f"p = {p:g}", n, covered(runs, lambda rng, n=n, p=p: one(rng, n, p), p, 3))
        for p in (0.5, 0.8, 0.95, 0.99)
        for n in SIZES
    ]


def metric_rows(runs: int) -> list[Row]:
    """Ratio of sums (as BLEU and F1 are made of): hits over lengths, both random; independent, and in groups
    of 5."""
    rows = []
    for n in SIZES:
        rows.append(
            Row("guarded BCa, ratio of sums", "skewed", n, covered(runs, lambda rng, n=n: _ratio(rng, n, 0), 0.6, 4))
        )
        rows.append(
            Row(
                "guarded BCa, clustered ratio",
                "groups of 5",
                n,
                covered(runs, lambda rng, n=n: _ratio(rng, n, 5), 0.6, 5),
            )
        )
        rows.append(Row("Agresti-Min, paired", "80 % v 83 %", n, covered(runs, lambda r, n=n: _gap(r, n), 0.03, 6)))
        found = covered(runs, lambda r, n=n: _graded(r, n), 0.015, 8)
        rows.append(Row("percentile, paired", "scores, half equal", n, found))
    return rows


def _ratio(rng: np.random.Generator, n: int, cluster: int) -> Interval:
    lengths = 4 + rng.poisson(rng.lognormal(1.5, 0.7, n))
    share = np.full(n, 0.6)
    groups = None
    if cluster:
        codes = np.arange(n) // cluster
        share = rng.beta(6, 4, codes.max() + 1)[codes]
        lengths = np.full(n, 10)
        groups = tuple(str(code) for code in codes)
    table = np.column_stack([rng.binomial(lengths, share), lengths]).astype(float)
    resamples = Resamples(n, DRAWS, int(rng.integers(2**31)), groups)

    def value(sums: Floats) -> Floats:
        return sums[..., 0] / sums[..., 1]

    drawn = value(resamples.sums([table])[0])
    return bootstrap.guarded_interval(
        drawn, float(value(table.sum(axis=0))), bootstrap.jackknife_values(resamples.by_unit(table), value)
    )


def _gap(rng: np.random.Generator, n: int) -> Interval:
    first = rng.uniform(size=n)
    redrawn = rng.uniform(size=n) < 0.1
    a = first < 0.8
    b = np.where(redrawn, rng.uniform(size=n) < 0.83, first < 0.83)
    return paired_proportions(int((a & ~b).sum()), int((b & ~a).sum()), n)


def _graded(rng: np.random.Generator, n: int) -> Interval:
    """Difference of two mean scores per example, such as ROUGE, that depend on each other."""
    easy = rng.beta(4, 2, n)
    a = np.clip(easy + rng.normal(0, 0.1, n), 0, None)
    gap = rng.normal(0.03, 0.1, n) * rng.integers(0, 2, n)
    sums = Resamples(n, DRAWS, int(rng.integers(2**31))).sums([np.column_stack([a, a + gap, np.ones(n)])])[0]
    return bootstrap.percentile_interval((sums[:, 1] - sums[:, 0]) / n, n=n)


def process_rows(runs: int) -> list[Row]:
    """Medians over P processes whose own level varies by as much, twice or none of the samples' standard
    error."""
    rows = []
    for processes in (3, 5, 10):
        for between in (0.0, 0.5, 2.0):
            name = f"P = {processes}, between {between:g} × within"
            found = covered(runs, lambda rng, p=processes, b=between: _hierarchy(rng, p, b, 100), 10.0, 7)
            rows.append(Row("hierarchical, median", name, 100, found))
    return rows


def _hierarchy(rng: np.random.Generator, processes: int, between: float, n: int) -> Interval:
    error = 1.2533 / n**0.5
    arrays = [10 + rng.normal(0, between * error) + rng.normal(0, 1, n) for _ in range(processes)]
    pooled = bootstrap.quantile_draws(np.concatenate(arrays), 0.5, DRAWS, rng)
    points = [order.quantile(array, 0.5) for array in arrays]
    each = [bootstrap.quantile_draws(array, 0.5, 400, rng) for array in arrays]
    return bootstrap.percentile_interval(bootstrap.hierarchical_draws(pooled, points, each, rng))


def said(row: Row, runs: int) -> str:
    """Returns what the report says where the coverage is outside, and how often."""
    if row.coverage is not None and row.coverage > HIGH and row.interval != "proportion":
        return "nothing: the interval is wider than it need be (equal values, few discordant pairs or processes)"
    if row.interval == "proportion":
        p = float(row.shape.removeprefix("p = "))
        few = binom.cdf(FEW - 1, row.n, min(p, 1 - p))
        return f"'{FEW_SAID}' (in {100 * few:.0f} % of runs)"
    shape = next((shape for shape in SHAPES if shape.name == row.shape), None)
    if row.interval == "guarded BCa, mean" and shape is not None:
        rng = np.random.default_rng(9)
        samples = [shape.draw(rng, row.n) for _ in range(runs)]
        share = np.mean([bootstrap.is_too_skewed((v.sum() - v) / (v.size - 1)) for v in samples])
        return f"'{bootstrap.SKEWED}' (in {100 * share:.0f} % of runs)"
    return "the number of processes, beside the interval"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = [*quantile_rows(args.runs), *proportion_rows(args.runs)]
    heavy = max(100, args.runs // 2)
    rows += [*mean_rows(heavy), *metric_rows(heavy), *process_rows(heavy)]
    print(f"{'interval':32}{'sample':34}{'n':>6}  coverage")
    for row in rows:
        shown = f"{100 * row.coverage:6.1f} %" if row.coverage is not None else f"   none  {row.note}"
        if row.outside:
            row.note = said(row, 300)
        mark = "  <-- outside; the report says: " + row.note if row.outside else ""
        print(f"{row.interval:32}{row.shape:34}{row.n:>6}  {shown}{mark}")
    measured = [row for row in rows if row.coverage is not None]
    outside = [row for row in measured if row.outside]
    print(f"\n{len(measured) - len(outside)} of {len(measured)} within {100 * LOW:g} to {100 * HIGH:g} %.")
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
