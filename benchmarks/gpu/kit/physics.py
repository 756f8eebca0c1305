"""Bounds that no right reading can pass: bytes that must be read, arithmetic that must be done, watts that are allowed.

Pure functions. A share above 1 is a mistake of an instrument, or of the table of peaks.
"""

from __future__ import annotations

from itertools import pairwise

BLOCK_BYTES = 512
"""Smallest block of torch's caching allocator. Source: torch c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize."""
SMALL_BYTES, SMALL_SEGMENT_BYTES = 2**20, 2 * 2**20
LARGE_FROM_BYTES, LARGE_SEGMENT_BYTES = 10 * 2**20, 20 * 2**20
ROUND_BYTES = 2 * 2**20
"""kSmallSize, kSmallBuffer; kMinLargeAlloc, kLargeBuffer; kRoundLarge of the same file."""


def decode_tokens_s(bandwidth_bytes_s: float, read_bytes: float, cached_bytes: float, rows: int = 1) -> float:
    """Bound the tokens per second of a decoder by what it must read for each step.

    rate ≤ rows · bandwidth / max(read − cached, 1): every step reads all weights of the decoder once, whatever the
    number of rows, but for what may still lie in the cache.

    >>> decode_tokens_s(1000e9, 10e9, 0.0), decode_tokens_s(1000e9, 10e9, 5e9, rows=4)
    (100.0, 800.0)
    """
    return rows * bandwidth_bytes_s / max(read_bytes - cached_bytes, 1.0)


def share(value: float | None, bound: float | None) -> float | None:
    """Divide a reading by its bound; None where either is unknown.

    >>> share(50.0, 100.0), share(None, 100.0), share(1.0, None)
    (0.5, None, None)
    """
    return None if value is None or bound is None or bound <= 0 else value / bound


def block_bytes(size: int) -> int:
    """Compute what the allocator counts for a tensor: its size, rounded up to a block; the rest of what it got from
    the driver is split off where it is large enough to be of use.

    >>> block_bytes(1), block_bytes(513), block_bytes(256 * 2**20), block_bytes(27 * 2**19)
    (512, 1024, 268435456, 14680064)
    """
    rounded = -(-max(size, 1) // BLOCK_BYTES) * BLOCK_BYTES
    left = segment_bytes(size) - rounded
    splits = left >= BLOCK_BYTES if rounded <= SMALL_BYTES else left > SMALL_BYTES
    return rounded if splits or left == 0 else rounded + left


def segment_bytes(size: int) -> int:
    """Compute what the allocator reserves for a tensor when it holds nothing that is free.

    >>> segment_bytes(1) // 2**20, segment_bytes(2**20 + 1) // 2**20, segment_bytes(256 * 2**20 + 1) // 2**20
    (2, 20, 258)
    """
    rounded = -(-max(size, 1) // BLOCK_BYTES) * BLOCK_BYTES
    if rounded <= SMALL_BYTES:
        return SMALL_SEGMENT_BYTES
    if rounded < LARGE_FROM_BYTES:
        return LARGE_SEGMENT_BYTES
    return -(-rounded // ROUND_BYTES) * ROUND_BYTES


def integral_j(samples: list[tuple[int, float]], start_ns: int, end_ns: int) -> float | None:
    """Integrate power samples of (ns, W) over a window by trapezoid, the edges interpolated; None where they do not
    reach over it.

    >>> integral_j([(0, 100.0), (1_000_000_000, 100.0), (3_000_000_000, 300.0)], 500_000_000, 2_000_000_000)
    200.0
    """
    if len(samples) < 2 or samples[0][0] > start_ns or samples[-1][0] < end_ns or end_ns <= start_ns:
        return None
    inner = [sample for sample in samples if start_ns < sample[0] < end_ns]
    points = [(start_ns, _at(samples, start_ns)), *inner, (end_ns, _at(samples, end_ns))]
    return sum((early[1] + late[1]) / 2 * (late[0] - early[0]) / 1e9 for early, late in pairwise(points))


def _at(samples: list[tuple[int, float]], moment_ns: int) -> float:
    """Interpolate the power at a moment within the samples."""
    for (early_ns, early_w), (late_ns, late_w) in pairwise(samples):
        if early_ns <= moment_ns <= late_ns:
            whole = late_ns - early_ns
            return early_w if not whole else early_w + (late_w - early_w) * (moment_ns - early_ns) / whole
    raise ValueError("the moment lies outside the samples")
