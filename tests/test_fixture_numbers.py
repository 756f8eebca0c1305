"""What is read from the results of an earlier commit: the same numbers, labels, statuses and verdicts as then.

`tests/fixtures/fd65d2f` holds a results folder of real runs, and what the `--json` commands of that commit printed of
it (`make.py` there says how both were made). Only the command line is used here: modules move, and what users see must
not. Prose may change; of it only that there is some is held. A command may print new keys, but none of the old may go.

Everything is read and nothing measured, so the speed and the fingerprint of the machine that runs the tests do not
matter. The last digits may: numpy and its BLAS sum in another order on processors with other vector instructions. So
numbers are held to the last digit where numpy finds what it found when they were frozen, and to `ELSEWHERE` elsewhere.
"""

from __future__ import annotations

import json
import lzma
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.printed import arithmetic, printed, unpacked, without_prose

FIXTURE = Path(__file__).parent / "fixtures" / "fd65d2f"
ELSEWHERE = 1e-9
"""Share by which numbers differ on another processor or with another numpy: far above rounding, far below a
digit that anybody reads."""
ROUNDING = 1e-15
"""What a sum that should be 0 may be instead."""
COUNTED = frozenset({"acceptability", "confidence", "p", "p_adjusted", "p_holm", "shares", "stability"})
"""Keys of numbers that are counted among 500 to 20 000 draws, of which two may be equal but for rounding."""
RECOUNTED = 5e-3
"""What such a number may differ by elsewhere."""
SHOWN = 20
"""Differences that a failure names."""

EXPECTED: dict[str, Any] = json.loads(lzma.decompress((FIXTURE / "expected.json.xz").read_bytes()))
"""`quick` and `slow`: command line → what it printed; `arithmetic`: as the function of that name."""
CHANGED: dict[str, dict[str, list[tuple[list[str | int], Any]]]] = json.loads(
    (FIXTURE / "changed.json").read_text(encoding="utf-8")
)
"""What was changed on purpose since: reason → command line → path in what it prints, and the value there now."""


def _with_changes(commands: dict[str, Any]) -> dict[str, Any]:
    """Returns what the commands print now: as then, but for what was changed on purpose."""
    for changes in CHANGED.values():
        for line, places in changes.items():
            for path, value in places:
                at = commands[line]
                for key in path[:-1]:
                    at = at[key]
                at[path[-1]] = value
    return commands


COMMANDS: dict[str, Any] = _with_changes(EXPECTED["quick"] | EXPECTED["slow"])
LINES = [*EXPECTED["quick"], *(pytest.param(line, marks=pytest.mark.slow) for line in EXPECTED["slow"])]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of its own: opening it may migrate the database, and reading nights writes summaries."""
    return unpacked(FIXTURE / "results.tar.xz", tmp_path_factory.mktemp("fd65d2f"))


@pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered in subtract:RuntimeWarning")
@pytest.mark.parametrize("line", LINES)
def test_a_command_prints_the_numbers_that_it_printed(line: str, results: Path) -> None:
    """The warnings are of fd65d2f itself: with two processes, Student's t on the scale of logarithms has draws beyond
    what a float holds."""
    slack = None if EXPECTED["arithmetic"] == arithmetic() else ROUNDING
    found = list(differences(COMMANDS[line], without_prose(printed(line, results)), slack))
    assert not found, "\n".join([f"{len(found)} differences", *found[:SHOWN]])


def test_the_fixture_has_every_kind_of_answer() -> None:
    """Else the comparison above could hold while half of the code is never asked."""
    words = set(_words(COMMANDS))
    statuses = {"ok", "failed", "unsupported"}
    limits = {"inside", "outside", "open"}
    verdicts = {"regressed", "suspected", "unchanged", "environment changed", "insufficient history"}
    assert statuses | limits | verdicts <= words


def differences(expected: Any, found: Any, slack: float | None, place: str = "") -> Iterator[str]:
    """Yields every place where what is found is not what is expected; new keys are no difference.

    Args:
        expected, found: JSON without prose.
        slack: what two numbers may differ by, beside a share of `ELSEWHERE`; None where they must be equal.
        place: where in the whole they are.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key in found:
                own = RECOUNTED if key in COUNTED and slack is not None else slack
                yield from differences(value, found[key], own, f"{place}.{key}")
            else:
                yield f"{place}.{key}: expected {value!r}, and there is no such key"
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, two) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, two, slack, f"{place}[{index}]")
    elif not ids_of_cells(place.rsplit(".", 1), expected, found) and not _equal(expected, found, slack):
        yield f"{place}: expected {expected!r}, found {found!r}"


def ids_of_cells(place: Sequence[str | int], expected: Any, found: Any) -> bool:
    """Tells whether two values are ids of a cell, which hash only what differs from the defaults since: see
    `tests/store/test_older_cells.py`."""
    return place[-1] == "id" and all(isinstance(value, str) and len(value) == 64 for value in (expected, found))


def _equal(expected: Any, found: Any, slack: float | None) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (expected, found))
    if numbers and slack is not None:
        return math.isclose(expected, found, rel_tol=ELSEWHERE, abs_tol=slack)
    return bool(expected == found) and (numbers or type(expected) is type(found))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str):
        yield value
