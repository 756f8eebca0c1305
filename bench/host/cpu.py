"""The CPU and the machine around it: model, microcode, governor, turbo, quota, load, virtualisation, memory,
kernel."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import psutil

from bench.host.facts import Facts

SYSTEM_CPU = Path("/sys/devices/system/cpu")
PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
REASONS = {
    "family": "/proc/cpuinfo does not say",
    "microcode": "/proc/cpuinfo does not say",
    "governor": "the kernel has no cpufreq driver here; virtual machines hide it",
    "min_mhz": "the kernel has no cpufreq driver here; virtual machines hide it",
    "max_mhz": "the kernel has no cpufreq driver here; virtual machines hide it",
    "turbo": "neither intel_pstate/no_turbo nor cpufreq/boost is there; virtual machines hide them",
    "smt": "the kernel does not say whether cores run two threads",
    "quota_cpus": "no quota: no CPU cgroup of this process sets one",
    "mitigations": "the kernel does not list vulnerabilities",
}
"""Why a fact of the CPU is missing."""
COMMAND_LIMIT_S = 5.0
"""Longest wait for a helper program such as systemd-detect-virt, which answers in milliseconds."""


def cpu_facts(system: Path = SYSTEM_CPU, proc: Path = PROC, cgroup: Path = CGROUP) -> Facts:
    """Describe the CPU; None for what the system does not tell."""
    info = first_processor(proc / "cpuinfo")
    facts = {
        "model": info.get("model name") or platform.processor() or platform.machine(),
        "vendor": info.get("vendor_id"),
        "family": _numbers(info, "cpu family", "model", "stepping"),
        "microcode": info.get("microcode"),
        "logical_cpus": os.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "usable_cpus": len(affinity()) or None,
        "affinity": affinity() or None,
        "governor": one_of(system, "cpu*/cpufreq/scaling_governor"),
        "min_mhz": _mhz(system, "cpuinfo_min_freq"),
        "max_mhz": _mhz(system, "cpuinfo_max_freq"),
        "turbo": turbo(system),
        "smt": {"1": True, "0": False}.get(text(system / "smt/active") or ""),
        "quota_cpus": quota_cpus(cgroup, proc / "self/cgroup"),
        "mitigations": mitigations(system / "vulnerabilities"),
        "isa": vector_flags(info.get("flags", "")),
    }
    return facts | {"reasons": {name: REASONS[name] for name in REASONS if facts[name] is None}}


def machine_facts(proc: Path = PROC) -> Facts:
    """Describe the machine as a whole."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "virtualisation": virtualisation(proc / "cpuinfo"),
        "container": container(proc),
        "memory_bytes": int(psutil.virtual_memory().total),
        "memory_available_bytes": int(psutil.virtual_memory().available),
        "swap_used_bytes": int(psutil.swap_memory().used),
        "load_average": None if load is None else [round(value, 2) for value in load],
    }


def first_processor(cpuinfo: Path) -> dict[str, str]:
    """Read the key-value pairs of the first processor in `/proc/cpuinfo`."""
    block = (text(cpuinfo) or "").split("\n\n")[0]
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def affinity() -> list[int]:
    """List the CPUs that this process may use; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def one_of(root: Path, pattern: str) -> str | None:
    """Read the distinct contents of the files that match, joined with commas; None when there is none."""
    values = sorted({value for path in root.glob(pattern) if (value := text(path)) is not None})
    return ", ".join(values) or None


def turbo(system: Path) -> bool | None:
    """Find out whether the clock may rise above its base rate; None where the system does not say.

    Source: Linux Documentation/admin-guide/pm: intel_pstate/no_turbo, cpufreq/boost.
    """
    disabled = text(system / "intel_pstate/no_turbo")
    if disabled is not None:
        return disabled == "0"
    boost = text(system / "cpufreq/boost")
    return None if boost is None else boost == "1"


def quota_cpus(cgroup: Path, membership: Path) -> float | None:
    """Read how many CPUs the cgroup's quota allows, the least over this group and its parents; None for no quota."""
    limits = []
    for folder in own_groups(cgroup, membership):
        maximum = (text(folder / "cpu.max") or "").split()
        if len(maximum) == 2 and maximum[0] != "max":
            limits.append(int(maximum[0]) / int(maximum[1]))
        quota, period = text(folder / "cpu.cfs_quota_us"), text(folder / "cpu.cfs_period_us")
        if quota is not None and period is not None and int(quota) > 0:
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def own_groups(cgroup: Path, membership: Path) -> list[Path]:
    """List the folders of the CPU cgroups that a process is in, v1 and v2, the root's first."""
    folders = [cgroup, cgroup / "cpu"]
    for line in (text(membership) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "cpu", "cpu,cpuacct"):
            root = cgroup if controllers == "" else cgroup / "cpu"
            parts = Path(path.lstrip("/")).parts
            folders += [root.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    return folders


def mitigations(folder: Path) -> str | None:
    """List the names of the CPU vulnerabilities that the kernel works around, which costs time."""
    if not folder.is_dir():
        return None
    return ", ".join(sorted(path.name for path in folder.iterdir() if (text(path) or "").startswith("Mitigation")))


def vector_flags(flags: str) -> list[str]:
    """List the instruction sets that decide how fast matrix products are.

    >>> vector_flags("fpu avx2 avx512f sse")
    ['avx2', 'avx512f']
    """
    matters = (
        "avx2",
        "avx512f",
        "avx512_bf16",
        "avx512_fp16",
        "avx512_vnni",
        "avx_vnni",
        "amx_bf16",
        "amx_int8",
        "asimd",
        "sve",
    )
    present = set(flags.split())
    return [name for name in matters if name in present]


def virtualisation(cpuinfo: Path) -> str | None:
    """Find the hypervisor's name, `none` for bare metal, None where nothing says."""
    program = shutil.which("systemd-detect-virt")
    if program is not None:
        try:
            done = subprocess.run(
                [program, "--vm"], capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.stdout.strip():
            return done.stdout.strip()
    flags = first_processor(cpuinfo).get("flags")
    if flags is None:
        return None
    return "a hypervisor" if "hypervisor" in flags.split() else "none"


def container(proc: Path) -> bool | None:
    """Find out whether this runs in a container, by the marks that Docker, Podman and Kubernetes leave."""
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return True
    groups = text(proc / "1/cgroup")
    return None if groups is None else bool(re.search(r"docker|kubepods|containerd|lxc", groups))


def _numbers(info: dict[str, str], *names: str) -> str | None:
    """Join family, model and stepping as `family/model/stepping`: the marketing name may say nothing."""
    values = [info[name] for name in names if name in info]
    return "/".join(values) or None


def _mhz(system: Path, name: str) -> float | None:
    governor_text = text(system / "cpu0/cpufreq" / name)
    return None if governor_text is None else int(governor_text) / 1000


def text(path: Path) -> str | None:
    """Read a small file's content without blanks at its ends, or None when it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
