"""Finds a suite: a YAML file by its path, or an embedded one by its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.errors import InputError, closest, nearest
from bench.host.package import embedded_suites
from bench.planning.checks import loose_mistakes
from bench.suite import Suite
from bench.suite.yaml_file import Located, read

MOST_NAMED = 8
"""Files that a message lists."""


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
        raise InputError(f"{reference}: there is no such file; {_hint(path, embedded)}")
    raise InputError(
        f"no embedded suite is named '{reference}'; {nearest(reference, embedded)} For a file, give its path."
    )


def _hint(path: Path, embedded: Iterable[str]) -> str:
    """Offer the suite that a path most likely means: one beside it, an embedded one, else what lies there."""
    folder = path.parent
    beside = [str(other) for pattern in ("*.yaml", "*.yml") for other in sorted(folder.glob(pattern))]
    stems = {Path(other).stem: other for other in beside}
    near = closest(path.stem, stems)
    if near is not None:
        return f"did you mean '{stems[near]}'?"
    name = closest(path.stem, embedded)
    if name is not None:
        return f"did you mean the embedded suite '{name}'?"
    if beside:
        more = f" and {len(beside) - MOST_NAMED} more" if len(beside) > MOST_NAMED else ""
        return f"the suites there: {', '.join(beside[:MOST_NAMED])}{more}"
    if not folder.is_dir():
        return f"there is no folder '{folder}' either; paths start at the present one"
    return f"'{folder}' holds no suite (*.yaml); embedded ones go by their names: {', '.join(sorted(embedded))}"
