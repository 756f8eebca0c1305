"""What a schedule accepts, and how it is named."""

from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.schedule.entry import parse_time
from tests.schedule.entries import entry


@pytest.mark.parametrize(
    ("text", "hour", "minute"), [("00:00", 0, 0), ("2:30", 2, 30), ("23:59", 23, 59), (" 02:30 ", 2, 30)]
)
def test_times_of_day(text, hour, minute):
    assert parse_time(text) == time(hour, minute)


@pytest.mark.parametrize("text", ["24:00", "12:60", "2.30", "02:30pm", "", "-1:00", "2:3", "* * * * *", "02:30\n03:00"])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"(?s)--at: .* is no time of day; write it as HH:MM"):
        parse_time(text)


def test_the_command_is_absolute_and_complete():
    made = entry(deadline="06:00", store="postgresql+psycopg://u@h/n")
    assert made.command == (
        "/srv/bench/bin/python",
        "-m",
        "bench",
        "nightly",
        "quickstart",
        "--results",
        "/srv/bench/results",
        "--store",
        "postgresql+psycopg://u@h/n",
        "--deadline",
        "06:00",
    )
    assert replace(made, baseline="tag:good").command == (*made.command, "--baseline", "tag:good")


def test_the_name_is_of_what_runs_and_where_not_of_when():
    made = entry()
    assert replace(made, at=time(4, 0), deadline="07:00").name == made.name
    assert replace(made, results=Path("/other")).name != made.name
    assert replace(made, suite="other").name != made.name


@pytest.mark.parametrize("suite", ["/a/ÜBER suite! (v2).yaml", "x" * 90, "/a/%.yaml"])
def test_a_name_fits_kubernetes(suite):
    name = entry(suite=suite).name
    assert len(name) <= 52
    assert name == name.lower().strip("-")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("field", ["suite", "folder", "log"])
def test_a_line_break_in_a_path_is_refused(field):
    with pytest.raises(UsageError, match="control character"):
        entry(**{field: "a\n* * * * * rm" if field == "suite" else Path("a\n* * * * * rm")})
