"""Whether the Hugging Face Hub answers, loading from its cache alone where it does not, and what it did
not serve, in a sentence.

The Hub's own libraries decide about tokens, caches and offline mode, and each retries in its own way. Where the
Hub answers nothing within seconds only the cache is asked, so that a dead network costs no round of retries.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from urllib.parse import urlsplit
from urllib.request import getproxies

from bench.errors import HubError

ANSWER_TIMEOUT_S = 5.0
"""Of the one trial request; an answer takes tenths of a second."""
DEFAULT_ENDPOINT = "https://huggingface.co"
OFFLINE = frozenset({"1", "ON", "YES", "TRUE"})
"""Values of HF_HUB_OFFLINE that mean yes. Source: huggingface_hub."""
OFFLINE_FLAGS = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_HUB_OFFLINE"),
    ("evaluate.config", "HF_EVALUATE_OFFLINE"),
)
"""Where the libraries keep whether they are offline, read from the environment when they are imported."""
CUT_SHORT = {"RemoteProtocolError", "IncompleteRead", "ChunkedEncodingError"}
"""What HTTP libraries call an answer that ends before its announced length."""
REFUSED_STATUS = re.compile(r"\b[45]\d\d [A-Z][a-z]+( [A-Z][a-z]+)*")
"""An HTTP status with its name, as in `503 Service Unavailable`."""


def reachable() -> bool:
    """Find out whether the Hub (`HF_ENDPOINT`) answers a request, whatever it says; a proxy is taken for an answer.

    A connection alone is not enough: what takes it and stays silent would cost each of the library's retries.
    """
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)
    if endpoint.scheme in getproxies():
        return True
    kind, port = (HTTPSConnection, 443) if endpoint.scheme == "https" else (HTTPConnection, 80)
    connection = kind(endpoint.hostname or "", endpoint.port or port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("HEAD", endpoint.path or "/")
        connection.getresponse()
    except RemoteDisconnected:
        return False  # it took the request and hung up, as a tunnel does whose other end is gone
    except (ssl.SSLError, HTTPException):
        return True  # somebody answered: the Hub's library says what is wrong with it
    except OSError:
        return False
    finally:
        connection.close()
    return True


@contextlib.contextmanager
def cache_if_unreachable() -> Iterator[bool]:
    """Let the imported libraries of the Hub look into their cache alone, as with `HF_HUB_OFFLINE=1`, where the
    Hub does not answer; yield whether it does. With that variable set none is tried."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() not in OFFLINE and reachable():
        yield True
        return
    before = [(sys.modules[name], flag) for name, flag in OFFLINE_FLAGS if name in sys.modules]
    values = [getattr(module, flag) for module, flag in before]
    for module, flag in before:
        setattr(module, flag, True)
    try:
        yield False
    finally:
        for (module, flag), value in zip(before, values, strict=True):
            setattr(module, flag, value)


def unserved(where: str, error: BaseException, setting: str) -> HubError | None:
    """Say what the Hub did not do, or None where it is not to blame.

    Args:
        where: what was asked for, with its revision.
        error: what the Hub's library, or one that uses it, raised.
        setting: where a downloaded folder may be given instead.
    """
    chain = chain_of(error)
    names, text = {type(link).__name__ for link in chain}, " ".join(str(link) for link in chain)
    if "RevisionNotFoundError" in names or "is not a valid git identifier" in text:
        return HubError(f"{where}: the Hub has no such revision; take a commit hash, branch or tag from its page")
    if "GatedRepoError" in names or re.search(r"\b(401|403)\b", text):
        return HubError(f"{where}: the Hub refused access (401/403); check the name, and set HF_TOKEN if it is private")
    if "RepositoryNotFoundError" in names:
        return HubError(f"{where}: the Hub has no such repository; check the name, and set HF_TOKEN if it is private")
    if (
        names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}
        or "couldn't connect" in text
        or "Connection" in text
    ):
        return unreached(where, setting)
    if names & CUT_SHORT or "Consistency check failed" in text:
        return HubError(f"{where}: the transfer of a file was cut short, again and again; run again to go on with it")
    if "HfHubHTTPError" in names:
        status = REFUSED_STATUS.search(text)
        status_text = f" ({status.group()})" if status else ""
        return HubError(f"{where}: the Hub answered with an error{status_text}; try again later, or give a folder")
    return None


def unreached(where: str, setting: str) -> HubError:
    """Say that the cache does not hold something, and that the Hub cannot be reached."""
    return HubError(
        f"{where}: not in the local cache, and the Hub cannot be reached; connect to the network or unset "
        f"HF_HUB_OFFLINE, or download it once elsewhere and give its folder as {setting}"
    )


def chain_of(error: BaseException) -> list[BaseException]:
    """Collect an error and those that it was raised from, or while handling."""
    links: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in links:
        links.append(current)
        current = current.__cause__ or current.__context__
    return links
