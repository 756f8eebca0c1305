"""The user's folder for caches: what takes seconds to make, and is the same each time, is kept there, whole or not.

Whoever keeps something names it so that anything else it could depend on is in the name.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path


def folder() -> Path:
    """Name bench's folder in the user's folder for caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bench"


def read(place: Path) -> bytes | None:
    """Read what was kept; None where it is not there, or not whole."""
    try:
        digest, _, content = place.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest().encode() == digest else None


def keep(place: Path, content: bytes) -> None:
    """Write a file after a line with its hash; whole or not at all, also where several do so at once.

    A folder that cannot be written to keeps nothing: what it would have held is made each time.
    """
    partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        partial.replace(place)
