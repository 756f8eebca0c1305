"""Collect what the GPU's machine lacks: walk the requirements of bench, and download a wheel of each missing package.

Needs a package index. What is there is not followed further: its requirements are met there. A package without wheels
is built, if it is pure Python. vl-convert is 33 MB for one script that the report's explorer embeds, so the script
travels instead.
"""

from __future__ import annotations

import email
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from benchmarks.gpu.kit import machine

ROOT = Path(__file__).parents[3]
FOLDER = Path("benchmarks/gpu/wheels")
"""Where they are put, from the repository's root; ignored by git."""
SNIPPET = "window.vegaEmbed=vegaEmbed;"
BUNDLE = "explorer.js"
REPLACED = "vl-convert-python"
"""The package of which only the output travels."""
SMALL_BYTES = 1024**2
"""A pure wheel up to this size is carried too where the version that is there is unknown and might be too old."""
REFRESHED = frozenset({"typing-extensions", "click", "rich", "packaging"})
"""Packages that a newer carried one may outrun: pydantic asks for a new `typing-extensions` by and by."""
COMMAND_CHARACTERS = 2000
"""Longest command that the other machine takes."""
MARKERS = {
    "python_version": machine.PYTHON,
    "python_full_version": f"{machine.PYTHON}.3",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "extra": "",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
"""Of requirements: the other machine, not this one."""


@dataclass(slots=True)
class Needs:
    """What is required, as far as the walk has come."""

    missing: dict[str, list[Requirement]] = field(default_factory=dict)
    """Name → all that is asked of it, of packages that must be carried."""
    unmet: list[str] = field(default_factory=list)
    """Requirements that a known version there does not meet."""
    unknown: dict[str, list[Requirement]] = field(default_factory=dict)
    """Bounds on packages whose version there is not known."""

    def add(self, requirement: Requirement, why: str) -> None:
        """Sort one requirement into what is missing, unmet, unknown or met."""
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate(MARKERS):
            return
        if name == REPLACED:
            return
        if name not in machine.PRESENT:
            self.missing.setdefault(name, []).append(requirement)
        elif name in machine.VERSIONS:
            if not requirement.specifier.contains(machine.VERSIONS[name], prereleases=True):
                self.unmet.append(f"{why} asks for {requirement}, and {machine.VERSIONS[name]} is there")
        elif requirement.specifier:
            self.unknown.setdefault(name, []).append(requirement)


def declared() -> list[Requirement]:
    """Read what bench requires, and the extras of the kit."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [f"{name}{machine.EXTRA_VERSIONS.get(name, '')}" for name in machine.EXTRAS]
    return [Requirement(text) for text in (*project["dependencies"], *extras)]


def requires(wheel: Path) -> list[Requirement]:
    """Read the requirements in a wheel's metadata."""
    with zipfile.ZipFile(wheel) as content:
        name = next(name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(content.read(name))
    return [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]


Download = Callable[[Sequence[str], Path], None]


def walk(
    wanted: Iterable[Requirement], folder: Path, download: Download, *, small_bytes: int = SMALL_BYTES
) -> tuple[dict[str, Path], list[str]]:
    """Download wheels until every requirement is there or carried.

    Args:
        wanted: what is required.
        folder: where wheels lie, and are put.
        download: gets wheels of requirements, without their own requirements, into a folder.
        small_bytes: size up to which a wheel is carried because the version that is there may be too old.

    Returns:
        Name → wheel, and what the other machine has in a version that does not do.
    """
    needs, done = Needs(), dict[str, str]()
    for requirement in wanted:
        needs.add(requirement, "bench")
    while True:
        level = {name: _asked(name, asked) for name, asked in needs.missing.items()}
        changed = [text for name, text in level.items() if done.get(name) != text]
        if not changed:
            break
        download(changed, folder)
        done |= level
        wheels = newest(folder)
        for text in changed:
            name = canonicalize_name(Requirement(text).name)
            for requirement in requires(wheels[name]):
                needs.add(requirement, f"{name} {parse_wheel_filename(wheels[name].name)[1]}")
    wheels = newest(folder)
    carried = {name: wheels[name] for name in done}
    return carried | _refreshed(needs, folder, download, small_bytes), needs.unmet


def _asked(name: str, asked: Sequence[Requirement]) -> str:
    """Join all that is asked of one package into one requirement."""
    parts = sorted({part.strip() for item in asked for part in str(item.specifier).split(",") if part.strip()})
    return name + ",".join(parts)


def _refreshed(needs: Needs, folder: Path, download: Download, small_bytes: int) -> dict[str, Path]:
    """Carry small pure wheels of packages that are there in a version that nobody noted, where one is bounded."""
    bounded = {name: _asked(name, asked) for name, asked in needs.unknown.items() if name in REFRESHED}
    if bounded:
        download(list(bounded.values()), folder)
    wheels = newest(folder)
    pure = {name: wheels[name] for name in bounded if wheels[name].name.endswith("-none-any.whl")}
    return {name: wheel for name, wheel in pure.items() if wheel.stat().st_size <= small_bytes}


def newest(folder: Path) -> dict[str, Path]:
    """Find the newest wheel of each package in a folder."""
    found: dict[str, Path] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        if name not in found or version >= parse_wheel_filename(found[name].name)[1]:
            found[name] = wheel
    return {str(name): wheel for name, wheel in found.items()}


def by_pip(requirements: Sequence[str], folder: Path) -> None:
    """Download wheels for the other machine with pip; build those that exist as source alone.

    Raises:
        RuntimeError: pip found neither, with what it said.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    target = ["--python-version", machine.PYTHON, "--implementation", "cp"]
    target += [part for name in machine.platforms() for part in ("--platform", name)]
    for text in requirements:
        wheel = [*pip, "download", "-qq", "--no-deps", "--only-binary=:all:", "-d", str(folder), *target, text]
        if subprocess.run(wheel, capture_output=True, check=False).returncode == 0:
            continue
        source = [*pip, "wheel", "-qq", "--no-deps", "-w", str(folder), text]
        built = subprocess.run(source, capture_output=True, text=True, check=False)
        made = newest(folder).get(canonicalize_name(Requirement(text).name))
        if built.returncode or made is None or not made.name.endswith("-none-any.whl"):
            said = (built.stderr.strip().splitlines() or ["it is not pure Python"])[-1]
            raise RuntimeError(
                f"no wheel of '{text}' for Python {machine.PYTHON} on Linux, and none can be built: {said}"
            )


def tree_bytes(root: Path) -> int:
    """Add up the files of the working tree that travel: tracked, and untracked but not ignored."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    files = (root / name for name in listed.split("\0") if name)
    return sum(path.stat().st_size for path in files if path.is_file() and not path.is_symlink())


def run_command() -> str:
    """Write the command that is run on the other machine."""
    text = f'python3 -m benchmarks.gpu.kit run --wheels {FOLDER} --out "$OUT"'
    assert len(text) <= COMMAND_CHARACTERS
    return text


def collect(folder: Path, *, download: Download = by_pip, bundle: Callable[[], str] | None = None) -> list[str]:
    """Collect the wheels into a folder, and list what to say about it.

    Raises:
        RuntimeError: a wheel cannot be had, or it is too much to travel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    carried, unmet = walk(declared(), folder, download)
    for wheel in set(folder.glob("*.whl")) - set(carried.values()):
        wheel.unlink()
    (folder / BUNDLE).write_text((bundle or _bundle)(), encoding="utf-8")
    wheels = sum(path.stat().st_size for path in folder.iterdir())
    tree, room = tree_bytes(ROOT), machine.ROOM_BYTES
    lines = [f"{wheel.stat().st_size / 1024:9.0f} KiB  {wheel.name}" for _, wheel in sorted(carried.items())]
    lines.append(
        f"{len(carried)} wheels and the explorer's script {wheels / 2**20:.1f} MiB, tree {tree / 2**20:.1f} MiB, "
        f"together {(wheels + tree) / 2**20:.1f} of {room / 2**20:.0f} MiB"
    )
    lines += [f"not met there: {text}" for text in unmet]
    if wheels + tree > room:
        raise RuntimeError("\n".join([*lines, "that is too much to travel; drop an entry of EXTRAS in machine.py"]))
    return lines


def _bundle() -> str:
    """Make the script that the report's explorer embeds."""
    import vl_convert

    return str(vl_convert.javascript_bundle(SNIPPET))
