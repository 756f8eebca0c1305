"""Metric modules from the Hugging Face Hub, at exactly the revision that was asked for.

`evaluate.load` would take any cached version of a module where the Hub does not answer, whatever revision the suite
pins, and says one and the same thing of a missing name, a missing revision, a refusal and a dead network. So the
Hub's own library fetches the files, and `evaluate` loads them from its cache.
"""

from __future__ import annotations

from pathlib import Path

from bench.endpoint import cache_if_unreachable, unserved
from bench.errors import HubError

OWNERS = ("evaluate-metric", "evaluate-comparison", "evaluate-measurement")
"""Who has the modules that are called by a bare name. Source: evaluate 0.4, loading.py."""
CODE = "*.py"
"""A module's page holds a demonstration too; its code is all that is needed."""


def download(name: str, path: str, revision: str) -> Path:
    """Returns the file of a metric module, from the Hub or its cache.

    Args:
        name: as the suite calls it.
        path: `NAME` or `OWNER/NAME`.
        revision: commit, branch or tag; empty for the main branch.

    Raises:
        HubError: the Hub does not serve it, and the cache does not have it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    repositories = [path] if "/" in path else [f"{owner}/{path}" for owner in OWNERS]
    asked = f"metric '{name}'"
    missed: Exception | None = None
    for repository in repositories:
        try:
            with cache_if_unreachable():
                found = snapshot_download(repository, repo_type="space", revision=revision or None, allow_patterns=CODE)
        except RepositoryNotFoundError as error:  # a 401 too: the Hub does not tell what is private from what is not
            missed = error
        except Exception as error:
            raise _explained(asked, error) from error
        else:
            return _module_of(asked, Path(found), path.rpartition("/")[2])
    assert missed is not None
    raise _explained(asked, missed) from missed


def _module_of(asked: str, folder: Path, stem: str) -> Path:
    found = folder / f"{stem}.py"
    if not found.is_file():
        raise HubError(f"{asked}: its page on the Hub holds no {found.name}, so it is no metric module")
    return found


def _explained(asked: str, error: Exception) -> HubError:
    known = unserved(asked, error, "'evaluate:./folder'")
    return known or HubError(f"{asked}: could not be fetched from the Hub ({type(error).__name__}: {error})")
