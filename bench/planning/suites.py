"""Finds a suite: a YAML file by its path, or an embedded one by its name."""

from __future__ import annotations

from pathlib import Path

from bench.errors import InputError, nearest
from bench.planning.checks import loose_mistakes
from bench.suite import Suite
from bench.suite.yaml_file import Located, read


def embedded_folder() -> Path:
    """Find the folder of the embedded suites, in a wheel or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "embedded"
    return inside if inside.is_dir() else package.parent / "suites"


def embedded_suites() -> dict[str, Path]:
    """List the embedded suites by name."""
    return {path.stem: path for path in sorted(embedded_folder().glob("*.yaml"))}


def open_suite(reference: str) -> Located[Suite]:
    """Open the suite at a path, or the embedded one of that name.

    Raises:
        InputError: no such file, and no such embedded suite.
        SuiteError: the file is wrong.
    """
    path = Path(reference)
    if path.is_file():
        return read(path, Suite, loose_mistakes)
    embedded = embedded_suites()
    if reference in embedded:
        return read(embedded[reference], Suite)
    if path.suffix in (".yaml", ".yml") or "/" in reference:
        siblings = [str(other) for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        hint = nearest(reference, siblings) if siblings else "check the path"
        raise InputError(f"{reference}: there is no such file; {hint}")
    raise InputError(
        f"no embedded suite is named '{reference}'; {nearest(reference, embedded)} For a file, give its path."
    )
