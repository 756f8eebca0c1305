"""What this process's memory and energy say of a model that computes in another that bench did not start: nothing.

A number would be the client's. It becomes `None` with the reason, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.record import Fact

UNITS = frozenset({"bytes", "J", "W"})
"""Of readings of the process, of its memory and its meters."""


def told_elsewhere(facts: Sequence[Fact], why: str | None) -> list[Fact]:
    """Take out the readings of memory and energy where the model is elsewhere (`why` not None).

    >>> facts = [Fact("peak_rss_bytes", 5.0, "bytes", "rss"), Fact("load_s", 1.0, "s", "clock")]
    >>> [(fact.value, fact.reason) for fact in told_elsewhere(facts, "it is far away")]
    [(None, 'it is far away'), (1.0, None)]
    """
    if why is None:
        return list(facts)
    return [
        replace(fact, value=None, low=None, high=None, reason=why)
        if fact.unit in UNITS and fact.value is not None
        else fact
        for fact in facts
    ]
