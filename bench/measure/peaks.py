"""The highest memory over all phases of a cell, from the peaks of each."""

from __future__ import annotations

from collections.abc import Sequence

from bench.record import Fact

_PEAKS = {
    "peak_rss_bytes": "peak_rss_",
    "peak_gpu_memory_bytes": "peak_gpu_memory_",
    "peak_gpu_reserved_bytes": "peak_gpu_reserved_",
}


def overall_peaks(facts: Sequence[Fact], process: int) -> list[Fact]:
    """Find the highest peak over all phases of each kind of memory, and what the model added to the baseline."""
    found = []
    for name, prefix in _PEAKS.items():
        phases = [fact for fact in facts if fact.name.startswith(prefix)]
        values = [fact for fact in phases if fact.value is not None]
        if values:
            top = max(values, key=lambda fact: fact.value or 0.0)
            phase = top.name.removeprefix(prefix).removesuffix("_bytes")
            found.append(Fact(name, top.value, "bytes", top.source, f"in the phase '{phase}'", process=process))
        elif phases:
            found.append(Fact(name, None, "bytes", phases[0].source, phases[0].reason, process=process))
    baseline = next((fact.value for fact in facts if fact.name == "baseline_rss_bytes"), None)
    if found and found[0].value is not None and baseline is not None:
        added = max(0.0, found[0].value - baseline)
        found.append(Fact("added_rss_bytes", added, "bytes", found[0].source, process=process))
    else:
        why = "the resident set before loading was not noted" if baseline is None else found[0].reason
        found.append(Fact("added_rss_bytes", None, "bytes", "rss", why, process=process))
    return found
