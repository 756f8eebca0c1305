"""Turns what transformers raises while it loads into one sentence with a remedy.

The Hub's own library decides about tokens (`HF_TOKEN`), caches (`HF_HOME`) and offline mode
(`HF_HUB_OFFLINE`); bench only names them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from bench.endpoint import cache_if_unreachable
from bench.errors import BenchError, EnvironmentLackError, HubError
from bench.models.checkpoint import locate
from bench.suite import ModelSpec

CUT_SHORT = {"RemoteProtocolError", "IncompleteRead", "ChunkedEncodingError"}
"""What HTTP libraries call an answer that ends before its announced length."""
REFUSED_STATUS = re.compile(r"\b[45]\d\d [A-Z][a-z]+( [A-Z][a-z]+)*")
"""An HTTP status with its name, as in `503 Service Unavailable`."""


@contextlib.contextmanager
def explain_load_errors(spec: ModelSpec) -> Iterator[None]:
    """Re-raises a loading error as a `BenchError` that says what failed, for which model, and what to do.

    Raises:
        HubError: the Hub did not serve the files.
        EnvironmentLackError: the files are there but cannot be read here.
    """
    is_local = locate(str(spec.checkpoint), Path()).folder is not None
    try:
        with contextlib.nullcontext() if is_local else cache_if_unreachable():
            yield
    except BenchError:
        raise
    except ImportError as error:
        raise EnvironmentLackError(
            f"model '{spec.name}': {_first_line(error)}; install the package that it names"
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _explained(spec, error, is_local) from error


def _explained(spec: ModelSpec, error: Exception, is_local: bool) -> BenchError:
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    text = " ".join(str(link) for link in chain)
    where = f"model '{spec.name}': '{spec.checkpoint}'" + (f" at revision '{spec.revision}'" if spec.revision else "")
    if "trust_remote_code" in text and not spec.trust_remote_code:
        return EnvironmentLackError(
            f"{where}: its own code must run to load it; read that, then set 'trust_remote_code: true' for the model"
        )
    unserved = None if is_local else _unserved(where, names, text)
    if unserved is not None:
        return unserved
    if "safetensors" in text.lower() and (
        "HeaderTooLarge" in text or "incomplete" in text or "deserializ" in text.lower()
    ):
        return HubError(
            f"{where}: the weight file is damaged or cut short ({_first_line(error)}); delete it and load again"
        )
    if "safetensors" in text.lower():
        return EnvironmentLackError(f"{where}: no safetensors weights; set 'allow_pickle: true' if you trust the file")
    return EnvironmentLackError(f"{where}: cannot be loaded: {_first_line(error)}")


def _unserved(where: str, names: set[str], text: str) -> HubError | None:
    """Returns what the Hub did not do, or None where it is not to blame."""
    if "RevisionNotFoundError" in names or "is not a valid git identifier" in text:
        return HubError(
            f"{where}: the Hub has no such revision; take a commit hash, branch or tag from the model's page"
        )
    if "GatedRepoError" in names or re.search(r"\b(401|403)\b", text):
        return HubError(f"{where}: the Hub refused access (401/403); check the name, and set HF_TOKEN if it is private")
    if "RepositoryNotFoundError" in names:
        return HubError(f"{where}: the Hub has no such repository; check the name, and set HF_TOKEN if it is private")
    if (
        names & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}
        or "couldn't connect" in text
        or "Connection" in text
    ):
        return HubError(
            f"{where}: not in the local cache, and the Hub cannot be reached; connect to the network or unset "
            "HF_HUB_OFFLINE, or download it once elsewhere and give its folder as 'checkpoint'"
        )
    if names & CUT_SHORT or "Consistency check failed" in text:
        return HubError(f"{where}: the transfer of a file was cut short, again and again; run again to go on with it")
    if "HfHubHTTPError" in names:
        status = REFUSED_STATUS.search(text)
        said = f" ({status.group()})" if status else ""
        return HubError(f"{where}: the Hub answered with an error{said}; try again later, or give a folder")
    return None


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in links:
        links.append(current)
        current = current.__cause__ or current.__context__
    return links


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
