"""What the forkserver imports besides, where cells are measured and not only scored: half a second."""

from __future__ import annotations

from bench.running.preload import preload

MODULES = ("bench.measure.session", "bench.measure.flops", "torch.utils.flop_counter")

preload(MODULES)
