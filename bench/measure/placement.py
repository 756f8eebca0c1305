"""Threads and cores of a worker: fixed once before anything is loaded, and recorded."""

from __future__ import annotations

import os
from typing import Any

from bench.host.cpu import CGROUP, PROC, affinity, quota_cpus


def default_threads() -> int:
    """Returns the CPUs that this process may use: its affinity, and no more than the cgroup's quota."""
    usable = len(affinity()) or os.cpu_count() or 1
    quota = quota_cpus(CGROUP, PROC / "self/cgroup")
    return usable if quota is None else max(1, min(usable, int(quota)))


def place(threads: int | None) -> dict[str, Any]:
    """Fixes torch's intra-op threads to `threads`, or to the usable CPUs, and returns `recorded()`."""
    import torch

    torch.set_num_threads(threads or default_threads())
    return recorded()


def recorded() -> dict[str, Any]:
    """Returns the threads and cores that are in force now."""
    import torch

    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "affinity": affinity() or None,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda_runtime": torch.version.cuda,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
