"""Levels as they were stored, for whoever summarises or draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from bench.candidates.served.exchange import Ending, Exchange, Usage
from bench.measure.load.level import Level, Offered
from bench.record import Timing


def levels_of(timings: Sequence[Timing], window_s: float) -> list[Level]:
    """Rebuild the levels from raw timings, in the order in which they were run.

    Args:
        timings: of one record.
        window_s: of each level.
    """
    grouped: dict[tuple[float, bool], list[Timing]] = {}
    for timing in timings:
        if timing.phase == "level" and timing.offered_per_s is not None:
            grouped.setdefault((timing.offered_per_s, timing.salted is not False), []).append(timing)
    return [
        Level(rate, None, window_s, tuple(Offered(t.iteration, _exchange(t)) for t in of_level), salted)
        for (rate, salted), of_level in grouped.items()
    ]


def _exchange(timing: Timing) -> Exchange:
    return Exchange(
        timing.start_ns,
        timing.start_ns + (timing.lag_ns or 0),
        timing.start_ns + timing.duration_ns,
        [timing.start_ns + stamp for stamp in timing.token_ns],
        cast(Ending, timing.ending or "ok"),
        usage=Usage(timing.input_tokens, timing.output_tokens),
    )
