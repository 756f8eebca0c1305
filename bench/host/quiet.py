"""What to change for a quieter machine, read off a fingerprint. Says commands; runs none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.host.facts import Facts

BUSY_LOAD = 0.25
"""Load average per CPU from which the machine is not at rest."""
LOW_MEMORY = 0.1
"""Share of memory available below which pages may be reclaimed or swapped within a measurement."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that disturbs measurements here."""

    finding: str
    command: str | None
    """What to type; None where no command helps."""


def advise(found: Facts) -> list[Advice]:
    """List what disturbs measurements on the machine of a fingerprint, worst first."""
    return [
        *_about_load(found),
        *_about_cpu(found["cpu"]),
        *_about_machine(found["machine"]),
        *_about_gpus(found["gpu"]),
    ]


def _about_load(found: Facts) -> Iterator[Advice]:
    load, cpus = found["machine"].get("load_average"), found["cpu"].get("logical_cpus") or 1
    if load and load[0] > BUSY_LOAD * cpus:
        yield Advice(f"load average {load[0]:g} on {cpus} CPUs: other work is running", "top -o %CPU")
    available, total = found["machine"].get("memory_available_bytes"), found["machine"].get("memory_bytes")
    if available and total and available < LOW_MEMORY * total:
        yield Advice(f"{available / total:.0%} of memory is available", "ps aux --sort=-rss | head")
    if found["machine"].get("swap_used_bytes"):
        yield Advice("swap is in use; pages may come back within a measurement", "sudo swapoff -a && sudo swapon -a")


def _about_cpu(cpu: Facts) -> Iterator[Advice]:
    governor = cpu.get("governor")
    if governor is not None and governor != "performance":
        yield Advice(
            f"CPU governor is '{governor}': the clock rate follows the load",
            "sudo cpupower frequency-set -g performance",
        )
    if cpu.get("turbo"):
        command = (
            "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost  # Intel: echo 1 | sudo tee "
            "/sys/devices/system/cpu/intel_pstate/no_turbo"
        )
        yield Advice("turbo is on: the clock rate depends on heat and on neighbouring cores", command)
    if cpu.get("smt"):
        yield Advice("two threads share a core (SMT)", "echo off | sudo tee /sys/devices/system/cpu/smt/control")
    quota, usable = cpu.get("quota_cpus"), cpu.get("usable_cpus")
    if quota is not None and usable is not None and quota < usable:
        text = f"the cgroup allows {quota:g} CPUs but {usable} are visible: threads beyond the quota get stopped"
        yield Advice(text, f"export OMP_NUM_THREADS={max(1, int(quota))}")


def _about_machine(machine: Facts) -> Iterator[Advice]:
    virtual = machine.get("virtualisation")
    if virtual not in (None, "none"):
        text = f"virtual machine ({virtual}): clock rate, neighbours and most energy counters are out of sight"
        yield Advice(text, None)


def _about_gpus(gpu: Facts) -> Iterator[Advice]:
    for device in gpu.get("devices", []):
        if device.get("persistence") is False:
            yield Advice(
                f"GPU {device['index']} loses its state when idle (persistence mode off)",
                f"sudo nvidia-smi -i {device['index']} -pm 1",
            )
        top = device.get("max_sm_clock_mhz")
        if top:
            text = f"GPU {device['index']} chooses its own clock rate, up to {top} MHz"
            yield Advice(text, f"sudo nvidia-smi -i {device['index']} -lgc {top * 3 // 4}  # back: -rgc")
