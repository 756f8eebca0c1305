"""How sure it is that one candidate is better than another: a p-value for each pair and objective, and for
the front.

A front needs statements about pairs, and every statement that a report makes as certain must be right in 95 % of
runs, all of them together. Three facts keep this affordable.

* That a model is on the front means that against *each* other model it is better in *some* objective: the largest of
  those p-values holds without a correction for the number of others (intersection-union test); only the choice of the
  objective costs a factor.
* Most of what could be said is plainly not so, and need not be paid for: objectives, candidates and pairs whose p-value
  is above `SCREEN` are left out, and the p-values of the others divided by it. The p-value of a null that is just true
  is uniform, and so it is below `SCREEN`; of any other null it is larger.
* Holm's procedure covers the candidates that are left.

Without these corrections models that are exactly tied are told apart in up to 60 % of runs; `benchmarks/fronts.py`.

Source: Berger (1982), Technometrics 24, 295-300, for the intersection-union test; Holm (1979); Zhao, Small and Su
(2019), Journal of the American Statistical Association 114, 1291-1304, for the screening.
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
SCREEN = 0.8
"""p-value from which a statement is not looked at. Anything from 0.7 to 0.9 settles as many within half a percent; 0.5
settles 3 % fewer members."""
RESOLVED_COUNT = 10
"""Replicates against a statement from which their share is taken as it is; with fewer, the tail is
extrapolated by a normal distribution and held below the share of this many."""


@dataclass(frozen=True, slots=True, eq=False)
class Unproved:
    """Which p-values are no proof, shape `(M, M, K)`."""

    better: NDArray[np.bool_]
    no_worse: NDArray[np.bool_]


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
    unproved: Unproved | None = None
    """Which of the p-values are no proof, since the values may be off by more than the replicates show; None for
    none."""


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
        if c in board.tests:
            smaller = np.minimum(np.abs(values[:, None, c]), np.abs(values[None, :, c]))
            paired = board.tests[c].p_values(rows, margins[:, :, c], smaller)
            for target, p in zip((better, no_worse), paired, strict=True):
                np.copyto(target[:, :, c], p, where=~np.isnan(p))
    return Evidence(better, no_worse, noisy, margins, rows, _unproved(board, rows, margins))


def _unproved(board: Board, rows: tuple[int, ...], margins: Floats) -> Unproved | None:
    """Find the differences that are within what is not known of the values."""
    if board.unknown is None:
        return None
    own, values = (table[list(rows), : board.objectives] for table in (board.unknown, board.oriented))
    off, gaps = own[:, None] + own[None, :], values[:, None] - values[None, :]
    return Unproved((off > 0) & (gaps - margins <= off), (off > 0) & (gaps + margins < off))


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
    better, no_worse = (evidence.better, evidence.no_worse) if as_read else _proofs(evidence)
    # i is better somewhere, or j is better nowhere
    out = np.minimum(_somewhere(better, evidence.noisy), no_worse.max(axis=2))
    both = evidence.margins.any(axis=2) & evidence.noisy.any(axis=2)
    out = np.minimum(1.0, np.where(both, 2.0, 1.0) * out)
    np.fill_diagonal(out, 0.0)
    return np.asarray(out, dtype=np.float64)


def _proofs(evidence: Evidence) -> tuple[Floats, Floats]:
    """Take the p-values of "better" and "no worse", 1 where they are no proof."""
    if evidence.unproved is None:
        return evidence.better, evidence.no_worse
    unproved = evidence.unproved
    return np.where(unproved.better, 1.0, evidence.better), np.where(unproved.no_worse, 1.0, evidence.no_worse)


def _somewhere(better: Floats, noisy: NDArray[np.bool_]) -> Floats:
    """Compute p-values against "row is better than column in no objective", which pay for the choice of one of those
    that may be it."""
    choices = (noisy & (better <= SCREEN)).sum(axis=2)
    lowest = better.min(axis=2)
    return np.asarray(np.where(lowest > SCREEN, 1.0, np.minimum(1.0, np.maximum(1, choices) * lowest / SCREEN)))


def p_dominates(evidence: Evidence) -> Floats:
    """Compute p-values against "row does not dominate column", shape `(M, M)`; 1 on the diagonal.

    Domination with margins: nowhere worse by the margin or more, and somewhere better by more than it.
    """
    better, no_worse = _proofs(evidence)
    nowhere_worse = no_worse.max(axis=2)
    # Where the difference varies and no margin is to be cleared, above 0 there is better there.
    plain = (evidence.noisy & (evidence.margins == 0)).any(axis=2)
    out = np.where(plain, nowhere_worse, np.maximum(nowhere_worse, _somewhere(better, evidence.noisy)))
    np.fill_diagonal(out, 1.0)
    return np.asarray(out, dtype=np.float64)


def certified(p_values: Floats, looked_at: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Tell which of a family's statements stand together at `LEVEL`, by Holm's procedure.

    Args:
        p_values: of the statements.
        looked_at: those that are not screened out; by default by their p-values.
    """
    stands = np.zeros(len(p_values), dtype=np.bool_)
    places = np.flatnonzero(p_values <= SCREEN if looked_at is None else looked_at)
    stands[places] = [p <= LEVEL for p in holm([float(p) / SCREEN for p in p_values[places]])]
    return stands


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
    choices = np.count_nonzero(pairs <= SCREEN, axis=0)
    stands = certified(np.where(choices > 0, choices * pairs.min(axis=0), 1.0), choices > 0)
    edges = (pairs * choices[None, :] <= LEVEL * SCREEN) & stands[None, :]
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
