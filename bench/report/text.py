"""Texts of strangers (names, reasons, predictions) as the page shows them: cut, isolated, nothing invisible.

What counts as invisible is decided in `bench.text`. Escaping for HTML is Jinja2's work, not this module's; JSON inside
a script element is `script_json`'s.
"""

from __future__ import annotations

import json

from markupsafe import Markup

from bench.text import visible

NAME_LIMIT = 48
"""Characters of a name that are shown; the longest of the quickstart has 10, of the Hub's usual names about
40."""
WHOLE = 20
"""Up to so many characters a name with hyphens is not broken over two lines."""
TITLE_LIMIT = 1000
"""Characters of a cut text that its title keeps."""
REASON_LIMIT = 600
"""Characters of a reason or a message."""


def short(text: str, limit: int = NAME_LIMIT) -> str:
    """Make a text visible, its middle left out when it is longer than `limit` characters.

    >>> short("abcdefghij", 7)
    'abcd…ij'
    """
    printable = visible(text)
    if len(printable) <= limit:
        return printable
    tail = max(1, (limit - 1) // 3)
    return f"{printable[: limit - 1 - tail]}…{printable[-tail:]}"


def name_markup(text: str, limit: int = NAME_LIMIT) -> Markup:
    """Write a name as HTML: cut, its direction isolated from its surroundings, the whole of it in the
    title."""
    shown = short(text, limit)
    if shown == text:
        whole = len(text) <= WHOLE and "-" in text
        return Markup('<bdi class="whole">{}</bdi>' if whole else "<bdi>{}</bdi>").format(shown)
    return Markup('<bdi title="{}">{}</bdi>').format(cut(text, TITLE_LIMIT), shown)


def cut(text: str, limit: int) -> str:
    """Make a text visible, its end left out when it is longer than `limit` characters; line feeds
    stay."""
    printable = visible(text[: limit + 1], keep="\n")
    return printable if len(text) <= limit else f"{printable[:limit]}… ({len(text):,} characters)"


def script_json(value: object) -> Markup:
    """Write JSON that cannot end the script element that it stands in.

    Source: HTML, "Restrictions for contents of script elements"; ECMA-262 for U+2028 and U+2029.

    >>> str(script_json("</script>"))
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)
