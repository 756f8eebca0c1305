"""Whether the Hugging Face Hub takes a connection, and loading from its cache alone where it does not.

The Hub's own libraries decide about tokens, caches and offline mode, and each retries in its own way. Where the
Hub takes no connection within seconds only the cache is asked, so that a dead network costs no round of retries.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

CONNECT_TIMEOUT_S = 3.0
"""Of the one trial connection; an answer takes tenths of a second."""
DEFAULT_ENDPOINT = "https://huggingface.co"
OFFLINE = frozenset({"1", "ON", "YES", "TRUE"})
"""Values of HF_HUB_OFFLINE that mean yes. Source: huggingface_hub."""
OFFLINE_FLAGS = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_HUB_OFFLINE"),
    ("evaluate.config", "HF_EVALUATE_OFFLINE"),
)
"""Where the libraries keep whether they are offline, read from the environment when they are imported."""


def reachable() -> bool:
    """Returns whether the Hub (`HF_ENDPOINT`) takes a connection; a proxy is taken for an answer."""
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)
    if endpoint.scheme in getproxies():
        return True
    port = endpoint.port or (443 if endpoint.scheme == "https" else 80)
    try:
        with socket.create_connection((endpoint.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def cache_if_unreachable() -> Iterator[None]:
    """Has the imported libraries of the Hub look into their cache alone, as with `HF_HUB_OFFLINE=1`, where the
    Hub takes no connection. With that variable set none is tried."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() not in OFFLINE and reachable():
        yield
        return
    before = [(sys.modules[name], flag) for name, flag in OFFLINE_FLAGS if name in sys.modules]
    values = [getattr(module, flag) for module, flag in before]
    for module, flag in before:
        setattr(module, flag, True)
    try:
        yield
    finally:
        for (module, flag), value in zip(before, values, strict=True):
            setattr(module, flag, value)
