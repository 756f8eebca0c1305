from __future__ import annotations

from pathlib import Path

import pytest

from bench.host.cpu import cpu_facts, mitigations, quota_cpus, turbo, virtualisation

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Gold 6230
microcode\t: 0x5003
flags\t\t: fpu avx2 avx512f avx512_vnni

processor\t: 1
model name\t: another
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path / "proc/cpuinfo", CPUINFO)
    write(tmp_path / "cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    write(tmp_path / "cpu/cpu1/cpufreq/scaling_governor", "performance\n")
    write(tmp_path / "cpu/cpu0/cpufreq/cpuinfo_max_freq", "3900000\n")
    write(tmp_path / "cpu/intel_pstate/no_turbo", "0\n")
    write(tmp_path / "cpu/smt/active", "1\n")
    write(tmp_path / "cpu/vulnerabilities/meltdown", "Mitigation: PTI\n")
    write(tmp_path / "cpu/vulnerabilities/mds", "Not affected\n")
    return tmp_path


def test_reads_the_tree(tree: Path) -> None:
    found = cpu_facts(tree / "cpu", tree / "proc", tree / "cgroup")
    assert (found["model"], found["microcode"]) == ("Intel(R) Xeon(R) Gold 6230", "0x5003")
    assert found["governor"] == "performance, powersave"
    assert (found["max_mhz"], found["min_mhz"]) == (3900.0, None)
    assert (found["turbo"], found["smt"], found["mitigations"]) == (True, True, "meltdown")
    assert found["isa"] == ["avx2", "avx512f", "avx512_vnni"]


def test_turbo_by_boost_or_unknown(tmp_path: Path) -> None:
    assert turbo(tmp_path) is None
    write(tmp_path / "cpufreq/boost", "0")
    assert turbo(tmp_path) is False


def test_unknown_mitigations_are_not_none_at_all(tmp_path: Path) -> None:
    assert mitigations(tmp_path / "vulnerabilities") is None


def test_quota_is_the_least_over_the_groups(tmp_path: Path) -> None:
    write(tmp_path / "self", "0::/pod/app\n")
    root = tmp_path / "cgroup"
    assert quota_cpus(root, tmp_path / "self") is None
    write(root / "pod/app/cpu.max", "max 100000\n")
    assert quota_cpus(root, tmp_path / "self") is None
    write(root / "pod/cpu.max", "150000 100000\n")
    assert quota_cpus(root, tmp_path / "self") == 1.5
    write(root / "pod/app/cpu.max", "50000 100000\n")
    assert quota_cpus(root, tmp_path / "self") == 0.5


def test_quota_of_cgroup_v1(tmp_path: Path) -> None:
    write(tmp_path / "self", "3:cpu,cpuacct:/app\n9:name=systemd:/\n")
    write(tmp_path / "cgroup/cpu/app/cpu.cfs_quota_us", "50000")
    write(tmp_path / "cgroup/cpu/app/cpu.cfs_period_us", "100000")
    assert quota_cpus(tmp_path / "cgroup", tmp_path / "self") == 0.5
    write(tmp_path / "cgroup/cpu/app/cpu.cfs_quota_us", "-1")
    assert quota_cpus(tmp_path / "cgroup", tmp_path / "self") is None


def test_virtualisation_by_flag_where_no_program_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    write(tmp_path / "cpuinfo", "flags\t: fpu hypervisor\n")
    assert virtualisation(tmp_path / "cpuinfo") == "a hypervisor"
    write(tmp_path / "cpuinfo", "flags\t: fpu\n")
    assert virtualisation(tmp_path / "cpuinfo") == "none"
    assert virtualisation(tmp_path / "absent") is None
