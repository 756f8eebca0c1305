"""The highest memory over all phases of a cell, from the peaks of each."""

from __future__ import annotations

from collections.abc import Sequence

from bench.catalogue.readings import READINGS
from bench.record import Fact


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
