"""Packages of third parties as an installer leaves them, and bench run beside them in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.extending.package import bench_all, environment


def install(site: Path, name: str, source: str, points: Mapping[str, Mapping[str, str]]) -> Path:
    """Write one module and the metadata of its entry points into a folder of packages.

    Args:
        site: the folder; made if need be.
        name: of the package and its module.
        source: of the module.
        points: group → name of the entry point → attribute of the module.
    """
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / f"{name}.py").write_text(source)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, members in points.items()
        for line in (f"[{group}]", *(f"{point} = {name}:{attribute}" for point, attribute in members.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return site


def bench(folder: Path, site: Path, *lines: str) -> list[str]:
    """Run commands of bench in `folder` in one process with the packages of `site` installed; give what each prints."""
    return bench_all(folder, environment(site), *lines)
