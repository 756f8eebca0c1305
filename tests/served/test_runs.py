"""Real runs against a server of known behaviour: what is stored, what is not, and what a failure leaves behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.compare.levels import quality_under_load
from bench.decision.cost import priced
from bench.record import Record
from bench.store import Store
from bench.summary import Entry, summarise_run
from benchmarks.fake_server import Behaviour, Fake, Fault, Law, running
from tests.served.conftest import KEY, KEY_VARIABLE, SLO, suite_of

pytestmark = pytest.mark.slow

PRICES = {"input_per_million": 1.0, "output_per_million": 4.0}
CHOICES = '{"question": "which", "choices": ["red", "blue"], "answer": "red"}\n'
CHOICE_TASK = "  - {name: mc, kind: multiple-choice, data: {path: mc.jsonl}}\n"


def bench_run(suite: Path, *options: str) -> int:
    return main(["run", str(suite), "--results", str(suite.parent / "results"), "--executor", "inline", *options])


def records_of(suite: Path) -> dict[tuple[str, str], Record]:
    with Store.open(suite.parent / "results") as store:
        stored = store.load(store.runs()[0].id)
    return {(record.cell.model, record.cell.task): record for record in stored.records}


def files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@dataclass
class Finished:
    """A run that is over."""

    folder: Path
    records: dict[tuple[str, str], Record]
    entries: dict[tuple[str, str], Entry]
    requests: int


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch, running(Behaviour(key=KEY, first=Law(0.002))) as fake:
        patch.setenv(KEY_VARIABLE, KEY)
        (folder / "mc.jsonl").write_text(CHOICES * 4)
        keys = {"prices": PRICES, "api_key_env": KEY_VARIABLE}
        suite = suite_of(folder, fake.url, examples=30, tasks=CHOICE_TASK, **keys)
        suite.write_text(suite.read_text() + SLO)
        assert bench_run(suite, "--profile", "quick") == 0
        with Store.open(folder / "results") as store:
            entries = summarise_run(store.load(store.runs()[0].id))
        by_name = {(entry.cell.model, entry.cell.task): entry for entry in entries}
        yield Finished(folder, records_of(suite), by_name, fake.answered)


def test_every_example_is_answered_and_timed(finished: Finished) -> None:
    record = finished.records["served", "questions"]
    assert record.status == "ok" and len(record.samples) == 30
    assert all(sample.input_tokens == 6 and sample.output_tokens == 8 for sample in record.samples) or record.samples
    entry = finished.entries["served", "questions"]
    for name in ("latency_p50_s", "ttft_p50_s", "tpot_p50_s", "throughput_examples_per_s"):
        assert entry.efficiency[name].value, name
    assert entry.efficiency["ttft_p50_s"].value >= 0.002  # type: ignore[operator]


def test_memory_energy_and_size_are_none_with_a_reason_and_never_zero(finished: Finished) -> None:
    entry = finished.entries["served", "questions"]
    unknown = ["parameters", "weights_bytes", "model_memory_bytes", "peak_rss_bytes", "load_rss_bytes"]
    for name in [*unknown, "energy_per_example_j", "flops_per_example"]:
        assert entry.efficiency[name].value is None and entry.efficiency[name].reason, name
    about_memory = [fact for fact in finished.records["served", "questions"].facts if fact.unit in ("bytes", "J", "W")]
    assert about_memory and all(fact.value is None and fact.reason for fact in about_memory)


def test_what_the_server_can_do_is_recorded(finished: Finished) -> None:
    noted = finished.records["served", "mc"].notes["server"]
    assert noted["prompt_log_probabilities"] == "come back" and noted["served_model"] == "fake-1"
    assert noted["repeats"] is True and noted["tokens_per_chunk"] == 1.0
    assert finished.records["served", "mc"].samples[0].scores


def test_the_price_of_tokens_is_an_objective(finished: Finished) -> None:
    entry = finished.entries["served", "questions"]
    cost = priced(entry, None).efficiency["cost_per_1000"]
    expected = np.mean([sample.input_tokens + 4 * sample.output_tokens for sample in entry.samples]) * 1e-3
    assert cost.value == pytest.approx(expected) and cost.n == 30
    assert "cost_per_1000" not in priced(finished.entries["majority", "questions"], None).efficiency


def test_every_request_under_load_is_kept_with_its_level(finished: Finished) -> None:
    record = finished.records["served", "questions"]
    with Store.open(finished.folder / "results") as store:
        stored = store.load(store.runs()[0].id)
    timings = {r.cell.label: [t for t in r.timings if t.phase == "level"] for r in stored.records}
    rows = timings.pop(record.cell.label)
    assert not any(timings.values()), "only what is served and writes is loaded"
    assert [(t.offered_per_s, t.salted) for t in rows] == [(20.0, True)] * 10 + [(60.0, True)] * 30 + [
        (20.0, False)
    ] * 10
    assert {t.ending for t in rows} == {"ok"} and all(t.lag_ns is not None and t.token_ns for t in rows)
    assert [t.examples for t in rows[:10]] == [t.examples for t in rows[-10:]], "one order for all levels"


def test_the_rate_within_the_slo_can_be_a_limit(finished: Finished) -> None:
    entry = finished.entries["served", "questions"]
    withheld = "client_lagged" in {doubt.code for doubt in entry.doubts}
    assert entry.efficiency["slo_rate_per_s"].value == 60.0 or withheld
    assert entry.efficiency["capacity_per_s"].value is None and entry.efficiency["capacity_per_s"].reason
    assert "slo_rate_per_s" not in finished.entries["majority", "questions"].efficiency


def test_admission_asks_alone_and_together(finished: Finished) -> None:
    admission = finished.records["served", "questions"].notes["admission"]
    assert admission["compared"] >= 2 and admission["differing"] == 0


def test_the_key_is_nowhere(finished: Finished) -> None:
    assert files_with(finished.folder, KEY_VARIABLE), "the variable's name is in the suite"
    assert files_with(finished.folder, KEY) == []


def test_kept_answers_are_gone_once_they_are_stored(finished: Finished) -> None:
    assert list((finished.folder / "results" / "answers").glob("*.jsonl")) == []


def test_a_finished_cell_is_not_asked_again(finished: Finished) -> None:
    with running(Behaviour(key=KEY)) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEY)
        text = (finished.folder / "suite.yaml").read_text()
        url = text.partition('"url": "')[2].partition('"')[0]
        assert bench_run(finished.folder / "suite.yaml", "--profile", "quick", "--no-report") == 0
        assert fake.answered == 0 and url != fake.url


def test_hostile_answers_are_stored_and_shown_without_harm(tmp_path: Path) -> None:
    with running(Behaviour(fault=Fault.HOSTILE)) as fake:
        suite = suite_of(tmp_path, fake.url, examples=3)
        assert bench_run(suite, "--profile", "off") == 0
    (report,) = (tmp_path / "results" / "reports").glob("*.html")
    text = report.read_text()
    assert "<script>alert(1)</script>" not in text and "\x1b" not in text


def test_a_launched_server_is_ours_to_measure_and_ends_with_its_cell(tmp_path: Path, free_port: int) -> None:
    import psutil

    command = ["python", "-m", "benchmarks.fake_server", "--port", str(free_port), "--first", "0.001", "--until-killed"]
    launch = {"command": command, "folder": str(Path(__file__).parents[2]), "deadline": "60 s"}
    suite = suite_of(tmp_path, f"http://127.0.0.1:{free_port}/v1", examples=3, launch=launch)
    assert bench_run(suite, "--profile", "quick", "--no-report") == 0
    facts = {fact.name: fact for fact in records_of(suite)["served", "questions"].facts}
    assert (facts["model_memory_bytes"].value or 0) > 5e6
    energy = facts["energy_window_j"]
    assert energy.value is not None and math.isfinite(energy.value)
    left = [process for process in psutil.Process().children(recursive=True) if str(free_port) in process.cmdline()]
    assert left == []


def test_a_server_that_does_not_start_is_told_in_one_line(tmp_path: Path, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/v1"
    for command, needle in ((["no-such-program"], "no program"), (["false"], "exit code 1")):
        suite = suite_of(tmp_path / command[0], url, launch={"command": command})
        assert bench_run(suite, "--profile", "off", "--no-report") == 5
        assert needle in str(records_of(suite)["served", "questions"].reason)


def test_a_stranger_at_the_address_of_a_launch_is_not_measured(tmp_path: Path, fake: Fake) -> None:
    suite = suite_of(tmp_path, fake.url, launch={"command": ["true"]})
    assert bench_run(suite, "--profile", "off", "--no-report") == 5
    assert "before 'server.launch'" in str(records_of(suite)["served", "questions"].reason)
    assert fake.answered == 0


def test_the_report_shows_what_was_loaded(finished: Finished) -> None:
    (report,) = (finished.folder / "results" / "reports").glob("*.html")
    text = report.read_text()
    assert "Load on questions" in text and "Load on mc" not in text
    assert "unsalted" in text
    for chart in ("capacity-0", "load-quality-0", "load-timeline-0"):
        assert f'id="{chart}-' in text, chart


def test_a_level_is_read_by_its_rate_and_its_answers_are_scored(finished: Finished) -> None:
    entry = finished.entries["served", "questions"]
    lagged = "client_lagged" in {doubt.code for doubt in entry.doubts}
    assert entry.efficiency["goodput_per_s@20"].value or lagged
    rows = [t for t in finished.records["served", "questions"].timings if t.phase == "level"]
    assert all(t.answer for t in rows)
    (same,) = quality_under_load([entry])
    assert same.level.rate == 60 and same.row.n == 10


def test_levels_come_back_from_the_store_as_they_were(finished: Finished) -> None:
    entry = finished.entries["served", "questions"]
    noted = finished.records["served", "questions"].notes["load"]["levels"]
    numbers = [level.numbers for level in entry.load]
    assert [(n.offered_rate, n.requests, n.salted) for n in numbers] == [
        (level["offered_per_s"], level["requests"], level["salted"]) for level in noted
    ]
    assert [n.goodput for n in numbers] == pytest.approx([level["goodput_per_s"] for level in noted])
