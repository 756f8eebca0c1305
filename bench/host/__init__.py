"""What the machine and its software are: the fingerprint that every record carries, and the key that says
"the same".

Reads files, NVML and package metadata; imports no torch and changes nothing. It does not know what will be
measured.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from bench.digest import content_hash
from bench.host.cpu import cpu_facts, machine_facts
from bench.host.gpu import gpu_facts
from bench.host.quiet import Advice, advise
from bench.host.software import git_facts, software_facts

__all__ = ["Advice", "advise", "fingerprint", "machine_key"]

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


def fingerprint(cwd: Path | None = None) -> dict[str, Any]:
    """Returns the JSON-able description of machine, GPUs, software and git checkout.

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


def machine_key(found: dict[str, Any]) -> str:
    """Returns the SHA-256 (hex) of what must be equal for a timing to be comparable: hardware, limits and
    software.

    Load, clocks, temperature, time and git state are left out.
    """
    stable: dict[str, Any] = {}
    for part, names in STABLE.items():
        values = found.get(part) or {}
        stable[part] = values if names is None else {name: values.get(name) for name in names}
    devices = (found.get("gpu") or {}).get("devices") or []
    stable["gpu"] = [{name: device.get(name) for name in STABLE_GPU} for device in devices]
    return content_hash(stable)
