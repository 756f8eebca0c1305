"""One load for several cells of a model variant: what is measured once, what each cell measures, and what is lost.

A process that runs a second task of a model has the weights in memory already, its threads and kernels are warm, and
the allocator holds what the first task left. So the facts of the load are those of the first task and say so; the
peaks of all other phases are the task's own; a cold start is not there to be measured.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.candidates.interface import Model
from bench.candidates.kept import Kept
from bench.doubts.shared_process import SharedProcess
from bench.measure.phases import measure_load
from bench.meters.allocator import release
from bench.meters.bundle import Meters
from bench.record import Cell, Doubt, Fact

STATE_KEY = "kept"


def loaded(
    load: Callable[[Kept | None], Model], cell: Cell, meters: Meters, process: int, state: dict[str, object] | None
) -> tuple[Model, list[Fact], str | None]:
    """Load the model, or reuse it; return it with the facts of its load, and the task for which it was loaded where
    that is another one.

    Raises:
        Exception: whatever `load` raises.
    """
    if state is None:
        model, facts = measure_load(lambda: load(None), meters, process)
        return model, facts, None
    kept = state.setdefault(STATE_KEY, Kept())
    assert isinstance(kept, Kept)
    hits = kept.hits
    if kept.facts:
        gc.unfreeze()  # the passes of the task before had frozen its objects too
        release()  # what it left is not counted for this one
    model, facts = measure_load(lambda: load(kept), meters, process)
    if kept.hits == hits:
        kept.facts, kept.task = tuple(facts), cell.task
        return model, facts, None
    why = f"the model was loaded once for several tasks; this is from its load for '{kept.task}'"
    own = next(fact.value for fact in facts if fact.name == "baseline_rss_bytes")
    baseline = Fact("task_baseline_rss_bytes", own, "bytes", "rss", "with the model in memory", process=process)
    return model, [*(replace(fact, reason=why) for fact in kept.facts), baseline], kept.task


def without_cold_start(facts: Sequence[Fact], shared: str | None) -> list[Fact]:
    """Drop the first request's time from the facts where the process ran another task before."""
    if shared is None:
        return list(facts)
    why = f"this process ran '{shared}' before, so that nothing was cold; set 'share_load: false' to measure it"
    return [replace(fact, value=None, reason=why) if fact.name == "first_request_s" else fact for fact in facts]


def sharing_doubts(shared: str | None, process: int) -> list[Doubt]:
    """Raise the doubt that another task's memory is counted."""
    if shared is None:
        return []
    return [SharedProcess(task=shared).doubt(process)]
