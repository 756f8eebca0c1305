"""`serve: true`: a model of the cell's own process behind a local server, under the same schedule as a remote one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.candidates.served.exchange import Exchange, Usage
from bench.errors import SuiteError
from bench.measure.load.arrivals import schedule
from bench.measure.load.level import Offered
from bench.measure.load.local import load_locally
from bench.measure.load.progress import document_of, load_of
from bench.measure.load.served import loaded_of
from bench.planning import make_plan, open_suite
from bench.record import Sample
from bench.suite import LoadSpec
from bench.tasks.batching import Batching
from tests.served.conftest import SLO, suite_of
from tests.served.test_runs import bench_run, records_of

pytestmark = pytest.mark.slow


@dataclass
class Slow:
    """A bound task whose batches take a known time, whatever their size; the example 3 cannot be answered."""

    batch_s: float
    examples: Sequence[int] = tuple(range(6))
    asked: list[tuple[int, ...]] = field(default_factory=list)
    wordless: Sequence[int] = ()
    """Examples whose answers are likelihoods."""

    def length(self, index: int) -> int:
        return 1

    def request(self, indices: Sequence[int]) -> Callable[[Any], list[int]]:
        self.asked.append(tuple(indices))

        def call(_: Any) -> list[int]:
            time.sleep(self.batch_s)
            if 3 in indices:
                raise ValueError("no answer to three")
            return list(indices)

        return call

    def samples(self, indices: Sequence[int], answers: Sequence[int]) -> list[Sample]:
        texts = [None if index in self.wordless else f"answer {index}" for index in indices]
        return [Sample(n, str(n), "r", text, output_tokens=2) for n, text in zip(indices, texts, strict=True)]


def test_requests_that_wait_together_are_answered_together_and_failures_alone_fail() -> None:
    workload = Slow(0.05)
    spec = LoadSpec(levels=[60.0], window_s=1.0, rung_s=0.1)
    load, served = load_locally(workload, Batching(examples=4), spec, seed=42)  # type: ignore[arg-type]
    batches = served.batches
    (level,) = load.levels
    assert not level.salted and len(level.requests) == 60 == len(schedule("poisson", 60.0, 1.0, 42))
    assert max(batches) == 4 and sum(batches) >= 60 and set(map(len, workload.asked)) <= {1, 2, 3, 4}
    endings = {row.exchange.ending for row in level.requests}
    assert endings == {"ok", "server_error"}, "a batch with the example that fails fails, the others do not"
    for row in level.requests:
        if row.exchange.is_ok:
            assert row.exchange.text == f"answer {load.order[row.number % 6]}"
            assert row.ttft_s is not None and row.latency_s >= 0.05


def test_a_load_goes_between_processes_unchanged_and_a_likelihood_is_no_empty_answer() -> None:
    spec = LoadSpec(levels="auto", window_s=0.2, rung_s=0.1, max_under_way=4)
    workload = Slow(0.005, tuple(range(3)), wordless=(1,))
    load, served = load_locally(workload, Batching(examples=2), spec, seed=1)  # type: ignore[arg-type]
    assert load.capacity is not None and load.capacity.rate > 50
    assert load_of(document_of(load)) == load
    filtered = Exchange(1, 2, 3, [3], text="a", finish="content_filter", usage=Usage(1, 2), served_model="other")
    level = replace(load.levels[0], requests=(Offered(0, filtered),))
    assert load_of(document_of(replace(load, levels=(level,)))).levels == (level,), "doubts hang on how answers ended"
    answers = {row.examples[0]: row.answer for row in loaded_of(load, spec, answer_of=served.answer_of).timings}
    assert answers == {0: "answer 0", 1: None, 2: "answer 2"}


def test_a_candidate_of_this_process_stands_beside_a_served_one(tmp_path: Path) -> None:
    """Here the only candidate is a rule; the record is that of any loaded one, without an unsalted control."""
    suite = suite_of(tmp_path, "http://127.0.0.1:9/v1")
    lines = [line for line in suite.read_text().splitlines() if "family: endpoint" not in line]
    text = "\n".join(lines).replace("strategy: majority}", "strategy: majority, serve: true}")
    suite.write_text(f"{text}\n{SLO}")
    assert bench_run(suite, "--profile", "quick", "--no-report") == 0
    (record,) = records_of(suite).values()
    rows = [timing for timing in record.timings if timing.phase == "level"]
    assert [row.offered_per_s for row in rows] == [20.0] * 10 + [60.0] * 30
    assert {row.salted for row in rows} == {False} and {row.ending for row in rows} == {"ok"}
    assert all(row.answer == record.samples[row.examples[0]].prediction for row in rows)
    facts = {fact.name: fact.value for fact in record.facts}
    withheld = "client_lagged" in {doubt.code for doubt in record.doubts}
    assert facts["slo_rate_per_s"] == 60.0 or withheld
    assert record.notes["served"]["batches"] > 0


@pytest.mark.parametrize(
    ("old", "new", "needle"),
    [
        ("strategy: majority}", "strategy: majority, serve: true}", "add 'load'"),
        ("family: endpoint,", "family: endpoint, serve: true,", "served already"),
    ],
)
def test_serving_what_cannot_be_is_refused(old: str, new: str, needle: str, tmp_path: Path) -> None:
    path = suite_of(tmp_path, "http://127.0.0.1:9/v1")
    load = SLO if "endpoint" in old else ""
    path.write_text(path.read_text().replace(old, new) + load)
    with pytest.raises(SuiteError, match=r"suite\.yaml:\d+:\d+ models\[\d\]\.serve") as refused:
        make_plan(open_suite(str(path)), tmp_path / "results")
    assert needle in str(refused.value)
