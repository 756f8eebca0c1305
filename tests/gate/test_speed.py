"""The interval of a change between two nights holds the error of the canaries that are taken out of it."""

import math

import pytest

from bench.gate.speed import look
from bench.history.series import canary_error
from bench.store import CanarySeconds
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record
from tests.history.nights import series


def looked(canary, errors):
    entries = tuple(
        summarise([make_record(Sketch("a"), Task("topic"), examples=50, process=p, seed=s) for p in range(3)])[0]
        for s in (0, 1)
    )
    found = series([0.010, 0.010], canary=canary)
    points = [point._replace(canary_error=error) for point, error in zip(found.points, errors, strict=True)]
    shown = look(found, points[1], points[0], entries)
    assert shown is not None and shown.line.low is not None and shown.line.high is not None
    return shown.line


def test_a_canary_that_jumped_widens_the_interval():
    without = looked([None, None], [None, None])
    taken_out = looked([0.004, 0.0052], [None, None])
    wide, narrow = (math.log1p(line.high) - math.log1p(line.low) for line in (taken_out, without))
    assert wide > 1.5 * narrow
    assert taken_out.change == pytest.approx(0.004 / 0.0052 - 1)


def test_the_error_of_a_canary_is_that_of_its_measurings():
    twice = [CanarySeconds(1, seconds, {}, "") for seconds in (0.004, 0.0044)]
    assert canary_error(twice) == pytest.approx(math.log(1.1) / 2)
    assert canary_error(twice[:1]) is None and canary_error([]) is None
    older = CanarySeconds(0, 9.0, {}, "")
    assert canary_error([*twice, older]) == canary_error(twice)
