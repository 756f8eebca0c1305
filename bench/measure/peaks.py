"""The highest memory over the phases of a cell: of its process, and of that what the model needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from bench.catalogue.phases import SERVING, Phase
from bench.catalogue.readings import READINGS
from bench.record import Fact

HOST_MEMORY = ("peak_own_memory_{phase}_bytes", "baseline_own_memory_bytes")
GPU_MEMORY = ("peak_gpu_memory_{phase}_bytes", "baseline_gpu_memory_bytes")
"""Of each kind of memory, the peak of a phase and what the empty worker has."""
NO_BASELINE = "the memory of the empty worker was not noted"
NO_PEAK = "no phase that counts was watched"


def overall_peaks(facts: Sequence[Fact], process: int) -> list[Fact]:
    """Find the highest peak over all phases of each kind of memory, and what the model added to the baseline."""
    peaks = [
        peak
        for reading in READINGS.values()
        if reading.highest_of and (peak := _highest(reading.name, reading.highest_of, facts, process)) is not None
    ]
    baseline = next((fact.value for fact in facts if fact.name == "baseline_rss_bytes"), None)
    if peaks and peaks[0].value is not None and baseline is not None:
        added = max(0.0, peaks[0].value - baseline)
        peaks.append(Fact("added_rss_bytes", added, "bytes", peaks[0].source, process=process))
    else:
        why = "the resident set before loading was not noted" if baseline is None else peaks[0].reason
        peaks.append(Fact("added_rss_bytes", None, "bytes", "rss", why, process=process))
    return peaks


def _highest(name: str, of_phase: str, facts: Sequence[Fact], process: int) -> Fact | None:
    """Find the highest of the facts of all phases; None where there are none."""
    before, _, after = of_phase.partition("{phase}")
    phases = [fact for fact in facts if fact.name.startswith(before)]
    values = [fact for fact in phases if fact.value is not None]
    if values:
        top = max(values, key=lambda fact: fact.value or 0.0)
        phase = top.name.removeprefix(before).removesuffix(after)
        return Fact(name, top.value, "bytes", top.source, f"in the phase '{phase}'", process=process)
    return Fact(name, None, "bytes", phases[0].source, phases[0].reason, process=process) if phases else None


def model_memory(facts: Sequence[Fact], process: int) -> list[Fact]:
    """Find what the model needs beside an empty worker: while it serves, and while it is loaded.

    On a GPU that is what torch allocated there, else the host's memory.
    """
    by_name = {fact.name: fact for fact in facts}
    on_gpu = GPU_MEMORY[0].format(phase="load") in by_name
    peak_of, baseline = GPU_MEMORY if on_gpu else HOST_MEMORY
    empty = by_name.get(baseline) or Fact(baseline, None, "bytes", "none", NO_BASELINE)
    peaks = {phase: fact for phase in get_args(Phase) if (fact := by_name.get(peak_of.format(phase=phase))) is not None}
    serving = {phase: fact for phase, fact in peaks.items() if phase in SERVING}
    return [
        _beside_empty("model_memory_bytes", serving, empty, process),
        _beside_empty("model_load_memory_bytes", {p: fact for p, fact in peaks.items() if p == "load"}, empty, process),
    ]


def _beside_empty(name: str, peaks: Mapping[Phase, Fact], empty: Fact, process: int) -> Fact:
    values = {phase: fact.value for phase, fact in peaks.items() if fact.value is not None}
    if empty.value is None or not values:
        why = next((fact.reason for fact in (empty, *peaks.values()) if fact.value is None and fact.reason), NO_PEAK)
        return Fact(name, None, "bytes", empty.source, why, process=process)
    phase = max(values, key=lambda each: values[each])
    top = peaks[phase]
    value = max(0.0, values[phase] - empty.value)
    return Fact(name, value, "bytes", top.source, top.reason or f"in the phase '{phase}'", process=process)
