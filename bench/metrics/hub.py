"""Metric modules from the Hugging Face Hub, at exactly the revision that was asked for.

`evaluate.load` would take any cached version of a module where the Hub does not answer, whatever revision the suite
pins, and says one and the same thing of a missing name, a missing revision, a refusal and a dead network. So the
Hub's own library fetches the files, and `evaluate` loads them from its cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.errors import HubError
from bench.host.hub import cache_if_unreachable, unreached, unserved

OWNERS = ("evaluate-metric", "evaluate-comparison", "evaluate-measurement")
"""Who has the modules that are called by a bare name. Source: evaluate 0.4, loading.py."""
VERSION = re.compile(r"\d+\.\d+\.\d+")
FOLDER = "'evaluate:./folder'"
"""How a suite names a folder that was downloaded elsewhere."""
CODE = "*.py"
"""A module's page holds a demonstration too; its code is all that is needed."""


def download(name: str, path: str, revision: str) -> Path:
    """Find the file of a metric module on the Hub or in its cache.

    Args:
        name: as the suite calls it.
        path: `NAME` or `OWNER/NAME`.
        revision: commit, branch or tag; empty for the tag of the installed `evaluate`, else the main branch.

    Raises:
        HubError: the Hub does not serve it, and the cache does not have it.
    """
    repositories = [path] if "/" in path else [f"{owner}/{path}" for owner in OWNERS]
    asked = f"metric '{name}'"
    cached = any(map(_is_cached, repositories))
    with cache_if_unreachable() as is_reachable:
        if not is_reachable and not cached:
            raise unreached(asked, FOLDER)
        folder, error = _first([(repository, tag) for repository in repositories for tag in _revisions(revision)])
    if folder is None:
        raise _explained(asked, error) from error
    return _module_of(asked, folder, path.rpartition("/")[2])


def _is_cached(repository: str) -> bool:
    """Tell whether the cache knows a repository; the library that reads it takes a second to import.

    What says whether that library is offline is imported with this.
    """
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, f"spaces--{repository.replace('/', '--')}").is_dir()


def _revisions(asked: str) -> list[str | None]:
    """List the revisions to try: as `evaluate` has it, a version's tag, and by default that of the library first."""
    if not asked:
        return [f"v{version('evaluate')}", None]
    return [f"v{asked}" if VERSION.fullmatch(asked) else asked]


def _first(places: Sequence[tuple[str, str | None]]) -> tuple[Path | None, Exception]:
    """Find the first folder that is served or cached; else none, and the error of the last place."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    missed: Exception = FileNotFoundError("no place to look in")
    for repository, revision in places:
        try:
            return Path(
                snapshot_download(repository, repo_type="space", revision=revision, allow_patterns=CODE)
            ), missed
        except (LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
            missed = error
        except Exception as error:  # noqa: BLE001  the HTTP library's own, which differ by version: recorded
            return None, error
    return None, missed


def _module_of(asked: str, folder: Path, stem: str) -> Path:
    file = folder / f"{stem}.py"
    if not file.is_file():
        raise HubError(f"{asked}: its page on the Hub holds no {file.name}, so it is no metric module")
    return file


def _explained(asked: str, error: Exception) -> HubError:
    explained = unserved(asked, error, FOLDER)
    return explained or HubError(f"{asked}: could not be fetched from the Hub ({type(error).__name__}: {error})")
