"""Shared n-grams of many pairs of texts at once, exactly as a dictionary per text would count them.

An n-gram is a number in base (symbols of the references + 1); a symbol that no reference has is 0, and what holds it
matches nothing. Counting is then sorting, several times faster than a dictionary per text in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Split = Callable[[str], Sequence[str]]
"""From a text to its symbols: words, or letters where it returns a string."""

LARGEST = 2**63
"""Example and n-gram together must be one 64-bit number."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What the pairs have in common."""

    given: Ints
    """Symbols of each prediction, shape `(n,)`."""
    wanted: Ints
    """Symbols of each reference, shape `(n,)`."""
    hits: Ints
    """Shared n-grams, each as often as in the text that has fewer of it, shape `(n, orders)`."""


@dataclass(frozen=True, slots=True, eq=False)
class _References:
    ids: _Ids
    lengths: Ints
    keys: tuple[Ints, ...]
    """Per order: the distinct (example, n-gram), ascending."""
    counts: tuple[Ints, ...]


def shared_ngrams(given: Sequence[str], wanted: Sequence[str], orders: int, split: Split) -> Shared | None:
    """Count the shared n-grams, n = 1 … `orders`, of each prediction and its one reference.

    None where the references have so many different symbols that an n-gram does not fit into a number.
    """
    references = _prepared(tuple(wanted), orders, split)
    if references is None:
        return None
    base, hits = len(references.ids) + 1, np.zeros((len(given), orders), dtype=np.int64)
    symbols, lengths = _flat([split(text) for text in given])
    for order, keys in enumerate(_keys(_numbers(symbols, references.ids), lengths, base, orders)):
        expected = references.keys[order]
        distinct, counts = np.unique(keys, return_counts=True)
        at = np.searchsorted(expected, distinct)
        both = np.append(expected, -1)[at] == distinct
        shared = np.minimum(counts, np.append(references.counts[order], 0)[at])[both]
        owners = distinct[both] // base ** (order + 1)
        hits[:, order] = np.bincount(owners, weights=shared, minlength=len(given))
    return Shared(lengths, references.lengths, hits)


def totals(lengths: Ints, orders: int) -> Ints:
    """Count the n-grams that texts of such lengths have, shape `(n, orders)`.

    >>> totals(np.array([3, 0]), 2).tolist()
    [[3, 2], [0, 0]]
    """
    counts: Ints = np.maximum(lengths[:, None] - np.arange(orders), 0)
    return counts


@lru_cache(maxsize=8)
def _prepared(wanted: tuple[str, ...], orders: int, split: Split) -> _References | None:
    symbols, lengths = _flat([split(text) for text in wanted])
    ids = _Ids((symbol, place) for place, symbol in enumerate(dict.fromkeys(symbols), 1))
    base = len(ids) + 1
    if base**orders * max(len(wanted), 1) >= LARGEST:
        return None
    counted = [np.unique(keys, return_counts=True) for keys in _keys(_numbers(symbols, ids), lengths, base, orders)]
    return _References(ids, lengths, tuple(keys for keys, _ in counted), tuple(counts for _, counts in counted))


def _flat(texts: Sequence[Sequence[str]]) -> tuple[Sequence[str], Ints]:
    """Put the symbols of all texts one after the other, and count how many each text has."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    return list(chain.from_iterable(texts)), lengths


class _Ids(dict[str, int]):
    """The number of each symbol of the references; 0 for one that they do not have."""

    def __missing__(self, symbol: str) -> int:
        return 0


def _numbers(symbols: Sequence[str], ids: _Ids) -> Ints:
    return np.fromiter(map(ids.__getitem__, symbols), dtype=np.int64, count=len(symbols))


def _keys(numbers: Ints, lengths: Ints, base: int, orders: int) -> list[Ints]:
    """Compute example × base^n + n-gram of every n-gram, one array per order n = 1 … `orders`."""
    owners = np.repeat(np.arange(lengths.size), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(numbers.size)
    keys, grams = [], np.zeros_like(numbers)
    for order in range(orders):
        following = np.zeros_like(numbers)
        following[: max(numbers.size - order, 0)] = numbers[order:]
        grams = grams * base + following
        whole = left > order
        keys.append(owners[whole] * base ** (order + 1) + grams[whole])
    return keys
