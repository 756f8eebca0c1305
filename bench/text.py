"""Texts of strangers (names, errors, labels, answers) made safe to show: on a terminal, on a page, in a spreadsheet.

Every text that bench did not write itself may hold characters that a terminal or a browser obeys instead of showing.
`is_obeyed` says which; `visible` shows them as one character for pages, `terminal_text` as an escape for terminals.
"""

from __future__ import annotations

import unicodedata

_CONTROL_PICTURES = 0x2400
"""First of Unicode's pictures of control characters: NUL is ␀."""
_DELETE = 0x7F
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, unpaired surrogates, separators of lines and paragraphs."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def is_obeyed(char: str) -> bool:
    """Tell whether a character is obeyed, or breaks what stands around it, instead of being shown."""
    return unicodedata.category(char) in _OBEYED


def visible(text: str, keep: str = "") -> str:
    """Show every control, format and unpaired surrogate character as one that is seen, for pages.

    Args:
        text: anything.
        keep: characters that stay as they are, such as a line feed.

    >>> visible("a\\x00b"), visible("a\\u202eb")
    ('a␀b', 'a⟨202E⟩b')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not is_obeyed(char) else _seen(char) for char in text)


def _seen(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return "\ufffd" if unicodedata.category(char) == "Cs" else f"⟨{code:04X}⟩"


def terminal_text(text: str, keep: str = "\n\t") -> str:
    r"""Show every control, format and unpaired surrogate character as an escape, for terminals and logs.

    Args:
        text: anything.
        keep: characters that stay as they are; a table's cell and a line of progress keep none.

    >>> terminal_text("a\x1b[31mb"), terminal_text("a\u202eb", keep="")
    ('a\\x1b[31mb', 'a\\u202eb')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char in keep or not is_obeyed(char) else char.encode("unicode_escape").decode() for char in text
    )


def json_for_terminal(text: str) -> str:
    r"""Escape what a terminal would obey in JSON that leaves non-ASCII characters as they are; it reads back the same.

    >>> json_for_terminal('"a\x9bb"')
    '"a\\u009bb"'
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char == "\n" or not is_obeyed(char) else _json_escape(char) for char in text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


def spreadsheet_text(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    Source: OWASP, CSV Injection.

    >>> spreadsheet_text("=1+1"), spreadsheet_text("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
