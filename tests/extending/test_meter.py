"""A meter of a third party: one class behind one entry point, taken by the cascade where it works and ranks best."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.record import Record
from bench.store import Store
from tests.extending.packages import bench, install

SOURCE = '''\
from bench.meters.energy import Energy
from bench.meters.source import CpuEnergySource, Probe


class WallSocket(CpuEnergySource):
    """A meter at the wall socket that shows 50 W."""

    name = "wall_socket"
    title = "meter at the wall socket"
    rank = {rank}

    def probe(self):
        {probe}

    def open(self):
        return Meter(self.site.clock)


class Meter:
    source, scope, hardware, poll_interval_s = WallSocket.name, "whole machine", True, None

    def __init__(self, clock):
        self.clock = clock

    def start(self):
        self.start_ns = self.clock.now_ns()

    def poll(self):
        pass

    def stop(self):
        seconds = (self.clock.now_ns() - self.start_ns) / 1e9
        return Energy(50.0 * seconds, seconds, self.source, self.scope)
'''
SUITE = """\
name: metered
defaults: {device: cpu, threads: 1}
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: topic, kind: classification, data: {path: rows.jsonl}}]
measure: {profile: quick, window_s: 0.05}
objectives: [quality, energy_per_example_j]
"""


def record_with(folder: Path, rank: int, probe: str, executor: str = "inline") -> tuple[Record, str]:
    """Run a suite beside the meter; give its record, and the list of meters."""
    site = install(
        folder / "site",
        "socket_meter",
        SOURCE.format(rank=rank, probe=probe),
        {"bench.meters": {"wall_socket": "WallSocket"}},
    )
    rows = [json.dumps({"text": f"text {place}", "label": "ab"[place % 2]}) for place in range(8)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    (folder / "suite.yaml").write_text(SUITE)
    _, listed = bench(folder, site, f"run suite.yaml --no-report --executor {executor}", "ls meters --json")
    with Store.open(folder / "results") as store:
        return store.load("latest").records[0], listed


@pytest.mark.slow
def test_the_best_meter_that_works_is_used_in_a_run(tmp_path: Path) -> None:
    record, meters = record_with(tmp_path, 1, 'return Probe(True, "one socket")', "local")
    facts = {fact.name: fact for fact in record.facts}
    assert facts["energy_per_example_j"].source == "wall_socket"
    assert facts["energy_window_j"].value == pytest.approx(50 * (facts["energy_window_s"].value or 0.0))
    assert facts["idle_power_w"].value == pytest.approx(50)
    assert [timing for timing in record.timings if timing.phase == "energy"], "hardware has a window of its own"
    listed = {row["name"]: row for row in json.loads(meters)}
    assert listed["wall_socket"] == {
        "name": "wall_socket",
        "what": "CPU energy",
        "works": "yes",
        "because": "one socket",
    }


@pytest.mark.slow
def test_a_meter_that_fails_its_probe_is_passed_over_with_its_reason(tmp_path: Path) -> None:
    record, _ = record_with(tmp_path, 1, 'raise OSError("no socket")')
    facts = {fact.name: fact for fact in record.facts}
    assert facts["energy_per_example_j"].source != "wall_socket"
    assert any("wall_socket: " in reason and "no socket" in reason for reason in record.notes["energy_rejected"])


@pytest.mark.slow
def test_a_meter_of_lower_rank_is_not_used(tmp_path: Path) -> None:
    record, _ = record_with(tmp_path, 99, 'return Probe(True, "one socket")')
    assert "wall_socket" not in {fact.source for fact in record.facts}
