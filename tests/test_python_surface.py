"""The five functions on a stored run; `docs/python.md` walks all of them with a real one."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.errors import InputError, StoreError, UsageError
from tests.factories import Sketch, Task, make_run
from tests.store.nights import store_run

MODELS = [Sketch("a", skill=0.9, latency_s=0.010), Sketch("b", skill=0.6, latency_s=0.003)]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    store_run(tmp_path, make_run(MODELS), night=1)
    return tmp_path


def test_one_limit_is_a_string_and_several_are_a_list(results: Path) -> None:
    assert bench.decide(results=results).pick == "a"
    assert bench.decide(results=results, where="latency_p50_s <= 5 ms").pick == "b"
    assert bench.decide(results=results, where=["latency_p50_s <= 5 ms", "quality >= 0.1"]).pick == "b"
    with pytest.raises(UsageError, match="'latency' is not a limit"):
        bench.decide(results=results, where="latency")


def test_a_decision_shows_its_picks_on_a_line(results: Path) -> None:
    decision = bench.decide(results=results)
    assert decision.tasks["topic"].pick == "a"
    nobody = bench.decide(results=results, where="latency_p50_s <= 1 us")
    assert nobody.pick is None and nobody.tasks["topic"].pick is None
    for shown in (repr(decision), repr(decision.tasks["topic"])):
        assert "'a'" in shown and len(shown) < 200 and "\n" not in shown


def test_the_pick_for_all_tasks_is_that_across_them(tmp_path: Path) -> None:
    store_run(tmp_path, make_run(MODELS, [Task("one"), Task("two")]), night=1)
    decision = bench.decide(results=tmp_path)
    assert decision.across is not None and decision.pick == decision.across.pick


def test_a_newer_run_of_a_part_is_passed_over_with_a_warning(results: Path) -> None:
    partial = store_run(results, make_run(MODELS, examples=5), night=2, restrictions={"limit": 5})
    with pytest.warns(UserWarning, match=partial) as warned:
        assert bench.decide(results=results).pick == "a"
    assert [warning.filename for warning in warned] == [__file__]


def test_a_report_is_written_into_a_new_folder(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    bench.write_report("latest", path, results=str(results))
    assert path.read_text().startswith("<!")


def test_a_plan_takes_names_patterns_and_limits() -> None:
    suite = bench.load_suite("quickstart")
    plan = bench.plan(suite, only="majority", limit=5)
    assert {cell.model for cell in plan.cells} == {"majority"} and plan.options.limit == 5
    both = bench.plan("quickstart", only=["majority", "copy"], profile="off")
    assert {cell.model for cell in both.cells} == {"majority", "copy"} and not both.measures
    with pytest.raises(InputError, match="matches no model"):
        bench.plan(suite, only="nobody")


def test_what_is_missing_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.yaml"):
        bench.load_suite(tmp_path / "no.yaml")
    with pytest.raises(StoreError):
        bench.decide(results=tmp_path / "nowhere")


def test_every_function_is_typed_and_described() -> None:
    for name in set(bench.__all__) - {"__version__"}:
        signature = inspect.signature(getattr(bench, name))
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())
        assert "Raises:" in (getattr(bench, name).__doc__ or "")


def test_importing_bench_loads_nothing_but_bench() -> None:
    code = "import sys; before = set(sys.modules); import bench; print(sorted(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['__future__', 'bench']"


def test_its_version_is_looked_up_when_asked_for() -> None:
    assert bench.__version__
    with pytest.raises(AttributeError, match="no attribute 'recommend'"):
        _ = bench.recommend
