"""What a night of few examples may promise."""

from dataclasses import replace

from bench.gate import quality
from bench.gate.quality import detectable_change, exact_detectable, exact_power, lines, told_power
from bench.gate.settle import LEVEL
from bench.stats.paired import POWER, pairs_needed_one_sided
from bench.summary import summarise
from bench.words import gate as words
from tests.factories import Sketch, Task, make_record


def pairs_of(new, old, examples):
    candidate, baseline = (
        summarise([make_record(Sketch("a", skill=skill), Task("topic"), examples=examples)])[0] for skill in (new, old)
    )
    return quality.tests_of(candidate, baseline)


def test_twenty_identical_answers_promise_nothing_that_few_discordant_pairs_would_not_show():
    found = pairs_of(0.9, 0.9, 20)
    assert found and all(one.row.difference == 0 for one in found)
    level = LEVEL / len(found)
    for line in lines(found):
        assert line.detectable is None or line.detectable >= pairs_needed_one_sided(level) / 20
        assert line.power is not None and line.power < 0.1


def test_the_effect_found_is_the_smallest_with_the_power():
    for n, discordant in ((20, 0), (60, 3), (1000, 100)):
        drop = exact_detectable(discordant, n, 0.01, 0.005)
        assert drop is not None and drop >= pairs_needed_one_sided(0.01) / n
        assert exact_power(drop, discordant, n, 0.01, 0.005) >= POWER
        assert exact_power(drop - 0.002, discordant, n, 0.01, 0.005) < POWER


def test_more_examples_find_less():
    effects = [exact_detectable(0, n, 0.01, 0.005) for n in (20, 100, 1000, 10_000)]
    assert effects == sorted(effects, reverse=True) and effects[-1] >= 0.001


def test_too_few_examples_find_nothing():
    assert exact_detectable(0, 5, 0.01, 0.005) is None
    one = pairs_of(0.9, 0.9, 5)
    for line in lines(one):
        assert line.detectable is None and line.power is not None and line.power < 1e-3


def test_identical_scores_of_a_metric_with_points_are_treated_as_if_few_differed_by_the_whole_scale():
    row = pairs_of(0.9, 0.9, 20)[0].row
    same = replace(row, metric="bleu", unit="score", discordant=None, detectable=0.0, difference=0.0)
    power, effect = told_power(same, LEVEL), detectable_change(same, LEVEL)
    assert power is not None and power < 0.05
    assert effect is not None and effect >= 100 * pairs_needed_one_sided(LEVEL) / 20
    assert detectable_change(replace(same, metric="perplexity"), LEVEL) is None


def test_a_drop_that_is_not_shown_is_named_and_never_called_unchanged():
    found = [one for one in pairs_of(0.6, 1.0, 12) if one.row.metric == "accuracy"]
    line, *_ = lines(found)
    assert line.verdict == "unchanged" and line.change is not None and line.change < -0.1
    assert words.briefly(line) in words.last_line("unchanged", [line], "BASE", (), ())


def test_readings_that_cannot_change_take_no_part_of_the_level():
    changed = [one for one in pairs_of(0.9, 1.0, 200) if one.row.metric == "accuracy"]
    same = pairs_of(0.9, 0.9, 200)
    assert all(one.row.identical for one in same) and not changed[0].row.identical
    alone, among = lines(changed)[0], lines([*same, *changed])[-1]
    assert alone.p_adjusted == among.p_adjusted == alone.p and alone.power == among.power


def test_a_night_fails_by_what_is_worse_at_the_whole_level():
    row = next(one for one in pairs_of(0.9, 1.0, 400) if one.row.metric == "accuracy").row
    assert row.p_worse < row.p / 1.9 and row.p_worse + row.p_better == 1
    assert quality.one_sided(replace(row, difference=-row.difference)) == row.p_better
