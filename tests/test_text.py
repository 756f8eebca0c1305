import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.text import is_obeyed, json_for_terminal, spreadsheet_text, terminal_text, visible

HOSTILE = "\x1b]0;own\x07\x1b[31mRED \x9b5m\x7f\u202e\u2028\ud800"


@pytest.mark.parametrize("shown", [visible(HOSTILE), terminal_text(HOSTILE), terminal_text(HOSTILE, keep="")])
def test_nothing_is_obeyed(shown: str) -> None:
    assert not any(map(is_obeyed, shown))


def test_a_terminal_shows_escapes() -> None:
    assert terminal_text("\x1b[31mRED \x9b5m") == r"\x1b[31mRED \x9b5m"
    assert terminal_text("a\nb\tc\u202e\U000e0001") == "a\nb\tc\\u202e\\U000e0001"
    assert terminal_text("a\nb", keep="") == "a\\nb"
    assert terminal_text("größer 模型 ◆") == "größer 模型 ◆"


@given(st.text())
def test_json_reads_back_and_is_safe(text: str) -> None:
    written = json_for_terminal(json.dumps({"k": text}, ensure_ascii=False, indent=2))
    assert json.loads(written) == {"k": text}
    assert not any(is_obeyed(char) for char in written if char != "\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start: str) -> None:
    assert spreadsheet_text(f"{start}1") == f"'{start}1"


def test_plain_texts_stay() -> None:
    assert [spreadsheet_text(text) for text in ("", "1", "a=b")] == ["", "1", "a=b"]


def test_commands_print_through_echo_alone() -> None:
    """`click.echo` would hand a stranger's control characters to the terminal."""
    folder = Path(__file__).parents[1] / "bench"
    raw = [
        path.name
        for path in [*(folder / "cli").glob("*.py"), folder / "__main__.py"]
        if "click.echo(" in path.read_text() and path.name != "output.py"
    ]
    assert raw == []
