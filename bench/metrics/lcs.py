"""The length of the longest common subsequence, a row of the table at a time in the bits of one integer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def lcs_length(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Find the length of the longest common subsequence.

    The zero bits of `row` mark where the length grows along `a`; a step per item of `b` instead of one per pair.

    Source: Hyyrö (2004), Bit-parallel LCS-length computation revisited, AWOCA 2004.

    >>> lcs_length("the load left port".split(), "the port left".split()), lcs_length("", "ab")
    (2, 0)
    """
    places: dict[Hashable, int] = {}
    for index, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << index
    mask = (1 << len(a)) - 1
    row = mask
    for item in b:
        shared = row & places.get(item, 0)
        row = (row + shared | row - shared) & mask
    return len(a) - row.bit_count()
