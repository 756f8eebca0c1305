"""Where the files that come with this package lie. Imports nothing that takes time."""

from __future__ import annotations

from pathlib import Path


def embedded_folder() -> Path:
    """Find the folder of the embedded suites, in a wheel or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "embedded"
    return inside if inside.is_dir() else package.parent / "suites"


def embedded_suites() -> dict[str, Path]:
    """List the embedded suites by name."""
    return {path.stem: path for path in sorted(embedded_folder().glob("*.yaml"))}
