"""What the stored name of a source says of a figure: its title, and whether it is an estimate."""

import pytest

from bench.meters.cascade import SOURCES, rests_on_estimate, title_of


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_each_declared_source_answers_for_its_stored_name(name: str) -> None:
    assert title_of(name) == SOURCES[name].title
    assert rests_on_estimate(name) == SOURCES[name].estimates


@pytest.mark.parametrize(
    ("stored", "estimated"),
    [
        ("estimate", True),
        ("estimate+rapl", True),
        ("rapl", False),
        ("unavailable", False),
        ("of another machine", False),
    ],
)
def test_a_figure_is_an_estimate_when_a_part_of_it_is(stored: str, estimated: bool) -> None:
    assert rests_on_estimate(stored) is estimated


def test_joined_and_unknown_sources_keep_a_name() -> None:
    assert title_of("nvml_counter+rapl") == "GPU energy counter (NVML) + CPU energy counter (RAPL)"
    assert title_of("of another machine") == "of another machine"
