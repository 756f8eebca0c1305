"""What the forkserver for models without torch imports: the worker and the passes, and whatever bench declares."""

from __future__ import annotations

from bench.admission.earlier import code_hash
from bench.candidates import FAMILIES
from bench.doubts import DOUBTS
from bench.meters.cascade import SOURCES
from bench.metrics.catalogue import METRICS
from bench.running.preload import preload
from bench.tasks import KINDS

MODULES = ("bench.running.worker.cell", "bench.measure.session", "numpy", "sacrebleu.metrics", "threadpoolctl")
"""None of these may import torch (`tests/running/test_light.py`)."""

preload(MODULES, (FAMILIES, KINDS, METRICS, DOUBTS, SOURCES))
code_hash()
