"""Energy and memory sources: the table of names. Each entry is a `probe() -> (works, reason)` that changes
nothing."""

from __future__ import annotations

from bench.plugins import Table

METERS = Table(
    "meter",
    "bench.meters",
    {
        "nvml_counter": "bench.meters.probes:nvml_counter",
        "nvml_power_integral": "bench.meters.probes:nvml_power_integral",
        "rapl": "bench.meters.probes:rapl",
        "estimate": "bench.meters.probes:estimate",
        "rss_high_water": "bench.meters.probes:rss_high_water",
        "cuda_memory": "bench.meters.probes:cuda_memory",
    },
)
"""What can be read, best energy source first; see `bench.meters.cascade` for which one a cell gets."""
