"""What the machine and its software are: the fingerprint that every record carries, and the key that says
"the same".

Reads files, NVML and package metadata; imports no torch and changes nothing. It does not know what will be
measured.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from bench.digest import content_hash
from bench.host.cpu import cpu_facts, machine_facts
from bench.host.facts import Facts
from bench.host.gpu import gpu_facts
from bench.host.quiet import Advice, advise
from bench.host.software import git_facts, software_facts

__all__ = ["Advice", "advise", "class_key", "class_name", "fingerprint", "machine_key", "shared_facts"]

STABLE = {
    "cpu": (
        "model",
        "microcode",
        "logical_cpus",
        "usable_cpus",
        "governor",
        "turbo",
        "smt",
        "quota_cpus",
        "mitigations",
    ),
    "machine": ("kernel", "system", "architecture", "virtualisation", "memory_bytes"),
    "software": None,
}
"""Parts of the fingerprint that decide whether a timing may be reused; None for all of a part."""
STABLE_GPU = ("name", "uuid", "driver", "vbios", "power_limit_w", "mig", "max_sm_clock_mhz")


def fingerprint(cwd: Path | None = None) -> Facts:
    """Describe the machine, its GPUs, the software and the git checkout as JSON-able values.

    Keys: `cpu`, `machine`, `gpu` (with `devices` or a `reason`), `software`, `git`, `taken_at`. What cannot
    be read is None.
    """
    return {
        "cpu": cpu_facts(),
        "machine": machine_facts(),
        "gpu": gpu_facts(),
        "software": software_facts(),
        "git": git_facts(cwd or Path.cwd()),
        "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def machine_key(found: Facts) -> str:
    """Hash (SHA-256, hex) what must be equal for a timing to be comparable: hardware, limits and software.

    Load, clocks, temperature, time and git state are left out.
    """
    stable: Facts = {}
    for part, names in STABLE.items():
        values = found.get(part) or {}
        stable[part] = values if names is None else {name: values.get(name) for name in names}
    devices = (found.get("gpu") or {}).get("devices") or []
    stable["gpu"] = [{name: device.get(name) for name in STABLE_GPU} for device in devices]
    return content_hash(stable)


OF_ONE_BOARD = ("uuid",)
"""Of a GPU: what two boards of one kind never share."""
GIB = 2**30


def shared_facts(found: Facts) -> Facts:
    """Leave out of a fingerprint what tells two machines of one kind apart: the serial number of a GPU, and memory to
    less than a GiB. What is left has one `machine_key` for all of them."""
    machine = dict(found.get("machine") or {})
    if machine.get("memory_bytes") is not None:
        machine["memory_bytes"] = round(machine["memory_bytes"] / GIB) * GIB
    gpu = dict(found.get("gpu") or {})
    if gpu.get("devices"):
        gpu["devices"] = [
            {name: value for name, value in device.items() if name not in OF_ONE_BOARD} for device in gpu["devices"]
        ]
    return {**found, "machine": machine, "gpu": gpu}


def class_key(found: Facts) -> str:
    """Hash (SHA-256, hex) what two machines must share for their timings to stand side by side."""
    return machine_key(shared_facts(found))


def class_name(found: Facts) -> str:
    """Name the kind of a machine: `2 × NVIDIA H100, AMD EPYC 9654 (64 CPUs)`."""
    cpu = found.get("cpu") or {}
    boards = [str(device.get("name")) for device in (found.get("gpu") or {}).get("devices") or []]
    counted = [f"{boards.count(name)} × {name}" if boards.count(name) > 1 else name for name in dict.fromkeys(boards)]
    return ", ".join([*counted, f"{cpu.get('model') or 'unknown CPU'} ({cpu.get('usable_cpus')} CPUs)"])
