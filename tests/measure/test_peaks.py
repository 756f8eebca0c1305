from __future__ import annotations

import pytest

from bench.measure.peaks import model_memory
from bench.record import Fact

EMPTY, GPU_EMPTY = "baseline_own_memory_bytes", "baseline_gpu_memory_bytes"


def facts(**values: float | None) -> list[Fact]:
    return [
        Fact(name, value, "bytes", "here", None if value is not None else "no kernel") for name, value in values.items()
    ]


def own(**phases: float | None) -> list[Fact]:
    return facts(**{f"peak_own_memory_{phase}_bytes": value for phase, value in phases.items()})


def found(*given: Fact) -> dict[str, Fact]:
    return {fact.name: fact for fact in model_memory(given, 3)}


def test_serving_is_apart_from_loading_and_from_what_loading_left() -> None:
    peaks = own(load=900, cold=800, evaluate=400, throughput=500, memory=450, flops=700)
    memory = found(*facts(**{EMPTY: 300}), *peaks)
    assert memory["model_memory_bytes"].value == 200 and "throughput" in (memory["model_memory_bytes"].reason or "")
    assert memory["model_load_memory_bytes"].value == 600
    assert {fact.process for fact in memory.values()} == {3}


def test_on_a_gpu_it_is_what_torch_allocated_there() -> None:
    gpu = facts(peak_gpu_memory_load_bytes=70, peak_gpu_memory_memory_bytes=90)
    memory = found(*facts(**{EMPTY: 300, GPU_EMPTY: 10}), *own(load=900, memory=950), *gpu)
    assert (memory["model_memory_bytes"].value, memory["model_load_memory_bytes"].value) == (80, 60)


@pytest.mark.parametrize("given", [own(memory=5), [*facts(**{EMPTY: None}), *own(memory=5)], facts(**{EMPTY: 4})])
def test_what_is_missing_has_a_reason_and_is_no_zero(given: list[Fact]) -> None:
    memory = found(*given)["model_memory_bytes"]
    assert memory.value is None and memory.reason


def test_a_phase_that_could_not_be_read_leaves_the_others() -> None:
    memory = found(*facts(**{EMPTY: 10}), *own(latency=None, memory=50))["model_memory_bytes"]
    assert memory.value == 40


def test_a_process_that_shrank_below_the_empty_worker_needs_nothing() -> None:
    assert found(*facts(**{EMPTY: 10}), *own(memory=8))["model_memory_bytes"].value == 0
