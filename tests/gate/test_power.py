"""The power that is printed beside a verdict on quality is that of the test as it is done."""

import numpy as np
import pytest
from scipy.stats import binom

from bench.gate import quality
from bench.gate.quality import exact_power, lines, power_of, told_power
from bench.gate.settle import LEVEL, adjusted
from bench.history.effects import scale_of
from bench.stats.paired import mid_p_worse
from bench.summary import summarise
from tests.factories import Sketch, Task, make_record

MINIMUM = scale_of("accuracy", "ratio").minimum
N, DISAGREEMENT, FAMILY, NIGHTS = 1000, 0.10, 8, 4000


@pytest.mark.slow
@pytest.mark.parametrize("drop", [0.02, 0.04])
def test_the_power_among_eight_readings_is_the_share_that_is_found(drop):
    rng = np.random.default_rng(7)
    drops = np.array([drop] + [0.0] * (FAMILY - 1))
    broken = (DISAGREEMENT + drops) / 2
    counts = [rng.multinomial(N, [b, DISAGREEMENT - b, 1 - DISAGREEMENT], NIGHTS) for b in broken]
    found = 0
    for night in range(NIGHTS):
        p = adjusted([float(mid_p_worse(*one[night, :2])) for one in counts])
        found += p[0] <= LEVEL and counts[0][night, 0] - counts[0][night, 1] >= MINIMUM * N
    printed = exact_power(drop, round(DISAGREEMENT * N), N, LEVEL / FAMILY, MINIMUM)
    error = np.sqrt(printed * (1 - printed) / NIGHTS)
    assert printed == pytest.approx(found / NIGHTS, abs=3 * error)


def test_the_exact_power_by_hand():
    # every example tells both apart, the baseline is right on all: p = 0.5^n / 2 is 0.0078 for 6 and 0.016 for 5
    assert exact_power(1.0, 6, 6, level=0.01) == pytest.approx(1.0)
    assert exact_power(1.0, 5, 5, level=0.01) == pytest.approx(0.0)
    # a drop of two points and no other disagreement: at least 6 of n examples must be broken
    assert exact_power(0.02, 0, 100, level=0.01) == pytest.approx(float(binom.sf(5, 100, 0.02)), abs=1e-5)
    # one that counts from 1 in 10 on needs 10 of them
    assert exact_power(0.02, 0, 100, level=0.01, minimum=0.1) == pytest.approx(float(binom.sf(9, 100, 0.02)), abs=1e-5)


def test_few_examples_that_agree_have_no_power():
    assert exact_power(0.02, 0, 30, level=0.01) < 1e-4


def accuracy_of_a_worse_model():
    old, new = (summarise([make_record(Sketch("a", skill=s), Task("topic"), examples=200)])[0] for s in (1.0, 0.9))
    return next(one for one in quality.tests_of(new, old) if one.row.metric == "accuracy")


def test_a_line_tells_the_power_and_the_effect_of_its_family():
    one = accuracy_of_a_worse_model()
    assert one.row.discordant is not None and one.row.discordant > 0
    alone, *_ = lines([one])
    among, *_ = lines([one] * FAMILY)
    for line, level in ((alone, LEVEL), (among, LEVEL / FAMILY)):
        assert line.power == told_power(one.row, level)
        assert line.power == exact_power(0.02, one.row.discordant, 200, level, MINIMUM)
    assert among.detectable is not None and alone.detectable is not None
    assert among.power < alone.power and among.detectable > alone.detectable


def test_the_normal_limit_is_near_the_exact_power():
    for drop in (0.02, 0.03, 0.04):
        exact = exact_power(drop, 100, N, level=0.05)
        assert exact == pytest.approx(power_of(drop, np.sqrt(DISAGREEMENT - drop**2) / np.sqrt(N), 0.05), abs=0.06)
