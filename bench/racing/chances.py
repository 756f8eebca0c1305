"""What a race takes of its risk, and the chance that any of several things is so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

EACH_SHARE = 0.3
"""Share of the race's risk that each rival may have when it is let go: 0.015 of 0.05."""
TOGETHER_SHARE = 0.6
"""Share of the race's risk that all who were let go may have together. Tuned on `benchmarks/race.py`: for candidates
that are exactly alike the real spread is taken for too large, and with all of the risk 6 % of the races were wrong."""
NEVER = 1e-12
"""Chance that is none."""
SHARED = 0.5**0.5
"""Weight of what two differences from the same candidate share."""
NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
NODE_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
"""Nodes and weights of a sum over a standard normal distribution."""


def any_of(chances: Sequence[float]) -> float:
    """Compute the chance that any of several candidates is better than one, from the chance of each.

    The differences share that one's own, so that any two correlate by a half: given what is shared they are
    independent, and a sum over its normal distribution does the rest.

    Source: Dunnett (1955), Journal of the American Statistical Association 50, 1096-1121.

    >>> round(any_of([0.02]), 4), round(any_of([0.02, 0.02]), 4), any_of([0.0, 1.0])
    (0.02, 0.0366, 1.0)
    """
    likely = np.array([chance for chance in chances if chance > NEVER])
    if not likely.size or likely.max() >= 1:
        return float(likely.size > 0)
    at = (ndtri(likely)[:, None] + SHARED * NODES) / (1 - SHARED**2) ** 0.5
    return float(1 - np.prod(1 - ndtr(at), axis=0) @ NODE_WEIGHTS)
