"""Whether the timed requests gave the answers that were scored, as MLPerf's compliance tests ask.

A model could be fast in the timed passes by doing something else than what was scored (a cache, a shorter
answer, a broken batch). This module compares stored rows; it does not know how they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.record import Sample

LOG_TOLERANCE = {"float32": 1e-3, "float64": 1e-6}
"""Greatest difference of a log-probability (absolute) or of a text's negative log-likelihood (relative) that
rounding may make between a batch and a single request: sums over some 10³ terms at a relative rounding of
6e-8, with margin."""
COARSE_TOLERANCE = 0.05
"""The same for 8 and 16 bit types: bfloat16 rounds at 4e-3, and a batch takes other kernels than a single
request."""


def tolerance_of(dtype: str) -> float:
    """Look up the tolerance of weights of a type, with or without torch's prefix.

    >>> tolerance_of("torch.float32"), tolerance_of("bfloat16")
    (0.001, 0.05)
    """
    return LOG_TOLERANCE.get(dtype.removeprefix("torch."), COARSE_TOLERANCE)


@dataclass(frozen=True, slots=True)
class Audit:
    """How many of the timed answers agree with the scored ones."""

    compared: int
    mismatched: tuple[int, ...]
    """Indices of the examples whose answers differ."""
    differing: int
    """Answers that differ; an example may have given several."""


def compare(timed: Iterable[Sample], scored: Sequence[Sample], dtype: str) -> Audit:
    """Compare timed rows with the scored rows of the same examples."""
    by_index = {sample.index: sample for sample in scored}
    tolerance = tolerance_of(dtype)
    compared, mismatched = 0, []
    for sample in timed:
        expected = by_index.get(sample.index)
        if expected is None:
            continue
        compared += 1
        if not agrees(sample, expected, tolerance):
            mismatched.append(sample.index)
    return Audit(compared, tuple(sorted(set(mismatched))), len(mismatched))


def agrees(timed: Sample, scored: Sample, tolerance: float) -> bool:
    """Find out whether two answers to one example are the same up to rounding.

    Labels may differ only where the scores are tied within the tolerance; texts must be equal to the letter.
    """
    if timed.nll is not None and scored.nll is not None:
        return abs(timed.nll - scored.nll) <= tolerance * max(1.0, abs(scored.nll))
    if timed.scores is not None and scored.scores is not None:
        return _scores_agree(timed.scores, scored.scores, tolerance)
    return timed.prediction == scored.prediction


def _scores_agree(timed: tuple[float, ...], scored: tuple[float, ...], tolerance: float) -> bool:
    if len(timed) != len(scored):
        return False
    close = all(
        left == right or abs(left - right) <= tolerance * max(1.0, abs(right))
        for left, right in zip(timed, scored, strict=True)
    )
    winner = max(range(len(timed)), key=timed.__getitem__)
    return close and max(scored) - scored[winner] <= 2 * tolerance * max(1.0, abs(max(scored)))
