import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import InputError
from bench.units import FACTORS, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("50 ms", "s", 0.05),
        ("50ms", "s", 0.05),
        ("1.5e2 us", "s", 1.5e-4),
        ("2 GiB", "bytes", 2 * 1024**3),
        ("2 GB", "bytes", 2e9),
        ("0.5 J", "J", 0.5),
        ("1 Wh", "J", 3600.0),
        ("85 %", "ratio", 0.85),
        ("0.85", "ratio", 0.85),
        ("30", "score", 30.0),
        ("10 /min", "1/s", 1 / 6),
    ],
)
def test_what_people_write(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("50", "s", "has no unit"),
        ("fast", "s", "is not a quantity"),
        ("50 mss", "s", "did you mean 'ms'"),
        ("3 ms", "bytes", "no unit of this quantity"),
        ("", "s", "is not a quantity"),
    ],
)
def test_what_cannot_be_read_names_a_remedy(text: str, unit: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_quantity(text, unit)


@given(st.floats(1e-9, 1e12), st.sampled_from(["s", "bytes", "J", "FLOP", "count"]))
def test_what_is_shown_can_be_read_back(value: float, unit: str) -> None:
    text = format_quantity(value, unit).replace(",", "")
    if text.endswith("e+00") or unit == "count":
        return
    number, _, spelling = text.partition(" ")
    assert float(number) * FACTORS[unit][spelling] == pytest.approx(value, rel=6e-3)


def test_missing_is_said() -> None:
    assert format_quantity(None, "s") == "not measured"
