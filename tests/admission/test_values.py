"""Values that cannot be: each is refused with the name of what is wrong, and what may be is let through."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.admission.values import check_answers, check_facts, check_timings
from bench.catalogue.readings import READINGS
from bench.errors import AdmissionError
from bench.record import Fact, Sample, Timing

SAMPLE = Sample(0, "first", "a", "a", scores=(-0.1, -2.0))
TIMING = Timing("latency", 0, 3, (0,), 1_000, token_ns=(300, 900), output_tokens=2)


@pytest.mark.parametrize(
    "sample",
    [
        replace(SAMPLE, scores=(math.nan, 0.0)),
        replace(SAMPLE, scores=(-math.inf, 0.0)),
        replace(SAMPLE, nll=-0.5),
        replace(SAMPLE, nll=math.nan),
        replace(SAMPLE, scored_tokens=-1),
        replace(SAMPLE, output_tokens=2**63),
        replace(SAMPLE, input_tokens=True),
        replace(SAMPLE, scored_bytes=2.5),  # type: ignore[arg-type]
    ],
)
def test_answers_that_cannot_be(sample: Sample) -> None:
    check_answers("m", [SAMPLE, replace(SAMPLE, nll=0.0, scored_tokens=0)])
    with pytest.raises(AdmissionError, match="'first'"):
        check_answers("m", [SAMPLE, sample])


def test_a_log_probability_is_not_above_zero_and_a_score_may_be() -> None:
    sure = replace(SAMPLE, scores=(1e-6, -9.0))
    check_answers("m", [sure], log_probabilities=True)
    check_answers("m", [replace(SAMPLE, scores=(3.0, 1.0))])
    with pytest.raises(AdmissionError, match="3"):
        check_answers("m", [replace(SAMPLE, scores=(3.0, 1.0))], log_probabilities=True)


@pytest.mark.parametrize("name", sorted(READINGS))
def test_every_reading_outside_its_range_is_refused(name: str) -> None:
    reading = READINGS[name]
    check_facts("m", [Fact(name, None, reading.unit, "clock"), Fact("window_latency_s", -1.0, "s", "clock")])
    with pytest.raises(AdmissionError, match=name):
        check_facts("m", [Fact(name, math.nan, reading.unit, "clock")])
    for bound in {reading.range.low - 1, reading.range.high * 2 + 1} - {math.inf, -math.inf}:
        with pytest.raises(AdmissionError, match=name):
            check_facts("m", [Fact(name, bound, reading.unit, "clock")])


@pytest.mark.parametrize(
    "timing",
    [
        replace(TIMING, duration_ns=0),
        replace(TIMING, duration_ns=-5),
        replace(TIMING, token_ns=(900, 300)),
        replace(TIMING, token_ns=(-1, 300)),
        replace(TIMING, output_tokens=-2),
    ],
)
def test_times_that_cannot_be(timing: Timing) -> None:
    check_timings("m", [TIMING])
    with pytest.raises(AdmissionError, match="request 3 of the pass 'latency'"):
        check_timings("m", [TIMING, timing])
