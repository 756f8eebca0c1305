"""NVML through the real pynvml, over a small C library: each case gives the right joules or the right
reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.meters import nvml_scenes as scenes
from tests.meters.nvml_library import compile_library, in_child


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("nvml"))


def assert_within_bounds(found: dict[str, Any], source: str, relative: float) -> None:
    energy = found["energy"]
    assert energy["source"] == source
    assert energy["joules"] == pytest.approx(found["truth"], rel=relative)
    assert energy["low"] <= found["truth"] <= energy["high"]


def assert_no_figure(found: dict[str, Any], *words: str) -> None:
    assert found["energy"]["joules"] is None
    for word in words:
        assert word in found["energy"]["reason"]


def test_counter(library: Path) -> None:
    found = in_child(library, scenes.counter)
    assert_within_bounds(found, "nvml_counter", 0.01)
    assert found["truth"] == pytest.approx(12 * (80 + 300) / 2)
    assert "every 100 ms" in found["energy"]["reason"]
    assert found["energy"]["high"] / found["energy"]["joules"] - 1 == pytest.approx(0.1 / 12)
    assert found["rejected"] == []


def test_counter_reset_in_a_window(library: Path) -> None:
    found = in_child(library, scenes.counter_reset_in_window)
    assert found["energy"]["source"] == "nvml_counter"
    assert_no_figure(found, "went back", "driver was reset")


def test_counter_that_never_moves_is_not_trusted(library: Path) -> None:
    found = in_child(library, scenes.counter_stuck)
    assert_within_bounds(found, "nvml_power_integral", 0.02)
    assert "stays at" in found["rejected"][0]


def test_window_below_the_update_period_is_no_zero(library: Path) -> None:
    energy = in_child(library, scenes.counter_stops_within_window)
    assert energy["joules"] is None
    assert energy["stood_still"]


def test_no_counter_integrates_power(library: Path) -> None:
    found = in_child(library, scenes.no_counter)
    assert_within_bounds(found, "nvml_power_integral", 0.01)
    assert "field 186" in found["energy"]["reason"]
    assert "Not Supported" in found["rejected"][0]


def test_old_gpu_with_power_usage_alone(library: Path) -> None:
    found = in_child(library, scenes.only_power_usage)
    assert_within_bounds(found, "nvml_power_integral", 0.001)
    assert "power usage" in found["energy"]["reason"]


def test_duty_of_25_ms_is_said_and_bounded(library: Path) -> None:
    found = in_child(library, scenes.seen_a_quarter_of_the_time)
    energy = found["energy"]
    assert energy["source"] == "nvml_power_integral"
    assert "sees 25% of the time" in energy["reason"]
    assert energy["low"] <= found["truth"] <= energy["high"]
    assert energy["high"] - energy["low"] > 0.5 * energy["joules"]


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (scenes.nothing_supported, ("Not Supported", "not supported by this GPU")),
        (scenes.no_permission, ("Insufficient Permissions", "run as root")),
    ],
)
def test_errors_become_reasons(library: Path, scene: Any, words: tuple[str, ...]) -> None:
    found = in_child(library, scene)
    assert found["energy"]["source"] == "unavailable"
    assert_no_figure(found, *words)
    assert [text.split(":")[0] for text in found["rejected"]] == ["nvml_counter", "nvml_power_integral"]


def test_driver_not_loaded(library: Path) -> None:
    reason = in_child(library, scenes.why_closed, FAKE_NVML_INIT="9")
    assert "the NVIDIA driver is not loaded" in reason


def test_library_missing(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("not a library")
    reason = in_child(tmp_path, scenes.why_closed)
    assert "libnvidia-ml.so.1 was not found" in reason


def test_missing_symbol(tmp_path: Path) -> None:
    found = in_child(compile_library(tmp_path, "WITHOUT_COUNTER"), scenes.counter)
    assert_within_bounds(found, "nvml_power_integral", 0.02)
    assert "a newer driver has it" in found["rejected"][0]


def test_two_gpus_with_reversed_cuda_order(library: Path) -> None:
    found = in_child(library, scenes.two_gpus_in_reversed_order)
    assert found["first"]["indices"] == [1]
    assert found["first"]["energy"]["joules"] == pytest.approx(12 * 250, rel=0.01)
    assert found["by_bus"] == "GPU-slow"
    assert "GPU-other" in found["unknown"]


def test_several_gpus_are_added(library: Path) -> None:
    found = in_child(library, scenes.both_gpus)
    assert_within_bounds(found, "nvml_counter", 0.01)
    assert found["truth"] == pytest.approx(12 * 300)
    assert "every 100 ms" in found["energy"]["reason"]


def test_mig_is_labelled_whole_board(library: Path) -> None:
    found = in_child(library, scenes.divided_by_mig)
    assert "whole board; MIG is on" in found["energy"]["scope"]
    assert found["doubts"] == ["mig_whole_board"]


def test_throttle_bits_are_ored_and_foreign_processes_kept(library: Path) -> None:
    found = in_child(library, scenes.state_over_a_run)
    assert found["bits"] == 0x25
    assert found["throttling"] == ["power cap (software)", "heat (software)"]
    assert found["alone"] == {}
    assert found["foreign"] == [1]
    assert found["process_bytes"] == 1 << 30
    assert found["device_bytes"] == 3 << 30
    assert found["codes"] == ["gpu_throttled", "foreign_gpu_process"]


@pytest.mark.parametrize("scene", [scenes.lost_half_way, scenes.lost_half_way_without_counter])
def test_gpu_lost_half_way(library: Path, scene: Any) -> None:
    found = in_child(library, scene)
    assert_no_figure(found, "GPU is lost", "fell off the bus")


def test_memory_of_a_lost_gpu_has_a_reason(library: Path) -> None:
    facts = in_child(library, scenes.lost_half_way)["facts"]
    value, reason = facts["peak_gpu_device_bytes"]
    assert value is None
    assert "GPU is lost" in reason


def test_description(library: Path) -> None:
    found = in_child(library, scenes.described)
    device = found["devices"][0]
    assert (found["driver"], found["cuda_driver"]) == ("570.86", "12.8")
    assert (device["uuid"], device["vbios"], device["power_limit_w"]) == ("GPU-a", "96.00.61", 700.0)
    assert (device["sm_clock_mhz"], device["max_sm_clock_mhz"], device["persistence"]) == (1500, 1980, False)


def test_heat_within_a_timed_pass_is_counted_by_the_driver(library: Path) -> None:
    found = in_child(library, scenes.hot_within_a_timed_pass)
    assert found["facts"]["gpu_throttle_bits"][0] == 0
    assert found["facts"]["gpu_throttled_s"][0] == pytest.approx(3.0)
    assert found["facts"]["gpu1_gpu_throttled_s"][0] == pytest.approx(3.0)
    assert found["facts"]["gpu0_gpu_throttled_s"][0] == 0.0
    assert found["doubts"] == ["GPU 1 was throttled: heat for 3 s"]


def test_a_moment_that_no_interval_shows_is_counted_and_no_doubt(library: Path) -> None:
    found = in_child(library, scenes.hot_for_a_moment_of_a_timed_pass)
    assert found["facts"]["gpu_throttled_s"][0] == pytest.approx(0.02)
    assert found["doubts"] == []


@pytest.mark.parametrize("definitions", [(), ("BEFORE_535",)])
def test_heat_within_a_polled_pass_is_looked_at(tmp_path: Path, definitions: tuple[str, ...]) -> None:
    found = in_child(compile_library(tmp_path, *definitions), scenes.hot_within_a_polled_pass)
    assert found["facts"]["gpu_throttle_bits"][0] == 0x40
    value, _, reason = found["facts"]["gpu_throttled_s"]
    assert value is None
    assert reason == "NVML did not say"
    assert found["facts"]["gpu_sm_clock_mhz"][:2] == [1500, 900]
    assert found["doubts"] == ["GPU 1 was throttled: heat (hardware)"]


def test_several_gpus_through_all_passes(library: Path) -> None:
    facts = in_child(library, scenes.several_gpus_through_all_passes)
    assert facts["energy_window_s"] >= 12.0
    assert facts["energy_window_j"] == pytest.approx(300 * facts["energy_window_s"], rel=0.01)
    assert facts["idle_power_w"] == pytest.approx(300, rel=0.01)
    assert facts["energy_per_example_j"] * facts["energy_window_examples"] == pytest.approx(facts["energy_window_j"])
    assert facts["peak_gpu_memory_latency_bytes"] == 8 << 20
    assert facts["peak_gpu_memory_bytes"] == 8 << 20
    assert facts["peak_gpu_reserved_bytes"] == 16 << 20
    assert (facts["cuda0_peak_memory_latency_bytes"], facts["cuda1_peak_memory_latency_bytes"]) == (3 << 20, 5 << 20)
    assert facts["peak_gpu_device_bytes"] == 6 << 30
    assert facts["gpu0_peak_gpu_device_bytes"] == 3 << 30
