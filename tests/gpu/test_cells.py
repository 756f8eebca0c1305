"""What becomes of cells on a GPU: dtypes, compiled and quantised forms, memory that runs out, what is said of each."""

from __future__ import annotations

import os

import pytest

from bench.record import Record
from tests.gpu.scene import Scene

pytestmark = pytest.mark.gpu

DTYPES = {"gpt2": 4, "gpt2[bfloat16]": 2, "gpt2[float16]": 2}
"""Candidate → bytes of a number."""
SAID = {
    "gpt2": "float32",
    "gpt2[bfloat16]": "bfloat16",
    "gpt2[float16]": "float16",
    "gpt2[compiled]": "float32",
}
"""Candidate → dtype in its record."""


@pytest.mark.parametrize("candidate", SAID)
def test_every_form_is_ok_and_says_its_device(scene: Scene, candidate: str) -> None:
    record = scene.record(candidate, "write")
    assert record.status == "ok", record.reason
    assert record.environment["device"] == scene.device
    assert record.environment["dtype"] == SAID[candidate]


def test_weights_take_the_bytes_of_their_dtype(scene: Scene) -> None:
    for candidate, width in DTYPES.items():
        parameters = scene.fact(candidate, "write", "parameters").value
        weights = scene.fact(candidate, "write", "weights_bytes").value
        assert parameters and weights
        assert weights / parameters == pytest.approx(width, rel=0.05)


def test_compiled_answers_are_those_of_the_plain_form(scene: Scene) -> None:
    plain, compiled = (scene.record(name, "write").samples for name in ("gpt2", "gpt2[compiled]"))
    assert [sample.prediction for sample in plain] == [sample.prediction for sample in compiled]


def test_a_replayed_graph_is_timed_to_its_end_and_answers_the_same(scene: Scene) -> None:
    plain, graphs = scene.record("plain", "topic"), scene.record("graphs", "topic")
    assert graphs.status == "ok", graphs.reason
    assert [sample.prediction for sample in plain.samples] == [sample.prediction for sample in graphs.samples]
    for timing in latencies(graphs):
        assert scene.device == "cpu" or timing.device_ns is not None
        assert timing.device_ns is None or 0 < timing.device_ns <= timing.duration_ns


def test_int8_of_the_cpu_is_unsupported_on_a_gpu_with_the_reason(scene: Scene) -> None:
    record = scene.record("bert[int8]", "topic")
    if scene.device == "cpu":
        assert record.status == "ok", record.reason
    else:
        assert record.status == "unsupported"
        assert record.reason and scene.device in record.reason


def test_memory_that_runs_out_is_a_row_and_the_next_cell_runs(scene: Scene) -> None:
    out = scene.record("hungry", "fixed")
    assert out.status == "oom"
    assert out.reason and "memory" in out.reason
    assert scene.record("hungry", "auto").status == "ok"


def test_auto_backs_off_until_it_fits(scene: Scene) -> None:
    record = scene.record("hungry", "auto")
    assert record.status == "ok", record.reason
    batching = record.notes["batching"]
    assert 1 <= batching["largest_examples"] < 8
    assert len(record.samples) == 16


def test_what_float32_means_is_said(scene: Scene) -> None:
    assert scene.record("gpt2", "write").environment["float32_matmul_precision"] in ("highest", "high", "medium")


def test_what_is_said_of_float32_is_what_happens(cuda: str) -> None:
    """`highest` is float32, `high` is TF32 with its ten bits: the errors lie a hundredfold apart."""
    import torch

    from bench.measure.placement import recorded

    left, right = (torch.randn(1024, 1024, device=cuda) for _ in range(2))
    exact = (left.double() @ right.double()).float()
    errors, before = {}, torch.get_float32_matmul_precision()
    try:
        for precision in ("highest", "high"):
            torch.set_float32_matmul_precision(precision)
            assert recorded()["float32_matmul_precision"] == precision
            errors[precision] = float((left @ right - exact).norm() / exact.norm())
    finally:
        torch.set_float32_matmul_precision(before)
    assert errors["highest"] < 1e-5
    if torch.cuda.get_device_capability(cuda) >= (8, 0):
        assert errors["high"] > 1e-5


def test_candidates_leave_no_memory_behind(cuda: str, scene: Scene) -> None:
    """After a whole run the board holds no more than what this process has."""
    import torch

    from bench.meters.boards import boards_of

    boards = boards_of(cuda)
    handle = boards.devices[0].handle
    listed = [entry.pid for entry in boards.pynvml.nvmlDeviceGetComputeRunningProcesses(handle)]
    assert set(listed) <= {os.getpid()} or len(listed) <= 1
    used = int(boards.pynvml.nvmlDeviceGetMemoryInfo(handle).used)
    own = torch.cuda.memory_reserved(cuda)
    assert used - own < 4 * 2**30


def test_two_candidates_in_a_row_peak_alike(scene: Scene) -> None:
    """What ran out of memory before, and all others, are not counted for a later one of the same size."""
    if scene.device == "cpu":
        pytest.skip("torch counts no memory of a CPU")
    plain, graphs = (scene.fact(name, "topic", "peak_gpu_memory_latency_bytes").value for name in ("plain", "graphs"))
    weights = scene.fact("plain", "topic", "weights_bytes").value
    assert plain and graphs and weights
    assert weights <= plain < weights + 64 * 2**20
    assert weights <= graphs < weights + 256 * 2**20


def latencies(record: Record) -> list:
    """The single requests."""
    return [timing for timing in record.timings if timing.phase == "latency"]
