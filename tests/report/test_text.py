import json

import pytest

from bench.report.text import cut, name_markup, script_json, short
from bench.text import visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("a\x00b", "a␀b"),
        ("\x1b[31m", "␛[31m"),
        ("a\x7fb", "a␡b"),
        ("\u202eabc", "⟨202E⟩abc"),
        ("\u2028", "⟨2028⟩"),
        ("\ud800", "\ufffd"),
        ("größer 模型 אב", "größer 模型 אב"),
    ],
)
def test_nothing_is_invisible_or_obeyed(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_kept_characters_stay() -> None:
    assert visible("a\nb\tc", keep="\n") == "a\nb␉c"


def test_a_long_name_keeps_both_ends_and_its_limit() -> None:
    name = "start" + "x" * 10_000 + "end"
    assert len(short(name)) == 48
    assert short(name).startswith("start")
    assert short(name).endswith("end")
    assert len(name_markup(name)) < 1300


def test_markup_escapes_and_isolates() -> None:
    assert name_markup("<b>&") == "<bdi>&lt;b&gt;&amp;</bdi>"
    assert 'title="' in name_markup("\x00<i>")
    assert "<i>" not in name_markup("\x00<i>")


def test_cut_says_how_long_the_text_is() -> None:
    assert cut("a" * 20, 5) == "aaaaa… (20 characters)"
    assert cut("abc", 5) == "abc"


@pytest.mark.parametrize("text", ["</script><script>", "<!--", "\u2028\u2029", "&amp;", '"\\'])
def test_json_cannot_leave_its_script_element_and_reads_back(text: str) -> None:
    written = str(script_json({"k": text}))
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"k": text}
