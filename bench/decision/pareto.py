"""Non-dominated sets and hypervolume: the one place that knows `moocore`.

Points are rows, and larger is better in every column: callers turn their objectives round first. A row with a
NaN never reaches moocore, where it would mark all others as dominated.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BROADCAST_MODELS = 64
"""Up to this many candidates a whole stack of fronts is found by comparing all pairs at once; M² memory per
replicate."""
CHUNK_CELLS = 4_000_000
"""Comparisons held at once."""


def nondominated(points: Floats) -> Mask:
    """Find which rows no other row dominates, shape `(n,)`; equal rows stand together, a row with a NaN is
    out.

    >>> nondominated(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [2.0, 1.0], [np.nan, 9.0]])).tolist()
    [True, True, False, True, False]
    """
    points = np.asarray(points, dtype=np.float64)
    is_complete = ~np.isnan(points).any(axis=1)
    front = np.zeros(len(points), dtype=np.bool_)
    if is_complete.any() and points.shape[1] == 1:
        front[is_complete] = points[is_complete, 0] == points[is_complete, 0].max()
    elif is_complete.any():
        complete = np.ascontiguousarray(points[is_complete])
        front[is_complete] = np.asarray(
            moocore.is_nondominated(complete, maximise=True, keep_weakly=True), dtype=np.bool_
        )
    return front


def nondominated_stack(stack: Floats) -> Mask:
    """Find the front of every replicate, shape `(replicates, n)`, for points of shape `(replicates, n,
    k)`."""
    replicates, models, objectives = stack.shape
    if models > BROADCAST_MODELS:
        return np.array([nondominated(points) for points in stack], dtype=np.bool_).reshape(replicates, models)
    front = np.empty((replicates, models), dtype=np.bool_)
    size = max(1, CHUNK_CELLS // max(1, models * models * objectives))
    for start in range(0, replicates, size):
        front[start : start + size] = _broadcast(stack[start : start + size])
    return front


def _broadcast(stack: Floats) -> Mask:
    """Find the fronts by comparing each pair of rows, objective by objective."""
    shape = (stack.shape[0], stack.shape[1], stack.shape[1])
    no_worse, better = np.ones(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for k in range(stack.shape[2]):
        first, second = stack[:, :, None, k], stack[:, None, :, k]
        no_worse &= first >= second
        better |= first > second
    dominated = (no_worse & better).any(axis=1)
    return np.asarray(~dominated & ~np.isnan(stack).any(axis=2), dtype=np.bool_)


def hypervolume(points: Floats, reference: Floats) -> float:
    """Compute the volume that the points dominate above the reference point, in the product of the columns'
    units.

    Rows with a NaN are left out; a point that is not above the reference in every column adds nothing.

    >>> hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([0.0, 0.0]))
    4.0
    """
    complete = points[~np.isnan(points).any(axis=1)]
    if not len(complete):
        return 0.0
    if complete.shape[1] == 1:
        return max(0.0, float(complete.max() - reference[0]))
    return float(moocore.hypervolume(np.ascontiguousarray(complete), ref=reference, maximise=True))
