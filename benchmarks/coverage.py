"""Coverage of every interval that bench prints, by simulation with a known truth.

    python benchmarks/coverage.py [--runs 2000] [--only KIND] [--quick] [--json FILE]
    python benchmarks/coverage.py --only hard --quick        # the intervals that were not true, old against new

For each kind of interval, n and distribution it prints how often the 95 % interval holds the truth. At the end it
lists what lies outside 93 to 98 %, each with the sentence that the code which makes the report's numbers put beside
the interval, and in how many of the runs. The kind `hard` holds the worlds in which earlier intervals were wrong, with
PASS or FAIL a line, old against new. Deterministic by seed. The standard error of a coverage of 95 % from
2000 runs is 0.5 points.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from contract import Contract, make_parser
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import lognorm, norm, t

from bench.compare.quality import common_examples
from bench.decision.cost import priced
from bench.decision.draws import reading_draws
from bench.measure.stopping import LOOK_GROWTH, MEDIAN_HALF_WIDTH
from bench.metrics.macro_f1 import MacroF1
from bench.record import Cell, Fact, Record, Sample, Timing
from bench.stats import bootstrap, order, processes
from bench.stats.paired import FEW_DISCORDANT, FEW_DISCORDANT_SAID, paired_proportions
from bench.stats.processes import Levels
from bench.stats.proportion import FEW_SAID, grouped_proportion, is_few, proportion_interval
from bench.stats.resample import Resamples
from bench.suite import PriceSpec
from bench.summary import Entry, Quantity, facts, quality, summarise, timings
from bench.tasks.metrics import resolve

Floats = NDArray[np.float64]
Interval = tuple[float, float] | None
SIZES = (50, 200, 1000)
HARD = "hard"
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
    """One setting: how often its interval held the truth, and what was said beside it."""

    interval: str
    shape: str
    n: int
    coverage: float | None
    said: dict[str, float] = field(default_factory=dict)
    """By sentence: the share of runs in which it stood beside the interval."""

    @property
    def outside(self) -> bool:
        return self.coverage is not None and not LOW <= self.coverage <= HIGH

    @property
    def sentences(self) -> str:
        found = [f'"{text}" (in {100 * share:.0f} % of runs)' for text, share in self.said.items()]
        return "; ".join(found) or "nothing"


Said = tuple[Interval, str | None]
"""An interval and what is said beside it."""


def row_of(
    interval: str, shape: str, n: int, runs: int, one: Callable[[np.random.Generator], Said], truth: float, seed: int
) -> Row:
    """Returns the share of runs whose interval holds the truth; None when there is no interval at this n."""
    rng = np.random.default_rng(seed)
    found = [one(rng) for _ in range(runs)]
    known = [pair for pair, _ in found if pair is not None]
    coverage = float(np.mean([low <= truth <= high for low, high in known])) if known else None
    counts = Counter(text for _, text in found if text)
    return Row(interval, shape, n, coverage, {text: count / runs for text, count in counts.most_common(2)})


def of(quantity: Quantity) -> Said:
    """Returns the interval of a number as the report shows it."""
    if quantity.ci_low is None or quantity.ci_high is None:
        return None, _said(quantity)
    return (quantity.ci_low, quantity.ci_high), _said(quantity)


def _said(quantity: Quantity) -> str | None:
    return None if quantity.reason is None else quantity.reason.sentence


def timed(name: str, arrays: Sequence[Floats], rng: np.random.Generator) -> Said:
    return of(timings.reading(name, {timings.DERIVATIONS[name].timed: tuple(arrays)}, (), rng))


def quantile_rows(runs: int) -> list[Row]:
    return [
        row_of(
            f"order statistics, {name[8:11]}",
            shape.name,
            n,
            runs,
            lambda rng, s=shape, n=n, name=name: timed(name, [s.draw(rng, n)], rng),
            shape.quantile(q),
            1,
        )
        for q, name in ((0.5, "latency_p50_s"), (0.95, "latency_p95_s"), (0.99, "latency_p99_s"))
        for shape in SHAPES
        for n in SIZES
    ]


def mean_rows(runs: int) -> list[Row]:
    return [
        row_of(
            "guarded BCa, mean",
            shape.name,
            n,
            runs,
            lambda rng, s=shape, n=n: timed("latency_mean_s", [s.draw(rng, n)], rng),
            shape.mean,
            2,
        )
        for shape in SHAPES
        for n in SIZES
    ]


def proportion_rows(runs: int) -> list[Row]:
    def one(rng: np.random.Generator, n: int, p: float) -> Said:
        right = int(rng.binomial(n, p))
        return proportion_interval(right, n), FEW_SAID if is_few(right, n) else None

    return [
        row_of("proportion", f"p = {p:g}", n, runs, lambda rng, n=n, p=p: one(rng, n, p), p, 3)
        for p in (0.5, 0.8, 0.95, 0.99)
        for n in SIZES
    ]


def metric_rows(runs: int) -> list[Row]:
    """Ratio of sums (as BLEU and F1 are made of): hits over lengths, both random; independent, and in groups
    of 5. Paired differences. Throughput, and gaps between tokens, which come by request."""
    kinds: list[tuple[str, str, Callable[[np.random.Generator, int], Said], float, int]] = [
        ("guarded BCa, ratio of sums", "skewed", lambda rng, n: _ratio(rng, n, 0), 0.6, 4),
        ("guarded BCa, clustered ratio", "groups of 5", lambda rng, n: _ratio(rng, n, 5), 0.6, 5),
        ("Agresti-Min, paired", "80 % v 83 %", _gap, 0.03, 6),
        ("percentile, paired", "scores, half equal", _graded, 0.015, 8),
        ("percentile, throughput", "skewed batches", _windows, 16 / math.exp(0.125), 10),
        ("clustered order statistics, p95", "gaps, 20 a request", _gaps, GAP_P95, 11),
    ]
    return [
        row_of(interval, shape, n, runs, lambda rng, n=n, one=one: one(rng, n), truth, seed)
        for n in SIZES
        for interval, shape, one, truth, seed in kinds
    ]


def _windows(rng: np.random.Generator, n: int) -> Said:
    seconds = rng.lognormal(0, 0.5, n)
    table = np.column_stack([seconds, np.full(n, 16.0), np.zeros((n, 2))])
    return timed("throughput_examples_per_s", [table], rng)


def _gaps(rng: np.random.Generator, n: int) -> Said:
    """n gaps of requests that have 20 each; half of the variance of a gap is the request's."""
    levels = np.repeat(rng.normal(0, 0.5**0.5, max(2, n // 20)), 20)
    values = np.exp(0.5 * (levels + rng.normal(0, 0.5**0.5, levels.size)))
    requests = np.split(values, levels.size // 20)
    return of(timings.reading("itl_p95_s", {"itl": (values,)}, requests, rng))


GAP_P95 = math.exp(0.5 * float(norm.ppf(0.95)))


def _ratio(rng: np.random.Generator, n: int, cluster: int) -> Said:
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

    drawn, left_out = value(resamples.sums([table])[0]), bootstrap.jackknife_values(resamples.by_unit(table), value)
    found = bootstrap.guarded_interval(drawn, float(value(table.sum(axis=0))), left_out)
    return found, bootstrap.SKEWED if bootstrap.is_too_skewed(left_out) else None


def _gap(rng: np.random.Generator, n: int) -> Said:
    first = rng.uniform(size=n)
    redrawn = rng.uniform(size=n) < 0.1
    a = first < 0.8
    b = np.where(redrawn, rng.uniform(size=n) < 0.83, first < 0.83)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    few = only_a + only_b < FEW_DISCORDANT
    return paired_proportions(only_a, only_b, n), FEW_DISCORDANT_SAID if few else None


def _graded(rng: np.random.Generator, n: int) -> Said:
    """Difference of two mean scores per example, such as ROUGE, that depend on each other."""
    easy = rng.beta(4, 2, n)
    a = np.clip(easy + rng.normal(0, 0.1, n), 0, None)
    gap = rng.normal(0.03, 0.1, n) * rng.integers(0, 2, n)
    sums = Resamples(n, DRAWS, int(rng.integers(2**31))).sums([np.column_stack([a, a + gap, np.ones(n)])])[0]
    return bootstrap.percentile_interval((sums[:, 1] - sums[:, 0]) / n, n=n), None


def process_rows(runs: int) -> list[Row]:
    """Medians over P processes whose own level varies by as much, twice or none of the samples' standard error: of one
    candidate, and of one among six. Facts that are read once a process."""
    rows = []
    for count in (2, 3, 5, 10):
        for between in (0.0, 0.5, 2.0):
            for candidates in (1, 6):

                def median(rng: np.random.Generator, p: int = count, b: float = between, m: int = candidates) -> Said:
                    return pooled_median([_levels(rng, p, b, 100) for _ in range(m)], rng)

                name = f"P = {count}, M = {candidates}, between {between:g} × within"
                rows.append(row_of("processes, median", name, 100, max(100, runs // 4), median, 10.0, 7))
        rows.append(row_of("Student's t, median of facts", f"P = {count}", 1, runs, _fact(count), 5.0, 13))
    return rows


def pooled_median(
    candidates: Sequence[Sequence[Floats]], rng: np.random.Generator, name: str = "latency_p50_s"
) -> Said:
    """Returns the interval of the first of several candidates, with the spread of processes pooled over all."""
    how = timings.DERIVATIONS[name]
    alone = [timings.reading(name, {how.timed: tuple(arrays)}, (), rng) for arrays in candidates]
    levels = [
        timings.levels(name, range(len(arrays)), arrays, quantity, rng)
        for arrays, quantity in zip(candidates, alone, strict=True)
    ]
    spread = processes.spread_of([each for each in levels if each is not None])
    return of(timings.over_processes(name, alone[0], levels[0], spread))


def _levels(rng: np.random.Generator, processes: int, between: float, n: int) -> list[Floats]:
    error = 1.2533 / n**0.5
    return [10 + rng.normal(0, between * error) + rng.normal(0, 1, n) for _ in range(processes)]


def _fact(processes: int) -> Callable[[np.random.Generator], Said]:
    def one(rng: np.random.Generator) -> Said:
        values = [Fact("load_s", float(v), "s", "clock", process=i) for i, v in enumerate(rng.normal(5, 1, processes))]
        return of(facts.merge("load_s", values))

    return one


def _old_grouped(table: Floats, groups: tuple[str, ...], rng: np.random.Generator) -> Interval:
    resamples = Resamples(len(table), DRAWS // 2, int(rng.integers(2**31)), groups)

    def value(sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / sums[..., 1])

    left_out = bootstrap.jackknife_values(resamples.by_unit(table), value)
    return bootstrap.guarded_interval(value(resamples.sums([table])[0]), float(value(table.sum(axis=0))), left_out)


def grouped_accuracy(rng: np.random.Generator, n: int, p: float) -> tuple[Interval, Interval]:
    """Accuracy near 1 in groups of 5, whose answers correlate by 0.3."""
    size, likeness = 5, 0.3
    strength = 1 / likeness - 1
    right = rng.binomial(size, rng.beta(p * strength, (1 - p) * strength, n // size)).astype(float)
    rows = np.concatenate([(np.arange(size) < each).astype(float) for each in right])
    table = np.column_stack([rows, np.ones(n)])
    old = _old_grouped(table, tuple(str(i // size) for i in range(n)), rng)
    return old, grouped_proportion(right, np.full(n // size, float(size)))


def rare_labels(rng: np.random.Generator, n: int) -> tuple[Interval, Interval]:
    """Macro F1 of four labels, of which one is 2 % of the examples."""
    metric, table = MACRO_F1, _labelled(rng, n)
    drawn = np.asarray(metric.value(rng.multinomial(n, np.full(n, 1 / n), size=600) @ table))
    point, left_out = float(metric.value(table.sum(axis=0))), bootstrap.jackknife_values(table, metric.value)
    old = bootstrap.guarded_interval(drawn, point, left_out)
    assert old is not None
    return old, quality.qualified(metric, point, old, left_out, table)[0]


SHARES, SKILLS = np.array([0.6, 0.3, 0.08, 0.02]), np.array([0.9, 0.8, 0.7, 0.6])
MACRO_F1 = MacroF1()


def _labelled(rng: np.random.Generator, n: int) -> Floats:
    labels = rng.choice(4, n, p=SHARES)
    answers = np.where(rng.uniform(size=n) < SKILLS[labels], labels, rng.choice(4, n, p=SHARES))
    predicted, expected = np.eye(4)[answers], np.eye(4)[labels]
    return np.hstack([predicted * expected, predicted, expected, np.ones((n, 1))])


def macro_f1_truth() -> float:
    return float(MACRO_F1.value(_labelled(np.random.default_rng(0), 1_000_000).sum(axis=0)))


def serial(rng: np.random.Generator, n: int, correlation: float = 0.5) -> Floats:
    """Latencies whose logarithms depend on those before (first order)."""
    shocks = rng.normal(size=n) * math.sqrt(1 - correlation**2)
    shocks[0] = rng.normal()
    return np.exp(0.1 * lfilter([1.0], [1.0, -correlation], shocks))


def dependent(rng: np.random.Generator, n: int, q: float) -> tuple[Interval, Interval]:
    values = serial(rng, n)
    return order.quantile_interval(values, q), order.serial_quantile_interval(values, q)


def stopped(rng: np.random.Generator) -> tuple[Interval, Interval]:
    """The median's interval where the pass stops by it, in 30 to 3000 requests."""
    values, found = serial(rng, 3000), []
    for interval_of in (order.quantile_interval, order.serial_quantile_interval):
        n = 30
        while n < 3000:
            interval = interval_of(values[:n], 0.5)
            if interval is not None and (interval[1] - interval[0]) / sum(interval) <= MEDIAN_HALF_WIDTH:
                break
            n = int(n * LOOK_GROWTH) + 1
        found.append(interval_of(values[:n], 0.5))
    return found[0], found[1]


def apart(rng: np.random.Generator, candidates: int, sizes: Sequence[int], between: float) -> tuple[Interval, Interval]:
    """Median latency over processes that differ: old is Student's t of this candidate alone."""
    timed = [[np.exp(rng.normal(0, between) + rng.normal(0, 0.2, size)) for size in sizes] for _ in range(candidates)]
    return _old_hierarchy(timed[0], rng), pooled_median(timed, rng)[0]


def _old_hierarchy(arrays: Sequence[Floats], rng: np.random.Generator) -> Interval:
    pooled = bootstrap.quantile_draws(np.concatenate(arrays), 0.5, DRAWS // 2, rng)
    if len(arrays) > 1:
        within = [bootstrap.robust_variance(bootstrap.quantile_draws(array, 0.5, 200, rng)) for array in arrays]
        points = [order.quantile(array, 0.5) for array in arrays]
        between = max(0.0, float(np.var(points, ddof=1)) - 0.41 * float(np.mean(within)))
        pooled = pooled + rng.standard_t(len(arrays) - 1, size=pooled.size) * (between / len(arrays)) ** 0.5
    ranks = order.quantile_interval(np.concatenate(arrays), 0.5)
    assert ranks is not None
    low, high = np.quantile(pooled, [0.025, 0.975])
    return min(ranks[0], float(low)), max(ranks[1], float(high))


def median_of_facts(rng: np.random.Generator, count: int) -> tuple[Interval, Interval]:
    values = rng.normal(5, 0.1, count)
    half = float(t.ppf(0.975, count - 1)) * float(values.std(ddof=1)) / count**0.5
    new = facts.merge("load_s", [Fact("load_s", float(v), "s", "clock", process=i) for i, v in enumerate(values)])
    centre = float(np.median(values))
    return (centre - half, centre + half), of(new)[0]


Pair = Callable[[np.random.Generator], tuple[Interval, Interval]]


def hard_worlds() -> list[tuple[str, Pair, float, float]]:
    """Returns names, intervals (old and new), truths, and the least coverage."""
    rare = macro_f1_truth()
    skewed = math.exp(0.1 * float(norm.ppf(0.95)))
    return [
        *(
            (f"accuracy {p:g}, groups of 5, n = {n}", lambda rng, n=n, p=p: grouped_accuracy(rng, n, p), p, 0.93)
            for p in (0.99, 0.95)
            for n in (50, 200)
        ),
        *((f"macro F1, rare labels, n = {n}", lambda rng, n=n: rare_labels(rng, n), rare, 0.93) for n in (50, 200)),
        *(
            (f"dependent latencies, p50, n = {n}", lambda rng, n=n: dependent(rng, n, 0.5), 1.0, 0.93)
            for n in (200, 1000)
        ),
        *(
            (f"dependent latencies, p95, n = {n}", lambda rng, n=n: dependent(rng, n, 0.95), skewed, 0.93)
            for n in (200, 1000)
        ),
        ("dependent latencies, p50 where the pass stops", stopped, 1.0, 0.90),
        ("2 processes of 10 candidates, by 10 %", lambda rng: apart(rng, 10, (100, 100), 0.1), 1.0, 0.93),
        ("3 processes of 10 candidates, by 10 %", lambda rng: apart(rng, 10, (100,) * 3, 0.1), 1.0, 0.93),
        ("2 processes of 4 candidates, by 2 %", lambda rng: apart(rng, 4, (100, 100), 0.02), 1.0, 0.93),
        ("processes of 20, 20, 1000, 10 candidates", lambda rng: apart(rng, 10, (20, 20, 1000), 0.1), 1.0, 0.93),
        *((f"median of {n} facts", lambda rng, n=n: median_of_facts(rng, n), 5.0, 0.93) for n in (3, 5, 10)),
    ]


def hard(contract: Contract, runs: int, seed: int) -> None:
    """Holds the intervals that were not true, old against new, on seeds of their own."""
    for number, (name, pair, truth, least) in enumerate(hard_worlds()):
        rng = np.random.default_rng([seed, number])
        found = [pair(rng) for _ in range(runs)]
        shares, widths = [], []
        for side in (0, 1):
            known = [each[side] for each in found]
            held = [i is not None and i[0] <= truth <= i[1] for i in known]
            shares.append(sum(held) / max(1, sum(i is not None for i in known)))
            widths.append(float(np.mean([i[1] - i[0] for i in known if i is not None])))
        wider = widths[1] / max(widths[0], 1e-12)
        shown = f"old {100 * shares[0]:.1f} %, new {100 * shares[1]:.1f} %, {wider:.2f} × as wide"
        contract.hold(f"covers: {name}", shares[1], at_least=least, shown=shown)
    widths_from_samples(contract)
    needed_width(contract, runs, seed)
    prices_are_positive(contract, seed)
    examples_are_paired_by_ids(contract)
    durations_are_possible(contract)


def prices_are_positive(contract: Contract, seed: int) -> None:
    """Holds that every draw of a price is a price: of a night of which only intervals are left, and of two processes
    that differ by a third."""
    prices, rng = PriceSpec(machine_per_hour=1.0), np.random.default_rng([seed, 2000])
    speed, name = Quantity(10.0, 1.0, 19.0, 2, "examples/s", "clock", True), "throughput_examples_per_s"
    cell = Cell("m", "encoder", "float32", "t", "classification", None, {"model": "m"})
    pruned = Entry(cell, "ok", None, {}, {name: speed}, (), ())
    points = np.log([8.0, 12.0])
    levels = Levels((0, 1), points, np.zeros(2), np.ones(2), float(points.mean()), 0.0)
    spread = processes.spread_of([levels])
    assert spread is not None
    window = np.array([[1.0, 10.0, 0.0, 0.0]])
    two = replace(pruned, timed={"throughput": (window, window)}, levels={name: levels}, spreads={name: spread})
    remembered = np.maximum(0.0, 10.0 + 9.0 / 1.96 * rng.standard_normal(DRAWS))
    by_the_pair = 10.0 + np.std([8.0, 12.0], ddof=1) / 2**0.5 * rng.standard_t(1, size=DRAWS)
    for what, entry, old in (("a pruned night", pruned, remembered), ("two processes", two, by_the_pair)):
        drawn = reading_draws(priced(entry, prices), "cost_per_1000", DRAWS, seed, prices, use_bounds=False)
        wrong = float(np.mean(~(np.isfinite(drawn) & (drawn > 0))))
        shown = f"{100 * wrong:.1f} % of the draws are no price; old {100 * float(np.mean(old <= 0)):.1f} %"
        contract.hold(f"prices of {what}", wrong, at_most=0.0, shown=shown)


def examples_are_paired_by_ids(contract: Contract) -> None:
    """Holds that a model that answered the same examples in another order is compared with itself, example by
    example."""
    rng = np.random.default_rng(3000)
    rows = [Sample(i, f"e{i}", "ab"[i % 2], "ab"[int(rng.integers(2))], None) for i in range(200)]
    turned = [replace(sample, index=i) for i, sample in enumerate(reversed(rows))]
    entries = []
    for name, samples in (("a", rows), ("b", turned)):
        cell = Cell(name, "encoder", "float32", "t", "classification", None, {"model": name})
        record = Record(cell, "ok", None, samples=tuple(samples), notes={"labels": ["a", "b"]})
        entries.append(summarise([record], lambda names, of_kind: resolve(["accuracy"], of_kind))[0])
    old = sum((x.reference == x.prediction) != (y.reference == y.prediction) for x, y in zip(rows, turned, strict=True))
    pair = common_examples(entries[0], entries[1])
    assert pair is not None
    right = [entry.statistics["accuracy"][:, 0] for entry in pair]
    apart = int(np.count_nonzero(right[0] != right[1]))
    contract.require("examples are paired by their ids", apart == 0, f"{apart} of 200 told apart; by place (old) {old}")


def durations_are_possible(contract: Contract) -> None:
    """Holds that requests of no time or less are refused with the reason, and enter no number."""
    for what, wrong in (("negative", -1_000_000), ("zero", 0)):
        timings = tuple(Timing("latency", 0, i, (i,), wrong if i == 7 else 10_000_000 + 1000 * i) for i in range(60))
        cell = Cell("m", "encoder", "float32", "t", "classification", None, {"model": "m"})
        quantity = summarise([Record(cell, "ok", None, timings=timings)])[0].efficiency["latency_mean_s"]
        refused = quantity.value is None and quantity.reason is not None
        old = float(np.mean([timing.duration_ns for timing in timings])) / 1e9
        contract.require(f"a {what} duration is refused", refused, f"{quantity.reason}; old a mean of {old:.5f} s")


def widths_from_samples(contract: Contract) -> None:
    """Holds that no sample has an interval without width, through the code that makes the report's numbers."""
    for kind, metric, samples in (
        ("classification", "accuracy", [Sample(i, str(i), "a", "a", None, group=str(i // 5)) for i in range(100)]),
        ("classification", "macro_f1", [Sample(i, str(i), "ab"[i % 2], "ab"[i % 2], None) for i in range(10)]),
        ("summarisation", "rougeL", [Sample(i, str(i), f"word{i}", "", None) for i in range(12)]),
    ):
        cell = Cell("m", "encoder", "float32", "t", kind, None, {"model": "m"})
        record = Record(cell, "ok", None, samples=tuple(samples), notes={"labels": ["a", "b"]})
        quantity = summarise([record], lambda names, of_kind, name=metric: resolve([name], of_kind))[0].quality[metric]
        low, high = quantity.ci_low, quantity.ci_high
        wide = low is not None and high is not None and low < high
        shown = "none" if low is None or high is None else f"{quantity.value:g} ({low:.3f} to {high:.3f}), old width 0"
        contract.require(f"{metric}, {len(samples)} alike: an interval with a width", wide, shown)


def needed_width(contract: Contract, runs: int, seed: int) -> None:
    """Holds how much wider than with a known spread the interval over processes is."""
    for count, most in ((2, 1.3), (3, 1.2)):
        rng = np.random.default_rng([seed, 1000 + count])
        found = [apart(rng, 10, (100,) * count, 0.1) for _ in range(max(50, runs // 4))]
        variance = (0.1**2 + (1.2533 * 0.2) ** 2 / 100) / count
        known = 2 * float(norm.ppf(0.975)) * math.sqrt(variance)
        old, new = (
            float(np.median([each[side][1] - each[side][0] for each in found if each[side]])) / known for side in (0, 1)
        )
        shown = f"old {old:.2f} ×, new {new:.2f} ×"
        contract.hold(f"width over {count} processes of 10 candidates, of that needed", new, at_most=most, shown=shown)


KINDS: dict[str, Callable[[int], list[Row]]] = {
    "quantile": quantile_rows,
    "proportion": proportion_rows,
    "mean": lambda runs: mean_rows(max(100, runs // 2)),
    "metric": lambda runs: metric_rows(max(100, runs // 2)),
    "process": lambda runs: process_rows(max(100, runs // 2)),
}


def show(rows: Sequence[Row]) -> None:
    print(f"{'interval':34}{'sample':34}{'n':>6}  coverage")
    for row in rows:
        shown = f"{100 * row.coverage:6.1f} %" if row.coverage is not None else f"   none  {row.sentences}"
        print(f"{row.interval:34}{row.shape:34}{row.n:>6}  {shown}{'  <-- outside' if row.outside else ''}")
    measured = [row for row in rows if row.coverage is not None]
    outside = [row for row in measured if row.outside]
    print(f"\n{len(measured) - len(outside)} of {len(measured)} within {100 * LOW:g} to {100 * HIGH:g} %.")
    if outside:
        print("Outside, and what the report says beside the interval:")
    for row in outside:
        print(f"  {row.interval}, {row.shape}, n = {row.n}: {100 * (row.coverage or 0):.1f} %; it says {row.sentences}")


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--only", choices=[*KINDS, HARD], action="append", help="kinds of interval; all by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=8001, help="of the kind `hard`")
    args = parser.parse_args()
    runs, kinds, contract = args.runs // (10 if args.quick else 1), args.only or [*KINDS, HARD], Contract()
    rows = [row for kind in kinds if kind != HARD for row in KINDS[kind](runs)]
    if rows:
        show(rows)
        unsaid = [row for row in rows if row.outside and not row.said]
        contract.require("what lies outside is said beside the interval", not unsaid, f"{len(unsaid)} are not")
    if HARD in kinds:
        hard(contract, max(100, runs // 2), args.seed)
    return contract.close(args.json)


if __name__ == "__main__":
    sys.exit(main())
