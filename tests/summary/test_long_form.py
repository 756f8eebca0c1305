from __future__ import annotations

from bench.catalogue.readings import READINGS
from bench.summary import summarise
from bench.summary.long_form import reading_rows
from tests.factories import Sketch, make_run

MODELS = [Sketch("a"), Sketch("b", energy_source="estimate"), Sketch("c", status="oom", reason="9 GiB of 8")]


def test_every_metric_and_reading_of_every_cell_is_a_row_with_its_interval_and_n() -> None:
    entries = summarise(make_run(MODELS, ["topic"]))
    rows = reading_rows("RUN", entries)
    assert len(rows) == sum(len(entry.quality) + len(entry.efficiency) for entry in entries)
    found = {(row.candidate, row.reading): row for row in rows}
    accuracy, shown = found["a", "accuracy"], entries[0].quality["accuracy"]
    assert (accuracy.value, accuracy.low, accuracy.high, accuracy.n) == (
        shown.value,
        shown.ci_low,
        shown.ci_high,
        shown.n,
    )
    assert (accuracy.about, accuracy.level, accuracy.run) == ("quality", 0.95, "RUN")
    unpriced = {name for name, reading in READINGS.items() if not (reading.priced or reading.of_load)}
    assert {row.reading for row in rows if row.candidate == "a" and row.about == "efficiency"} == unpriced


def test_a_level_is_said_only_of_intervals_that_have_one() -> None:
    rows = {(row.candidate, row.reading): row for row in reading_rows("RUN", summarise(make_run(MODELS, ["topic"])))}
    assert rows["a", "latency_p50_s"].level == 0.95
    bounds, counted, peak = (rows["b", name] for name in ("energy_per_example_j", "parameters", "peak_rss_bytes"))
    assert bounds.low is not None and bounds.level is None
    assert counted.low == counted.high and counted.level is None
    assert peak.low is None and peak.level is None and peak.reason
    assert rows["c", "latency_p50_s"].value is None and "9 GiB" in (rows["c", "latency_p50_s"].reason or "")
