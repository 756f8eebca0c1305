"""Threads and cores of a worker: fixed once before anything is loaded, and recorded.

By default a worker is bound to every CPU that the run may use, the same for each process of the run. bench chooses no
subset by itself: the CPUs that it would guess may be those on which other work runs, and two runs at once would guess
the same ones. A suite names them with `defaults.cpus` where cores differ, or lie on several memory nodes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from bench.errors import EnvironmentLackError
from bench.host.cpu import CGROUP, PROC, affinity, quota_cpus
from bench.units import format_cpus, parse_cpus

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What libraries for linear algebra read when they are loaded."""


def default_threads() -> int:
    """Count the CPUs that this process may use: its affinity, and no more than the cgroup's quota."""
    usable = len(affinity()) or os.cpu_count() or 1
    quota = quota_cpus(CGROUP, PROC / "self/cgroup")
    return usable if quota is None else max(1, min(usable, int(quota)))


def place(threads: int | None, cpus: str | None = None, *, with_torch: bool = True) -> dict[str, object]:
    """Bind this process to `cpus`, or to all that it may use, and fix the threads of what computes to `threads`, or to
    the number of CPUs; give what is in force, and where the CPUs come from.

    Args:
        threads: torch's intra-op threads, or those of the libraries for linear algebra.
        cpus: as a suite writes them.
        with_torch: whether torch computes; it is not imported otherwise.

    Raises:
        EnvironmentLackError: a CPU is asked for that this run may not use.
    """
    bind(cpus)
    wanted = threads or default_threads()
    return (_torch_placed(wanted) if with_torch else _light_placed(wanted)) | {
        "affinity_from": "defaults.cpus" if cpus else "every CPU that the run may use"
    }


def _torch_placed(threads: int) -> dict[str, object]:
    import torch

    torch.set_num_threads(threads)
    return recorded()


def _light_placed(threads: int) -> dict[str, object]:
    """Fix the threads of BLAS and OpenMP, as far as their libraries are loaded, and in those that come later."""
    from threadpoolctl import threadpool_limits

    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    threadpool_limits(limits=threads)
    return {"threads": threads, "affinity": affinity() or None}


def bind(cpus: str | None) -> None:
    """Bind every thread that this process has, and so all that they start, to `cpus`, or to what it may use now.

    Raises:
        EnvironmentLackError: a CPU is asked for that this run may not use, or the system knows no affinity.
    """
    usable = affinity()
    asked = usable if cpus is None else list(parse_cpus(cpus))
    if not usable:
        if cpus is not None:
            raise EnvironmentLackError("this system binds no process to CPUs; leave out 'defaults.cpus'")
        return
    missing = set(asked) - set(usable)
    if missing:
        raise EnvironmentLackError(
            f"the suite asks for the CPUs {cpus}, and this run may use {format_cpus(usable)} only; set 'defaults.cpus' "
            "to some of those, or widen the cpuset or `taskset` that it runs in"
        )
    for task in sorted((PROC / "self/task").iterdir(), key=lambda path: int(path.name)) or [Path("0")]:
        try:
            with suppress(ProcessLookupError):  # a thread that has ended by now
                os.sched_setaffinity(int(task.name), asked)
        except OSError as error:
            if cpus is not None:
                raise EnvironmentLackError(
                    f"this process cannot be bound to the CPUs {cpus}: {error.strerror}; leave out 'defaults.cpus'"
                ) from error
            return  # a sandbox that binds nothing: what may be used is what is used


def recorded() -> dict[str, object]:
    """Describe the threads and cores that are in force now, and what else decides which kernels run."""
    import torch

    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "affinity": affinity() or None,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda_runtime": torch.version.cuda,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "attention_kernels": attention_kernels(),
    }


def attention_kernels() -> list[str]:
    """List the kernels among which torch's `scaled_dot_product_attention` may choose here."""
    import torch

    backends: ModuleType = torch.backends.cuda
    kernels = ("flash", "mem_efficient", "math", "cudnn")
    return [name for name in kernels if getattr(backends, f"{name}_sdp_enabled", bool)()]
