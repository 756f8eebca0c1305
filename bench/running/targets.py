"""The functions that run in a process of their own, by name: the only edges of the house that are strings.

An executor finds them inside the child. Naming them here keeps the parent from importing torch, which it never needs;
`tests/running/test_targets.py` holds that each name resolves, to a room that the runner may use.
"""

from __future__ import annotations

WORKER = "bench.running.worker.cell:run_cell"
"""Called as `run_cell(cell=…, process=…, notify=…)`, and `scored=…` where there is something; returns the record."""

CANARY = "bench.measure.canary:measure_canary"
"""Called as `measure_canary(notify=…)`, and `cpus=…` where the suite binds its processes."""

FIT = "bench.fit.session:fit"
"""Called as `fit(job=…, notify=…)`; returns the provenance of the checkpoint."""

CONVERT = "bench.running.worker.conversion:convert"
"""Called as `convert(job=…, notify=…)`; writes the network of a cell as its runtime reads it."""

PRELOAD_SCORING = "bench.running.preload.scoring"
PRELOAD_MEASURING = "bench.running.preload.measuring"
PRELOAD_LIGHT = "bench.running.preload.light"
"""Modules that the forkservers import; the last is for the one without torch."""

TARGETS = (WORKER, CANARY, FIT, CONVERT)
PRELOADS = (PRELOAD_SCORING, PRELOAD_MEASURING, PRELOAD_LIGHT)
