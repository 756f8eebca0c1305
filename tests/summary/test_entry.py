from __future__ import annotations

import json

import numpy as np

from bench.catalogue.readings import canonical
from bench.summary import entry_json, summarise
from tests.factories import Sketch, make_record, make_run

NAMES = {
    *("latency_p50_s", "latency_p95_s", "ttft_p50_s", "tpot_p50_s", "throughput_examples_per_s"),
    *("throughput_output_tokens_per_s", "peak_rss_bytes", "peak_gpu_memory_bytes", "energy_per_example_j"),
    *("parameters", "weights_bytes", "load_s"),
}


def test_json_has_the_promised_shape() -> None:
    found = entry_json(summarise([make_record()])[0])
    wanted = {
        "id",
        "candidate",
        "model",
        "family",
        "variant",
        "task",
        "status",
        "reason",
        "quality",
        "efficiency",
        "doubts",
    }
    assert wanted <= set(found)
    assert {"value", "ci_low", "ci_high", "n", "higher_is_better"} <= set(found["quality"]["accuracy"])
    assert set(found["efficiency"]) >= NAMES
    for reading in found["efficiency"].values():
        assert {"value", "ci_low", "ci_high", "n", "unit", "source"} <= set(reading)
        assert reading["value"] is not None or reading["reason"]
    json.dumps(found, allow_nan=False)


def test_a_failed_cell_says_why_in_every_reading() -> None:
    entry = summarise([make_record(Sketch("a", status="oom", reason="needed 9 GiB of 8"))])[0]
    found = entry_json(entry)
    assert (found["status"], found["reason"]) == ("oom", "needed 9 GiB of 8")
    assert found["quality"] == {}
    assert all(r["value"] is None and "needed 9 GiB" in r["reason"] for r in found["efficiency"].values())


def test_names_that_a_suite_may_use() -> None:
    entry = summarise([make_record()])[0]
    assert entry.quantity("quality") is entry.quality["accuracy"]
    assert entry.quantity("peak_memory_bytes") is entry.efficiency["peak_rss_bytes"]
    assert entry.quantity("no_such") is None
    assert canonical("peak_memory_bytes", on_gpu=True) == "peak_gpu_memory_bytes"
    on_gpu = summarise([make_record(device="cuda:0")])[0]
    assert on_gpu.on_gpu and on_gpu.quantity("peak_memory_bytes") is on_gpu.efficiency["peak_gpu_memory_bytes"]


def test_candidate_names_and_no_nan_in_json() -> None:
    plain, variant = summarise([make_record(Sketch("a")), make_record(Sketch("a", variant="int8"))])
    assert (plain.candidate, variant.candidate) == ("a", "a[int8]")
    assert [entry_json(entry)["candidate"] for entry in (plain, variant)] == ["a", "a[int8]"]
    assert plain.id != variant.id


def test_same_records_same_numbers() -> None:
    records = make_run(["a", "b"], examples=60)
    first, second = ([entry_json(e) for e in summarise(records)] for _ in range(2))
    assert first == second
    assert np.isfinite(first[0]["quality"]["macro_f1"]["ci_low"])
