"""What travels: a walk over requirements with wheels made by hand, and the room that there is."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.gpu.kit import machine, wheels
from benchmarks.gpu.kit.environment import SetUpError, set_up, variables

INDEX = {
    "altair": ("5.5", ["narwhals>=2", "jsonschema>=3", "importlib-metadata; python_version < '3.8'"]),
    "jsonschema": ("4.0", ["attrs>=22", "huggingface-hub>=99"]),
    "pydantic": ("2.9", ["typing-extensions>=4.16"]),
    "typing-extensions": ("4.16", []),
}


def wheel(folder: Path, name: str) -> None:
    version, requires = INDEX[name]
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as content:
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
        content.writestr(f"{stem}.dist-info/METADATA", "Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")


class Index:
    """An index of wheels made by hand."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, requirements: Sequence[str], folder: Path) -> None:
        for text in requirements:
            self.asked.append(text)
            wheel(folder, Requirement(text).name)


def test_only_what_lacks_is_carried_with_all_that_it_needs(tmp_path: Path) -> None:
    index = Index()
    carried, unmet = wheels.walk(
        map(Requirement, ("torch>=2.6", "altair>=5.5", "vl-convert-python>=1.7")), tmp_path, index
    )
    assert sorted(carried) == ["altair", "jsonschema"]
    assert index.asked == ["altair>=5.5", "jsonschema>=3"]
    assert len(unmet) == 1 and "huggingface-hub" in unmet[0] and "jsonschema 4.0" in unmet[0]


def test_a_version_that_is_known_and_too_old_is_told(tmp_path: Path) -> None:
    _, unmet = wheels.walk([Requirement("transformers>=6")], tmp_path, Index())
    assert "transformers>=6" in unmet[0] and machine.VERSIONS["transformers"] in unmet[0]


def test_what_a_carried_package_may_outrun_is_carried_too(tmp_path: Path) -> None:
    carried, _ = wheels.walk([Requirement("pydantic>=2")], tmp_path, Index())
    assert sorted(carried) == ["pydantic", "typing-extensions"]


def test_requirements_are_those_of_the_project() -> None:
    names = {requirement.name for requirement in wheels.declared()}
    assert {"torch", "transformers", "pydantic", *machine.EXTRAS} <= names


def test_all_that_is_declared_goes_with_what_is_known_to_be_there() -> None:
    needs = wheels.Needs()
    for requirement in wheels.declared():
        needs.add(requirement, "bench")
    assert needs.unmet == []
    assert "pydantic" in needs.missing and "torch" not in needs.missing


def test_a_tree_counts_what_travels_and_no_more(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored" / "large").write_bytes(b"0" * 1000)
    (tmp_path / "kept").write_bytes(b"0" * 100)
    assert wheels.tree_bytes(tmp_path) == 100 + len("ignored/\n")


def test_too_much_is_refused_with_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "declared", lambda: [Requirement("altair")])
    monkeypatch.setattr(machine, "ROOM_BYTES", 1000)
    with pytest.raises(RuntimeError, match="too much to travel"):
        wheels.collect(tmp_path, download=Index(), bundle=lambda: "x" * 2000)


def test_collected_wheels_and_script_are_unpacked_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "declared", lambda: [Requirement("altair")])
    folder = tmp_path / "wheels"
    lines = wheels.collect(folder, download=Index(), bundle=lambda: "let it = 1;")
    assert "MiB" in lines[-2]
    assert (folder / wheels.BUNDLE).read_text() == "let it = 1;"
    assert len(wheels.run_command()) <= wheels.COMMAND_CHARACTERS and str(wheels.FOLDER) in wheels.run_command()


def test_the_folder_of_the_wheels_is_ignored_by_git() -> None:
    asked = subprocess.run(
        ["git", "-C", str(wheels.ROOT), "check-ignore", "-q", str(wheels.FOLDER / "a.whl")], check=False
    )
    assert asked.returncode == 0


def test_without_wheels_the_set_up_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match="collect"):
        set_up(tmp_path / "none", tmp_path / "site", tmp_path / "extras")


def test_another_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "altair")
    monkeypatch.setattr("benchmarks.gpu.kit.environment.PYTHON", "3.0")
    with pytest.raises(SetUpError, match=r"Python 3\.0"):
        set_up(tmp_path, tmp_path / "site", tmp_path / "extras")


def test_carried_packages_come_before_those_of_the_machine(tmp_path: Path) -> None:
    settings = variables(tmp_path / "root", tmp_path, tmp_path / "site", {"PYTHONPATH": "/there", "HOME": "/root"})
    assert settings["PYTHONPATH"].split(":") == [str(tmp_path / "site"), str(tmp_path / "root"), "/there"]
    assert settings["HF_HUB_OFFLINE"] == "1" and settings["HOME"] == "/root"
