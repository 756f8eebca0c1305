"""TTFT, TPOT and the single gaps of real generations, timed as the latency pass times them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data.base import Example
from bench.measure.requests import Requests, time_request
from bench.meters.clock import HostClock
from bench.record import Cell, Record, Timing
from bench.suite import DataSpec, TaskSpec
from bench.summary.timings import collect
from bench.tasks import KINDS
from bench.tasks.base import Bound
from tests.checkpoints import TEXTS, load, make_checkpoint

ROUNDS = 3
TOLERANCE = 0.01
"""Of TTFT + TPOT × (n − 1) against the latency (issue 3, "What it must show")."""


def timings_of(family: str, folder: Path) -> list[Timing]:
    model = load(family, make_checkpoint(family, folder), "translation")
    task = TaskSpec(name="made", kind="translation", data=DataSpec(builtin="waybills"), max_new_tokens=24)
    examples = tuple(Example(place, str(place), {"source": text, "target": "x"}) for place, text in enumerate(TEXTS))
    workload = KINDS["translation"].workload(task, Bound(model, examples, (), "{source}"))
    assert workload.generates
    requests, clock = Requests(workload), HostClock("cpu")
    places = [place for _ in range(ROUNDS) for place in range(len(TEXTS))]
    return [
        time_request(clock, requests.get((place,)), "latency", 0, turn, (place,), workload.generates)[0]
        for turn, place in enumerate(places)
    ]


@pytest.mark.parametrize("family", ["causal-lm", "seq2seq", "transformer"])
def test_ttft_and_tpot_add_up_to_the_latency_of_every_sample(family: str, tmp_path: Path) -> None:
    timings = timings_of(family, tmp_path)
    found = collect([Record(Cell("m", family, "float32", "t", "translation"), "ok", None, timings=tuple(timings))])
    latencies, ttfts = found["latency"][0], found["ttft"][0]
    assert len(latencies) == len(ttfts) == len(timings)
    several = np.array([len(timing.token_ns) > 1 for timing in timings])
    assert several.any()
    tokens = np.array([timing.output_tokens for timing in timings])
    sums = ttfts.copy()
    sums[several] += found["tpot"][0] * (tokens[several] - 1)
    assert np.all(np.abs(sums[several] / latencies[several] - 1) <= TOLERANCE)
    for timing in timings:  # what the sum rests on: one stamp for every token, in order, within the request
        assert len(timing.token_ns) == timing.output_tokens >= 1
        assert timing.token_ns[0] > 0 and np.all(np.diff(timing.token_ns) > 0)
        assert timing.token_ns[-1] <= timing.duration_ns
