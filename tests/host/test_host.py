from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.host import advise, fingerprint, machine_key
from bench.host.software import git_facts, package_version, software_facts


@pytest.fixture(scope="module")
def found() -> dict:  # type: ignore[type-arg]
    return fingerprint()


def test_is_json_and_true_of_this_machine(found: dict) -> None:  # type: ignore[type-arg]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["cpu"]["logical_cpus"] == os.cpu_count()
    assert found["machine"]["memory_bytes"] == psutil.virtual_memory().total
    assert found["machine"]["kernel"] == os.uname().release
    assert found["software"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["software"]["packages"]["torch"] == package_version("torch")


def test_imports_no_torch() -> None:
    code = "import sys; from bench.host import fingerprint; fingerprint(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_key_ignores_what_moves_and_sees_what_matters(found: dict) -> None:  # type: ignore[type-arg]
    moved = copy.deepcopy(found)
    moved["machine"] |= {"load_average": [9, 9, 9], "memory_available_bytes": 1, "swap_used_bytes": 5}
    moved |= {"taken_at": "2001-01-01T00:00:00+00:00", "git": {"commit": "x", "dirty": True}}
    assert machine_key(moved) == machine_key(found)
    for part, name, value in (
        ("cpu", "model", "another"),
        ("cpu", "governor", "powersave"),
        ("machine", "kernel", "9.9"),
        ("software", "packages", {"torch": "0.1"}),
        ("software", "variables", {"OMP_NUM_THREADS": "1"}),
        ("gpu", "devices", [{"name": "H100", "driver": "1"}]),
    ):
        changed = copy.deepcopy(found)
        changed[part][name] = value
        assert machine_key(changed) != machine_key(found), (part, name)


def test_only_variables_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    variables = software_facts()["variables"]
    assert variables["OMP_NUM_THREADS"] == "3"
    assert "LD_PRELOAD" not in variables


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_git_commit_and_dirty_flag(tmp_path: Path) -> None:
    assert git_facts(tmp_path)["commit"] is None
    git(tmp_path, "init")
    assert "no git commit" in git_facts(tmp_path)["reason"]
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    assert git_facts(tmp_path) == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "untracked").write_text("x")
    assert git_facts(tmp_path)["dirty"] is False
    (tmp_path / "file").write_text("two")
    assert git_facts(tmp_path)["dirty"] is True


CALM = {
    "cpu": {
        "logical_cpus": 4,
        "usable_cpus": 4,
        "governor": "performance",
        "turbo": False,
        "smt": False,
        "quota_cpus": None,
    },
    "machine": {
        "load_average": [0.1, 0, 0],
        "memory_bytes": 100,
        "memory_available_bytes": 80,
        "swap_used_bytes": 0,
        "virtualisation": "none",
    },
    "gpu": {"devices": []},
}


def test_a_quiet_machine_needs_no_advice() -> None:
    assert advise(CALM) == []


@pytest.mark.parametrize(
    ("part", "name", "value", "finding", "command"),
    [
        ("cpu", "governor", "powersave", "powersave", "cpupower"),
        ("cpu", "turbo", True, "turbo", "no_turbo"),
        ("cpu", "smt", True, "SMT", "smt/control"),
        ("cpu", "quota_cpus", 1.5, "1.5 CPUs but 4", "OMP_NUM_THREADS=1"),
        ("machine", "load_average", [3.0, 0, 0], "load average 3", "top"),
        ("machine", "memory_available_bytes", 5, "5% of memory", "ps"),
        ("machine", "swap_used_bytes", 5, "swap", "swapoff"),
        ("machine", "virtualisation", "kvm", "virtual machine (kvm)", None),
        (
            "gpu",
            "devices",
            [{"index": 1, "persistence": False, "max_sm_clock_mhz": None}],
            "GPU 1",
            "-i 1 -pm 1",
        ),
        (
            "gpu",
            "devices",
            [{"index": 0, "persistence": True, "max_sm_clock_mhz": 2000}],
            "2000 MHz",
            "-lgc 1500",
        ),
    ],
)
def test_advice(part: str, name: str, value: object, finding: str, command: str | None) -> None:
    changed = copy.deepcopy(CALM)
    changed[part][name] = value
    (advice,) = advise(changed)
    assert finding in advice.finding
    assert advice.command is None if command is None else command in (advice.command or "")
