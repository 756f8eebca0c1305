"""The one way in which bench hashes a value: everything that is told apart by content is told apart by this."""

from __future__ import annotations

import hashlib
import json


def content_hash(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON-able value, independent of the order of keys.

    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
