"""What could act on a terminal or a page is shown instead, and nothing else is changed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.characters import escaped, escaped_json, is_obeyed, visible

ANYTHING = st.text(st.characters())


@given(ANYTHING)
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    assert not any(is_obeyed(char) for char in visible(text) + escaped(text, keep=""))
    assert not any(is_obeyed(char) and char not in "\n\t" for char in escaped(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == visible(text) == text


@given(ANYTHING)
def test_json_stays_the_same_value(text: str) -> None:
    shown = escaped_json(json.dumps({"value": text}, ensure_ascii=False, indent=1))
    assert json.loads(shown) == {"value": text}
    assert not any(is_obeyed(char) and char != "\n" for char in shown)


def test_c1_controls_and_tags_of_every_plane() -> None:
    assert escaped("\x9b1m\x07\U000e0041") == "\\x9b1m\\x07\\U000e0041"
    assert escaped_json('"\x7f\U000e0041"') == '"\\u007f\\udb40\\udc41"'
