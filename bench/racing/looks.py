"""After how many examples the data are looked at: a first block, then each count a quarter larger than the last.

A look costs a start of every candidate that goes on, about half a second each, so that blocks of quick candidates are
larger: a block takes at least as long as the starts that it needs. What the counts depend on is known before the
answers of a block are, so that they take no part in the chances of an error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.racing.order import Order

FIRST = 40
"""Examples of the first block, at least: fewer tell no variance."""
FIRST_SHARE = 0.03
"""Share of the examples in the first block, at least."""
GROWTH = 1.25
"""How many times as many examples as at the last look have been answered at the next."""
START_S = 0.5
"""Seconds that starting a candidate again takes (`benchmarks/startup.py`)."""
LAST_SHARE = 0.1
"""Share of all examples below which the rest is answered in the same block: it spares less than a look costs."""


def next_count(order: Order, answered: int, seconds: Sequence[float] = (), start_s: float = START_S) -> int:
    """Count the examples that are answered at the next look, in whole groups.

    Args:
        order: of the task.
        answered: examples answered so far; 0 before the first look.
        seconds: an example takes, of each candidate that goes on, as far as it is known.
        start_s: seconds that starting a candidate again takes; 0 where it stays loaded.

    >>> from bench.racing.order import shuffle
    >>> order = shuffle([str(i) for i in range(1000)], [None] * 1000, seed=1)
    >>> next_count(order, 0), next_count(order, 40), next_count(order, 40, [0.001, 0.003]), next_count(order, 900)
    (40, 50, 290, 1000)
    """
    usual = max(FIRST, FIRST_SHARE * order.total) if answered == 0 else answered * GROWTH
    known = [each for each in seconds if each > 0]
    worth = start_s * len(known) / sum(known) if known else 0.0
    count = math.ceil(max(usual, answered + worth))
    return order.total if order.total - count < LAST_SHARE * order.total else order.whole(count)
