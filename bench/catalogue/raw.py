"""Raw material: facts that a worker writes from which readings are computed, or that say how one came about.

A fact is a reading (`bench.catalogue.readings`), or it is declared here; nothing else may be written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import get_args

from bench.catalogue.phases import Phase
from bench.catalogue.readings import READINGS, Need

STEPS = ("forward", "prefill", "generate")
"""Parts of the memory pass whose peaks are noted apart."""


@dataclass(frozen=True, slots=True)
class RawFact:
    """One kind of fact, or one of each phase or GPU."""

    name: str
    """With `{phase}` for a phase or a part of the memory pass, `{gpu}` for the number of a GPU."""
    unit: str
    definition: str
    needs: Need | None = None


RAW_FACTS = (
    RawFact("admission_s", "s", "Time that it took to hold the loaded model against the library's plain pass."),
    RawFact("window_{phase}_s", "s", "Time of one phase, device synchronised at its end."),
    RawFact("peak_rss_{phase}_bytes", "bytes", "Highest resident set of the process and its children in one phase."),
    RawFact(
        "peak_own_memory_{phase}_bytes",
        "bytes",
        "Highest resident set in one phase without pages of program files, and without what children share.",
    ),
    RawFact(
        "peak_gpu_memory_{phase}_bytes",
        "bytes",
        "Highest memory allocated by torch in one phase, all GPUs.",
        needs="gpu",
    ),
    RawFact(
        "peak_gpu_reserved_{phase}_bytes",
        "bytes",
        "Highest memory reserved by torch in one phase, all GPUs.",
        needs="gpu",
    ),
    RawFact(
        "cuda{gpu}_peak_memory_{phase}_bytes", "bytes", "Highest memory allocated on one of several GPUs.", needs="gpu"
    ),
    RawFact(
        "cuda{gpu}_peak_reserved_{phase}_bytes", "bytes", "Highest memory reserved on one of several GPUs.", needs="gpu"
    ),
    RawFact("baseline_rss_bytes", "bytes", "Resident set of the worker before it loaded the model."),
    RawFact("baseline_own_memory_bytes", "bytes", "The same of the worker before it loaded the model."),
    RawFact("baseline_gpu_memory_bytes", "bytes", "Memory that torch had allocated before the load.", needs="gpu"),
    RawFact("task_baseline_rss_bytes", "bytes", "Resident set at the start of a later task of a shared load."),
    RawFact("energy_window_j", "J", "Energy of the energy pass."),
    RawFact("energy_window_s", "s", "Time of the energy pass."),
    RawFact("energy_window_batches", "count", "Batches of the energy pass."),
    RawFact("energy_window_examples", "count", "Examples of the energy pass."),
    RawFact("energy_window_output_tokens", "count", "Tokens that the energy pass generated."),
    RawFact("host_energy_window_j", "J", "Energy of the host's CPU in the energy pass of a GPU.", needs="gpu"),
    RawFact("idle_power_w", "W", "Power before the energy pass, with the model loaded and nothing to do."),
    RawFact("idle_settling_s", "s", "Time until that power was steady."),
    RawFact("cpu_clock_mhz", "MHz", "Clock of the CPUs that the process may use, right after each pass."),
    RawFact(
        "peak_gpu_process_bytes",
        "bytes",
        "Highest memory of this process on the GPU, as the driver counts it.",
        needs="gpu",
    ),
    RawFact("peak_gpu_device_bytes", "bytes", "Highest memory in use on the GPU, by whomever.", needs="gpu"),
    RawFact("gpu_temperature_c", "°C", "Highest temperature seen.", needs="gpu"),
    RawFact(
        "gpu_throttle_bits", "count", "Every reason for throttling that was seen, as the driver's bits.", needs="gpu"
    ),
    RawFact("gpu_throttled_s", "s", "Time within the passes for which the driver held the clock back.", needs="gpu"),
    RawFact(
        "gpu_sm_clock_mhz",
        "MHz",
        "Highest clock of the multiprocessors seen; its low bound is the lowest.",
        needs="gpu",
    ),
)
"""Every kind of raw fact; of several GPUs those of the driver are also written for each, behind `gpu{gpu}_`."""


@cache
def _pattern(name: str) -> re.Pattern[str]:
    phase = f"(?:{'|'.join((*get_args(Phase), *STEPS))})"
    written = re.escape(name).replace(r"\{phase\}", phase).replace(r"\{gpu\}", r"\d+")
    return re.compile(rf"(?:gpu\d+_)?{written}")


def is_one_of(name: str, declared: str) -> bool:
    """Tell whether a fact is of a declared kind of raw fact, such as `window_{phase}_s`."""
    return _pattern(declared).fullmatch(name) is not None


def is_declared(name: str) -> bool:
    """Tell whether a fact's name is that of a reading or of raw material.

    >>> is_declared("load_s"), is_declared("window_latency_s"), is_declared("gpu1_gpu_temperature_c")
    (True, True, True)
    >>> is_declared("window_lunch_s")
    False
    """
    return name in READINGS or any(is_one_of(name, fact.name) for fact in RAW_FACTS)
