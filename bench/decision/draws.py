"""Bootstrap replicates of every column of a board: quality from resamples that all models share, the rest
from their own.

A replicate b is one possible outcome of the whole run: column values of all candidates at the same b belong
together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.catalogue.readings import READINGS
from bench.decision import cost
from bench.meters.cascade import rests_on_estimate
from bench.stats.bootstrap import mean_draws
from bench.stats.few import alike_draws
from bench.stats.resample import seeded
from bench.suite import PriceSpec
from bench.summary import PRUNED, Entry, Quantity
from bench.summary.quality import shared_resamples
from bench.summary.timings import DERIVATIONS, draws

Floats = NDArray[np.float64]

STRETCHED = 1.1
"""Times as wide as the replicates from which an interval says more than they do."""
LEAST = 1e-3
"""Share of a reading below which no draw of it is taken where something is divided by it: Student's t over two
processes reaches 0."""


def quality_draws(entries: Sequence[Entry], metrics: Sequence[str], replicates: int, seed: int) -> dict[str, Floats]:
    """Compute for each metric its replicates, shape `(replicates, entries)`; NaN where an entry lacks it.

    Entries that answered the same examples, or a part of those of another one, are drawn together, in one pass over
    the shared weights: what they have in common is paired.
    """
    out = {name: np.full((replicates, len(entries)), np.nan) for name in metrics}
    for indices in _together(entries):
        widest = entries[indices[0]]
        resamples = shared_resamples(widest.samples, replicates, seed)
        pairs = [(i, name) for i in indices for name in metrics if name in entries[i].statistics]
        sums = resamples.sums([_among(widest, entries[i], name) for i, name in pairs])
        for (i, name), summed in zip(pairs, sums, strict=True):
            drawn = np.asarray(entries[i].metrics[name].value(summed), dtype=np.float64)
            drawn = _unless_alike(drawn, entries[i], name, seeded(seed, "alike", name))
            out[name][:, i] = _as_wide(drawn, entries[i], name)
    for i, entry in enumerate(entries):
        if not any(doubt.code == PRUNED for doubt in entry.doubts):
            continue
        for name in set(metrics) & set(entry.quality) - set(entry.statistics):
            out[name][:, i] = remembered_draws(entry.quality[name], replicates, seeded(seed, entry.cell.draw_key, name))
    return out


def _together(entries: Sequence[Entry]) -> list[list[int]]:
    """Group the entries whose examples are a part of those of the first of the group."""
    groups: list[tuple[tuple[str, ...], frozenset[str], list[int]]] = []
    answered = [index for index, entry in enumerate(entries) if entry.samples]
    for index in sorted(answered, key=lambda index: -len(entries[index].samples)):
        ids = entries[index].example_ids
        for widest, known, members in groups:
            if ids == widest or (len(ids) < len(widest) and known.issuperset(ids)):
                members.append(index)
                break
        else:
            groups.append((ids, frozenset(ids), [index]))
    return [members for _, _, members in groups]


def _among(widest: Entry, entry: Entry, name: str) -> Floats:
    """Lay the statistics of an entry out over the examples of another one; where it answered none they are 0, which
    adds nothing to any sum."""
    statistics = entry.statistics[name]
    if len(entry.samples) == len(widest.samples):
        return statistics
    place = {example_id: row for row, example_id in enumerate(widest.example_ids)}
    laid = np.zeros((len(widest.samples), statistics.shape[1]))
    laid[[place[example_id] for example_id in entry.example_ids]] = statistics
    return laid


def _unless_alike(drawn: Floats, entry: Entry, name: str, rng: np.random.Generator) -> Floats:
    """Pass on replicates that vary; where all examples were answered alike, draw what unseen ones may do instead."""
    quantity = entry.quality.get(name)
    if not np.isfinite(drawn).all() or np.ptp(drawn) > 0 or quantity is None or quantity.value is None:
        return drawn
    if quantity.ci_low is None or quantity.ci_high is None:
        return drawn
    about = entry.metrics[name].range
    alike = alike_draws(quantity.value, (quantity.ci_low, quantity.ci_high), drawn.size, rng)
    return np.clip(alike, about.low, about.high)


def _as_wide(drawn: Floats, entry: Entry, name: str) -> Floats:
    """Stretch replicates about the value, each side by itself, until their 95 % reach the interval.

    Few groups, few examples of a kind and rare labels have intervals that are wider than resamples show; one standard
    of doubt then needs replicates as wide. Where the two are as good as equal, the replicates stay as they are.
    """
    quantity = entry.quality.get(name)
    if quantity is None or quantity.value is None or quantity.ci_low is None or quantity.ci_high is None:
        return drawn
    if not np.isfinite(drawn).all():
        return drawn
    low, high = (_times_wider(quantity.value, end, drawn) for end in (quantity.ci_low, quantity.ci_high))
    if max(low, high) <= STRETCHED:
        return drawn
    away = drawn - quantity.value
    about = entry.metrics[name].range
    return np.clip(quantity.value + np.where(away < 0, low, high) * away, about.low, about.high)


def _times_wider(value: float, end: float, drawn: Floats) -> float:
    """Compute how many times as far from the value an interval's end is as the draws' own; at least 1."""
    reached = float(np.quantile(drawn, 0.025 if end < value else 0.975))
    return max(1.0, (end - value) / (reached - value)) if (reached - value) * (end - value) > 0 else 1.0


def remembered_draws(quantity: Quantity, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw replicates of a number of which only the interval is left: normal, as wide as the interval.

    They are not paired with those of other models, so differences look less certain than they were.
    """
    value = np.nan if quantity.value is None else quantity.value
    if quantity.ci_low is None or quantity.ci_high is None:
        return np.full(replicates, value)
    spread = (quantity.ci_high - quantity.ci_low) / (2 * float(ndtri(0.975)))
    return np.asarray(value + spread * rng.standard_normal(replicates), dtype=np.float64)


def reading_draws(
    entry: Entry, name: str, replicates: int, seed: int, prices: PriceSpec | None, *, use_bounds: bool
) -> Floats:
    """Draw the replicates of one efficiency reading of one entry, shape `(replicates,)`; NaN when it is
    missing.

    Args:
        entry: the cell.
        name: a reading.
        replicates: how many.
        seed: of the decision; each cell and reading has a stream of its own.
        prices: for readings that are computed from prices.
        use_bounds: let an estimate range between its bounds. Right when estimates meet measured figures;
        among
            estimates of one kind the bounds are a common error that cancels.
    """
    quantity = entry.efficiency.get(name)
    if quantity is None or quantity.value is None:
        return np.full(replicates, np.nan)
    rng = seeded(seed, entry.cell.draw_key, name)
    if name in DERIVATIONS:
        timed = entry.timed.get(DERIVATIONS[name].timed)
        if timed is None:
            return np.maximum(0.0, remembered_draws(quantity, replicates, rng))
        return draws(DERIVATIONS[name], timed, replicates, rng, entry.levels.get(name), entry.spreads.get(name))
    if quantity.source == cost.TOKEN_PRICES:
        return mean_draws(cost.EXAMPLES * cost.token_costs(entry), replicates, rng)
    if prices is not None and READINGS[name].priced:
        parts = {
            part: reading_draws(entry, part, replicates, seed, prices, use_bounds=use_bounds)
            for part in cost.needs(name, prices)
        }
        return _priced(name, entry, parts, prices)
    return fact_draws(name, quantity, replicates, rng, seed, use_bounds=use_bounds)


def _priced(name: str, entry: Entry, parts: dict[str, Floats], prices: PriceSpec) -> Floats:
    """Price replicates of throughput and energy.

    Few processes, or an interval that alone is left of them, give draws of a throughput that are 0 or below: by these
    nothing can be divided, so none is taken below `LEAST` of the reading.
    """
    energy = parts.get(cost.ENERGY, np.zeros(1))
    if name == "carbon_per_1000_g":
        return energy * cost.EXAMPLES * (prices.carbon_g_per_kwh or 0.0) / cost.JOULES_PER_KWH
    speed = parts.get(cost.THROUGHPUT)
    if speed is None:
        speed = np.ones(1)
    else:
        speed = np.maximum(speed, LEAST * (entry.efficiency[cost.THROUGHPUT].value or 1.0))
    rows = np.broadcast_arrays(speed, energy)
    return np.array([cost.cost(float(a), float(b), prices) for a, b in zip(*rows, strict=True)])


def fact_draws(
    name: str, quantity: Quantity, replicates: int, rng: np.random.Generator, seed: int, *, use_bounds: bool
) -> Floats:
    """Draw replicates of a reading that was read, not timed: Student's t over processes, constant where
    that is all."""
    value = quantity.value if quantity.value is not None else np.nan
    constant = np.full(replicates, float(value))
    is_peak = READINGS[name].merging == "highest"
    if quantity.exact or quantity.ci_low is None or quantity.ci_high is None or is_peak:
        return constant
    if is_estimate(quantity):
        if not use_bounds:
            return constant
        shared = seeded(seed, "estimate", name).uniform(size=replicates)
        return quantity.ci_low + shared * (quantity.ci_high - quantity.ci_low)
    freedom = quantity.n - 1
    scale = (quantity.ci_high - value) / float(stdtrit(freedom, 0.975))
    return np.asarray(np.maximum(0.0, value + scale * rng.standard_t(freedom, size=replicates)), dtype=np.float64)


def is_estimate(quantity: Quantity) -> bool:
    """Tell whether the figure was estimated rather than measured."""
    return rests_on_estimate(quantity.source)
