"""The catalogue of readings: complete, consistent, and the only table of its kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.catalogue.raw import RAW_FACTS
from bench.catalogue.readings import ALIASES, GPU_ALIASES, READINGS, shown_in
from bench.metrics.catalogue import METRICS, words_of
from bench.units import FACTORS

ROOM = Path(__file__).parents[2] / "bench"
MANY = 3
"""Names of readings that make a table."""
OWN_CHOICE = ("report/charts/", "suite/spec.py", "tasks/kinds/")
"""Who may name several: a chart those that it draws, a suite its default objectives, a kind of task its metrics."""


@pytest.mark.parametrize("name", READINGS)
def test_a_declaration_is_complete(name: str) -> None:
    reading = READINGS[name]
    assert reading.title and reading.short and reading.phrase and reading.definition.endswith(".")
    assert reading.unit in FACTORS and reading.range.low < reading.range.high
    assert len(reading.short) <= len(reading.title)
    assert not reading.highest_of or reading.highest_of in {fact.name for fact in RAW_FACTS}
    assert reading.narrow or "terminal" not in reading.shown
    assert (reading.derivation is None) == (reading.observation == "processes")


def test_titles_tell_everything_apart() -> None:
    every = [*READINGS, *METRICS]
    assert len({words_of(name).title for name in every}) == len({words_of(name).short for name in every}) == len(every)
    assert not set(READINGS) & {*METRICS, *METRICS.groups, *ALIASES}


def test_an_alias_means_a_reading_of_the_device_that_is_there() -> None:
    assert set(GPU_ALIASES) <= set(ALIASES)
    assert all(READINGS[name].needs is None for name in ALIASES.values())
    assert all(READINGS[name].needs == "gpu" for name in GPU_ALIASES.values())


def test_every_place_shows_something_in_the_order_of_the_catalogue() -> None:
    for place in ("terminal", "results", "explorer", "history", "comparison"):
        names = shown_in(place)
        assert names and list(names) == [name for name in READINGS if name in names]


def names_in_tables() -> Iterator[tuple[str, int, list[str]]]:
    every = {*READINGS, *ALIASES, *METRICS}
    for path in sorted(ROOM.rglob("*.py")):
        place = path.relative_to(ROOM).as_posix()
        if place.startswith(("catalogue/", *OWN_CHOICE)):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
            found = [part.value for part in parts if isinstance(part, ast.Constant) and part.value in every]
            if len(found) >= MANY:
                yield place, node.lineno, found


def test_no_table_of_readings_or_metrics_stands_elsewhere() -> None:
    assert list(names_in_tables()) == []
