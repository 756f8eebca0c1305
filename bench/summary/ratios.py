"""The ratio of one timed reading between two entries whose repeats were interleaved.

Repeat k of both ran close in time, so that a machine which slows down slows both: the level of processes is
taken from the ratios of the repeats, not from each side's own spread, which holds the drift as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.catalogue.readings import Derivation
from bench.stats import bootstrap, order
from bench.summary.timings import estimate, sample_draws

Floats = NDArray[np.float64]

PROCESS_DRAWS = 400
"""Draws of each repeat's own ratio: their variance is then known to 7 %."""


def ratio_draws(
    how: Derivation, a: Sequence[Floats], b: Sequence[Floats], replicates: int, rng: np.random.Generator
) -> Floats:
    """Draw the ratio of the reading of `b` to that of `a`, shape `(replicates,)`.

    Args:
        how: which statistic of which values.
        a: the timed values of the one side, one array per repeat; seconds, or rows of throughput windows.
        b: of the other; repeat k of both belong together.
        replicates: how many draws.
        rng: of everything random.

    Raises:
        ValueError: the sides have different numbers of repeats, or none.

    Source: Kalibera and Jones, Rigorous Benchmarking in Reasonable Time (2013), for the levels; pairing by
    blocks as in any paired comparison.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"repeats must come in pairs, not {len(a)} and {len(b)}")

    def logs(first: Floats, second: Floats, count: int) -> Floats:
        return np.log(sample_draws(how, second, count, rng)) - np.log(sample_draws(how, first, count, rng))

    pairs = list(zip(a, b, strict=True))
    if len(pairs) == 1 or _too_few(how, [*a, *b]):
        within = logs(np.concatenate(a), np.concatenate(b), replicates)
    else:
        within = np.mean([logs(*pair, replicates) for pair in pairs], axis=0)
    points = [float(np.log(estimate(how, second) / estimate(how, first))) for first, second in pairs]
    drawn = bootstrap.hierarchical_draws(within, points, [logs(*pair, PROCESS_DRAWS) for pair in pairs], rng)
    return np.asarray(np.exp(drawn))


def _too_few(how: Derivation, arrays: Sequence[Floats]) -> bool:
    """Tell whether a repeat alone cannot show the quantile, so that the repeats must be pooled."""
    return how.q is not None and min(len(array) for array in arrays) < order.needed(how.q)
