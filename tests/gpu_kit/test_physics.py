"""The bounds that no right reading passes, by hand; and the table of what GPUs can do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.record import Fact, Timing
from benchmarks.gpu.kit import models
from benchmarks.gpu.kit.context import Context
from benchmarks.gpu.kit.full_size import BATCH, DRY, Weights, make_all, shares, single_rate, weights_made, write_suite
from benchmarks.gpu.kit.peaks import A100_80, A100_80_PCIE, H100, H100_NVL, H100_PCIE, H200, TABLE, Peak, peak_of
from benchmarks.gpu.kit.physics import integral_j
from benchmarks.gpu.kit.rows import Ledger


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", H100),
        ("NVIDIA H100 PCIe", H100_PCIE),
        ("NVIDIA H100 NVL", H100_NVL),
        ("NVIDIA H200", H200),
        ("NVIDIA A100-SXM4-80GB", A100_80),
        ("NVIDIA A100 80GB PCIe", A100_80_PCIE),
    ],
)
def test_names_as_cuda_gives_them(name: str, peak: Peak) -> None:
    assert peak_of(name) is peak


def test_names_that_are_like_others_are_told_apart() -> None:
    assert peak_of("NVIDIA L40S") is not peak_of("NVIDIA L4")
    assert peak_of("NVIDIA A1000") is None and peak_of("NVIDIA GeForce GTX 1080") is None


def test_no_gpu_does_more_in_a_wider_dtype() -> None:
    for _, peak in TABLE:
        assert peak.half_flop_s >= peak.tf32_flop_s >= peak.single_flop_s > 0
        assert peak.flop_s("float32", tf32=True) == peak.tf32_flop_s
    assert H100.flop_s("int8", tf32=False) is None


def test_an_integral_needs_samples_over_all_of_the_window() -> None:
    samples = [(0, 100.0), (10, 100.0)]
    assert integral_j(samples, 0, 10) == pytest.approx(100.0 * 10e-9)
    assert integral_j(samples, 0, 11) is None and integral_j(samples[:1], 0, 0) is None


def timing(tokens: tuple[int, ...]) -> Timing:
    return Timing("latency", 0, 0, (0,), tokens[-1], output_tokens=len(tokens), token_ns=tokens)


def entry(facts: tuple[Fact, ...] = (), **values: float) -> Any:
    """A cell with some readings; a token every 2 ms after the first."""
    record = SimpleNamespace(
        timings=(timing((5_000_000, 7_000_000, 9_000_000)),),
        facts=facts,
        environment={"float32_matmul_precision": "highest"},
    )
    known = {name: SimpleNamespace(value=value, reason=None) for name, value in values.items()}
    return SimpleNamespace(records=(record,), quantity=known.get)


WEIGHTS = Weights(models.FULL[0], 1_000_000_000, 1_000_000_000)
PEAK = Peak(1e12, 8e12, 4e12, 2e12)


def test_rate_of_single_requests_is_that_of_the_gaps() -> None:
    assert single_rate(entry().records[0]) == pytest.approx(500.0)
    assert single_rate(SimpleNamespace(timings=())) is None  # type: ignore[arg-type]


def test_shares_by_hand() -> None:
    """1 GB at 1 TB/s is 1000 steps a second; 2 TFLOP/s in float32; 100 W for 10 s are 1000 J."""
    facts = (
        Fact("energy_window_j", 600.0, "J", "nvml_counter", low=500.0),
        Fact("energy_window_s", 10.0, "s", "clock"),
    )
    readings = {
        "throughput_output_tokens_per_s": 4000.0,
        "throughput_examples_per_s": 10.0,
        "flops_per_example": 1e11,
    }
    found = {name: value for name, value, _ in shares(WEIGHTS, entry(facts, **readings), PEAK, 0.0, 100.0)}
    assert found["tokens per second, one request"] == pytest.approx(0.5)
    assert found["tokens per second, batches"] == pytest.approx(4000 / (1000 * BATCH))
    assert found["FLOP per second"] == pytest.approx(0.5)
    assert found["energy"] == pytest.approx(0.5)


def test_what_the_cache_may_hold_is_not_read() -> None:
    found = {name: value for name, value, _ in shares(WEIGHTS, entry(), PEAK, 5e8, None)}
    assert found["tokens per second, one request"] == pytest.approx(0.25)


def test_an_unknown_gpu_has_no_share_and_the_reason() -> None:
    found = shares(WEIGHTS, entry(flops_per_example=1.0, throughput_examples_per_s=1.0), None, 0.0, None)
    assert [value for _, value, _ in found] == [None, None, None]
    assert all(why for _, _, why in found)


def test_tiny_models_are_of_the_sizes_that_are_written_down() -> None:
    for shape in models.TINY:
        module = models.build(shape, "meta")
        assert models.weight_bytes(module) == 4 * shape.parameters


def test_a_decoder_reads_its_tied_output_and_no_position_table() -> None:
    """GPT-2: all but the table of 1024 positions."""
    shape = models.TINY[0]
    module = models.build(shape, "meta")
    assert models.weight_bytes(module) - models.decoded_bytes(module) == 4 * 1024 * 64


def test_an_encoder_decoder_reads_no_encoder() -> None:
    shape = next(shape for shape in models.TINY if shape.family == "seq2seq")
    module = models.build(shape, "meta")
    encoder = sum(
        parameter.numel() for name, parameter in module.named_parameters() if name.startswith("encoder.block")
    )
    assert models.decoded_bytes(module) < models.weight_bytes(module) - 4 * encoder * 0.9


@pytest.mark.slow
@pytest.mark.parametrize("shape", models.FULL, ids=lambda shape: shape.name)
def test_full_models_are_of_their_published_sizes(shape: models.Shape) -> None:
    module = models.build(shape, "meta")
    width = 4 if shape.dtype == "float32" else 2
    assert models.weight_bytes(module) == width * shape.parameters


def test_checkpoints_that_are_whole_make_a_suite_that_is_valid(tmp_path: Path) -> None:
    """One that was cut short has no numbers beside it, and is left out."""
    from bench import load_suite

    context = Context(Ledger(tmp_path / "rows.jsonl", "models"), "cpu", tmp_path, tmp_path, 60.0)
    make_all(context, models.TINY[:2], tmp_path)
    (tmp_path / models.TINY[2].name).mkdir()
    made = weights_made(tmp_path, models.TINY)
    assert [weights.shape for weights in made] == list(models.TINY[:2])
    assert made[0].all_bytes == 4 * models.TINY[0].parameters
    write_suite(tmp_path, [weights.shape for weights in made], "cpu", DRY)
    assert load_suite(tmp_path / "suite.yaml")
