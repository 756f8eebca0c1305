"""How sure it is that one candidate is better than another: a p-value for each pair and objective, and for
the front.

A front needs statements about pairs, and every statement that a report makes as certain must be right in 95 %
of runs, all of them together. Two facts keep this affordable. That a model is on the front means that against
*each* other model it is better in *some* objective: the largest of those p-values holds without a correction
for the number of others (intersection-union test); only the choice of the objective costs a factor. And
Holm's procedure covers all candidates.

Source: Berger (1982), Technometrics 24, 295-300, for the intersection-union test; Holm (1979).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bench.decision.board import Board
from bench.stats.paired import holm

Floats = NDArray[np.float64]

LEVEL = 0.05
"""Runs in which some certified statement of a kind may be wrong."""
RESOLVED_COUNT = 10
"""Replicates against a statement from which their share is taken as it is; with fewer, the tail is
extrapolated by a normal distribution and held below the share of this many."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One-sided p-values for every ordered pair of candidates, shape `(M, M, K)`, and which pairs carry no
    noise."""

    better: Floats
    """Against "row is not better than column by more than the margin"."""
    no_worse: Floats
    """Against "row is worse than column by the margin or more"."""
    noisy: NDArray[np.bool_]
    """Whether the difference varies at all."""
    margins: Floats
    """Margin of each pair, in the objective's unit, shape `(M, M, K)`."""
    rows: tuple[int, ...]
    """The candidates' rows on the board."""
    as_read: NDArray[np.bool_] | None = None
    """Where either value is taken as it was read: a difference is no proof there. None for nowhere."""


def gather(board: Board, rows: tuple[int, ...]) -> Evidence:
    """Gather the evidence between the candidates in `rows`, over the board's objectives."""
    k, m = board.objectives, len(rows)
    values = board.oriented[list(rows), :k]
    draws = np.ascontiguousarray(board.oriented_draws[:, list(rows), :k].transpose(2, 1, 0))
    better, no_worse = np.ones((m, m, k)), np.ones((m, m, k))
    margins, noisy = np.zeros((m, m, k)), np.zeros((m, m, k), dtype=np.bool_)
    for c in range(k):
        margins[:, :, c] = board.columns[c].margin_at(
            np.minimum(np.abs(values[:, None, c]), np.abs(values[None, :, c]))
        )
        for i in range(m):  # each pair once: what is above for one way round is below for the other
            gaps = Gaps.between(draws[c, i], draws[c, i:], values[i, c] - values[i:, c])
            for first, second, between in ((i, slice(i, None), gaps), (slice(i, None), i, gaps.reversed())):
                apart = margins[i, i:, c]
                noisy[first, second, c] = between.varies
                better[first, second, c] = p_above(between, apart, strict=True)
                no_worse[first, second, c] = p_above(between, -apart, strict=False)
        if c in board.better:
            _put_exact(better, no_worse, margins, board.better[c][np.ix_(rows, rows)], c)
    as_read = None
    if board.as_read is not None:
        own = board.as_read[list(rows), :k]
        as_read = own[:, None, :] | own[None, :, :]
    return Evidence(better, no_worse, noisy, margins, rows, as_read)


def _put_exact(better: Floats, no_worse: Floats, margins: Floats, exact: Floats, c: int) -> None:
    """Put McNemar's exact p-values in place where there is no margin; two models that agree everywhere are
    no worse."""
    use = ~np.isnan(exact) & (margins[:, :, c] == 0)
    better[:, :, c] = np.where(use, exact, better[:, :, c])
    identical = (exact == 1.0) & (exact.T == 1.0)
    no_worse[:, :, c] = np.where(use, np.where(identical, no_worse[:, :, c], exact), no_worse[:, :, c])


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Differences between one candidate and others, on one objective."""

    drawn: Floats
    """Bootstrap differences, shape `(M, B)`; one that is undefined is NaN."""
    points: Floats
    """As observed, shape `(M,)`."""
    undefined: NDArray[np.int64]
    """How many replicates are undefined, shape `(M,)`."""
    spread: Floats
    """Standard deviation over the replicates, shape `(M,)`; NaN where one is undefined or infinite."""
    varies: NDArray[np.bool_]
    """Whether the replicates differ at all, shape `(M,)`; the spread of equal numbers need not round to 0."""

    @classmethod
    def of(cls, drawn: Floats, points: Floats) -> Gaps:
        """Wrap the differences with what every p-value needs of them."""
        undefined = np.count_nonzero(np.isnan(drawn), axis=1)
        varies = np.count_nonzero(drawn != drawn[:, :1], axis=1) > 0
        with np.errstate(invalid="ignore"):
            spread = drawn.std(axis=1)
        return cls(drawn, points, undefined, spread, varies)

    @classmethod
    def between(cls, own: Floats, others: Floats, points: Floats) -> Gaps:
        """Take the differences of one candidate's draws, shape `(B,)`, to those of others, shape `(M, B)`."""
        with np.errstate(invalid="ignore"):  # of two infinite ones it is undefined
            drawn = own - others
        return cls.of(drawn, points)

    def reversed(self) -> Gaps:
        """Turn the differences the other way round."""
        return replace(self, drawn=-self.drawn, points=-self.points)


def p_above(gaps: Gaps, threshold: Floats, *, strict: bool) -> Floats:
    """Compute p-values against "the difference is not above the threshold", shape `(M,)`.

    Args:
        gaps: the differences; a replicate that is undefined speaks against.
        threshold: to be exceeded, shape `(M,)`.
        strict: whether a difference without noise that equals the threshold is not above it.
    """
    count = gaps.drawn.shape[1]
    against = np.count_nonzero(gaps.drawn <= threshold[:, None], axis=1) + gaps.undefined
    share = (against + 1) / (count + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = ndtr(-(gaps.points - threshold) / gaps.spread)
    extrapolated = np.minimum(tail, (RESOLVED_COUNT + 1) / (count + 1))
    counted = (against >= RESOLVED_COUNT) | ~np.isfinite(gaps.spread)  # an infinite draw leaves no tail to extrapolate
    p = np.where(counted, share, extrapolated)
    above = gaps.points > threshold if strict else gaps.points >= threshold
    return np.asarray(np.where(gaps.varies, p, np.where(above, 0.0, 1.0)), dtype=np.float64)


def p_on_front(p_against_each: Floats) -> Floats:
    """Compute for each candidate the p-value against "another candidate dominates it", shape `(M,)`, from
    `p_not_dominated`."""
    return np.asarray(p_against_each.max(axis=1, initial=0.0), dtype=np.float64)


def p_not_dominated(evidence: Evidence, *, as_read: bool = False) -> Floats:
    """Compute p-values against "column dominates row", shape `(M, M)`; 0 on the diagonal.

    Args:
        evidence: between the candidates.
        as_read: count differences between values whose noise is not known as if they had none.
    """
    better, no_worse = evidence.better, evidence.no_worse
    if evidence.as_read is not None and not as_read:
        better, no_worse = (np.where(evidence.as_read, 1.0, p) for p in (better, no_worse))
    # i is better somewhere, or j is better nowhere
    out = np.minimum(_somewhere(better, evidence.noisy), no_worse.max(axis=2))
    both = evidence.margins.any(axis=2) & evidence.noisy.any(axis=2)
    out = np.minimum(1.0, np.where(both, 2.0, 1.0) * out)
    np.fill_diagonal(out, 0.0)
    return np.asarray(out, dtype=np.float64)


def _somewhere(better: Floats, noisy: NDArray[np.bool_]) -> Floats:
    """Compute p-values against "row is better than column in no objective", which pay for the choice of one."""
    return np.asarray(np.minimum(1.0, np.maximum(1, noisy.sum(axis=2)) * better.min(axis=2)), dtype=np.float64)


def p_dominates(evidence: Evidence) -> Floats:
    """Compute p-values against "row does not dominate column", shape `(M, M)`; 1 on the diagonal.

    Domination with margins: nowhere worse by the margin or more, and somewhere better by more than it.
    """
    nowhere_worse = evidence.no_worse.max(axis=2)
    # Where the difference varies and no margin is to be cleared, above 0 there is better there.
    plain = (evidence.noisy & (evidence.margins == 0)).any(axis=2)
    somewhere = _somewhere(evidence.better, evidence.noisy)
    out = np.where(plain, nowhere_worse, np.maximum(nowhere_worse, somewhere))
    np.fill_diagonal(out, 1.0)
    return np.asarray(out, dtype=np.float64)


def certified(p_values: Floats) -> NDArray[np.bool_]:
    """Tell which of a family's statements stand together at `LEVEL`, by Holm's procedure."""
    return np.array([p <= LEVEL for p in holm([float(p) for p in p_values])], dtype=np.bool_)


def excluded(evidence: Evidence) -> dict[int, int]:
    """Find for each candidate that is certainly dominated the one that dominates it, as indices into
    `rows`.

    With margins, domination can run in a circle (each a little worse than the next). So a candidate is only
    left out when a chain of dominations leads to one that is not dominated itself.
    """
    m = len(evidence.rows)
    if m < 2:
        return {}
    pairs = p_dominates(evidence)
    stands = certified(np.minimum(1.0, (m - 1) * pairs.min(axis=0)))
    edges = (pairs <= LEVEL / (m - 1)) & stands[None, :]
    for i in map(int, np.flatnonzero(stands)):
        edges[int(pairs[:, i].argmin()), i] = True
    out: dict[int, int] = {}
    reached = [j for j in range(m) if not edges[:, j].any()]
    while reached:
        new = [int(i) for i in np.flatnonzero(edges[reached].any(axis=0)) if int(i) not in out]
        for i in new:
            out[i] = min((j for j in reached if edges[j, i]), key=lambda j: (pairs[j, i], j))
        reached = new
    return out
