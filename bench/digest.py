"""The one way in which bench hashes a value: everything that is told apart by content is told apart by this."""

from __future__ import annotations

import hashlib
import json

AT_ONCE = 100
"""Items of a list that are written at once."""


def content_hash(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON-able value, independent of the order of keys.

    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(_text(value).encode()).hexdigest()


class ListHash:
    """Hashes a list item by item, to what `content_hash` gives of the whole.

    >>> items = ListHash()
    >>> for item in ([1], "b"):
    ...     items.add(item)
    >>> items.finish() == content_hash([[1], "b"])
    True
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"[")
        self._waiting: list[object] = []
        self._separator = b""

    def add(self, item: object) -> None:
        """Add the next item."""
        self._waiting.append(item)
        if len(self._waiting) == AT_ONCE:
            self._flush()

    def finish(self) -> str:
        """Return the SHA-256 (hex) of the list."""
        self._flush()
        self._hash.update(b"]")
        return self._hash.hexdigest()

    def _flush(self) -> None:
        if self._waiting:
            self._hash.update(self._separator + _text(self._waiting)[1:-1].encode())
            self._separator = b","
            self._waiting.clear()


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
