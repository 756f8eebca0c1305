"""Whether the software of another machine is that of this one. Answers and timings depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from bench.host.software import PACKAGES

Versions: TypeAlias = Mapping[str, str | None]
"""Version by package, None for one that is not there; and `python`, and `bench's code`, its hash."""

BOUND_TO_HARDWARE = ("triton", "flash-attn", "nvidia-cudnn-cu12", "nvidia-cublas-cu12", "nvidia-ml-py")
"""Packages that come with a GPU build of torch: a machine that only starts the run needs none of them."""
COMPARED = tuple(name for name in PACKAGES if name not in BOUND_TO_HARDWARE)
CODE = "bench's code"


def reader(packages: Sequence[str]) -> Callable[[], dict[str, str | None]]:
    """Make a function that reads versions, which an engine can send to a machine that has another bench, or none.

    It is a closure that imports the standard library alone: pickled by value, it needs nothing of ours over there.
    """
    names = list(packages)

    def read() -> dict[str, str | None]:
        import hashlib
        import importlib.metadata
        import importlib.util
        import pathlib
        import platform

        versions: dict[str, str | None] = {"python": platform.python_version()}
        for name in names:
            try:
                versions[name] = importlib.metadata.version(name).partition("+")[0]
            except importlib.metadata.PackageNotFoundError:
                versions[name] = None
        spec = importlib.util.find_spec("bench")
        places = [] if spec is None else list(spec.submodule_search_locations or [])
        code = hashlib.sha256()
        for path in sorted(pathlib.Path(places[0]).rglob("*.py")) if places else []:
            code.update(path.relative_to(places[0]).as_posix().encode() + b"\0" + path.read_bytes())
        versions["bench's code"] = code.hexdigest()[:12] if places else None
        return versions

    return read


def difference(here: Versions, there: Versions, machine: str) -> str | None:
    """Say in one line how the software of a machine differs from this one's; None where it does not."""
    differing = [name for name, version in here.items() if version is not None and there.get(name) != version]
    if not differing:
        return None
    if there.get(CODE) is None:
        return f"{machine} has no bench; install the same one there: pip install bench=={here.get('bench')}"
    parts = [f"{name} {there.get(name) or 'is missing'} there, {here[name]} here" for name in differing]
    more = "" if len(parts) <= 3 else f"; and {len(parts) - 3} more"
    return f"{machine} has other software ({'; '.join(parts[:3])}{more}); install the same versions on all machines"
