"""Make text from strangers safe to show: names, reasons, answers and labels may hold any character.

A control character can recolour a terminal or rewrite its lines, and a format character can reverse what follows it.
Here each is replaced by something that can be seen. Nothing here knows HTML or tables.
"""

from __future__ import annotations

import unicodedata

_CONTROL_PICTURES = 0x2400
"""First of Unicode's pictures of control characters: NUL is ␀."""
_SPACE, _DELETE, _ASTRAL = 0x20, 0x7F, 0x10000
_OBEYED_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_OBEYED_DIRECTIONS = ("LRE", "RLE", "PDF", "LRO", "RLO")
LINE_BREAKS_AND_TABS = "\n\t"
"""What a terminal may obey: bench's own messages have several lines."""


def is_obeyed(char: str) -> bool:
    """Tell whether a character acts on the text around it instead of being shown.

    >>> is_obeyed("a"), is_obeyed(chr(27)), is_obeyed(chr(0x202E))
    (False, True, True)
    """
    return unicodedata.category(char) in _OBEYED_CATEGORIES or unicodedata.bidirectional(char) in _OBEYED_DIRECTIONS


def visible(text: str, keep: str = "") -> str:
    """Show every control, format and unpaired surrogate character as a picture of it, for a page.

    Args:
        text: anything.
        keep: characters that stay as they are, such as a line feed.

    >>> visible("a\\x00b"), visible("a\\u202eb")
    ('a␀b', 'a⟨202E⟩b')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not is_obeyed(char) else _picture(char) for char in text)


def escaped(text: str, keep: str = LINE_BREAKS_AND_TABS) -> str:
    """Write the same characters as Python does, for a terminal: what is copied from there can be typed again.

    >>> print(escaped("a" + chr(27) + "[31mb" + chr(0x202E)))
    a\\x1b[31mb\\u202e
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not is_obeyed(char) else _python_escape(char) for char in text)


def escaped_json(text: str) -> str:
    """Escape the same characters in a JSON text, whose values stay what they are.

    >>> print(escaped_json('"a' + chr(0x9B) + '"'))
    "a\\u009b"
    """
    if text.isascii() and "\x7f" not in text:  # json itself escapes what is below a space
        return text
    return "".join(char if char == "\n" or not is_obeyed(char) else _json_escape(char) for char in text)


def _picture(char: str) -> str:
    code = ord(char)
    if code < _SPACE:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return "\ufffd" if unicodedata.category(char) == "Cs" else f"⟨{code:04X}⟩"


def _python_escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _json_escape(char: str) -> str:
    code = ord(char)
    if code < _ASTRAL:
        return f"\\u{code:04x}"
    units = char.encode("utf-16-be").hex()
    return f"\\u{units[:4]}\\u{units[4:]}"
