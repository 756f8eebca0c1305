"""The rule that the page's script follows is repeated here in Python on the embedded data."""

import json
from typing import Any

import numpy as np
import pytest

from bench.decision import decide
from bench.host import caches
from bench.report.advice import advice_of
from bench.report.explorer import bundle, explorer_data, packed, specification
from bench.report.marks import marks_of
from tests.report.conftest import view_named


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    view = view_named("quickstart")
    found = explorer_data(view, advice_of(view.decision), marks_of(view.families))
    assert found is not None
    return json.loads(json.dumps(found, allow_nan=False))


def favoured(task: dict[str, Any], value: float) -> str | None:
    """Who leads with the first limit at a value."""
    limit = next(entry for entry in task["limits"] if entry["name"] == "latency_p95_s")
    candidates = task["candidates"]
    kept = [
        i
        for i, c in enumerate(candidates)
        if c["missing"] is None and limit["bounds"][i] is not None and limit["bounds"][i] <= value
    ]
    for stage in task["stages"]:
        scores = task["columns"][stage["column"]]
        kept = [i for i in kept if scores[i] is not None]
        best = max((scores[i] for i in kept), default=0.0)
        kept = [i for i in kept if scores[i] >= best - stage["slack"]]
    return candidates[kept[0]]["name"] if kept else None


@pytest.mark.parametrize("limit_s", [0.0001, 0.006, 0.012, 0.0201, 0.03, 0.05, 0.2, 5.0])
def test_the_embedded_data_lead_to_the_leader_of_the_decision(data: dict[str, Any], limit_s: float) -> None:
    view = view_named("quickstart")
    question = view.decision.question.asking([f"latency_p95_s <= {limit_s} s"])
    decision = decide(view.entries, question)
    for task in data["tasks"]:
        assert favoured(task, limit_s) == decision.tasks[task["name"]].recommendation.leader


def test_failed_cells_are_not_offered(data: dict[str, Any]) -> None:
    names = {t["name"]: [c["name"] for c in t["candidates"]] for t in data["tasks"]}
    assert "gpt2-large" not in names["german"]
    assert "bert-small" not in names["headline"]


def test_the_suites_limit_is_on_and_the_others_are_off(data: dict[str, Any]) -> None:
    for task in data["tasks"]:
        assert [limit["on"] for limit in task["limits"]] == [True, *[False] * (len(task["limits"]) - 1)]
        assert task["limits"][0]["value"] == 0.05


def test_points_are_the_quantities(data: dict[str, Any]) -> None:
    entry = next(e for e in view_named("quickstart").entries if e.candidate == "bert-small")
    found = next(c for c in data["tasks"][0]["candidates"] if c["name"] == "bert-small")
    quantity = entry.quantity("quality")
    assert quantity is not None
    assert found["values"][0] == pytest.approx([quantity.value, quantity.ci_low, quantity.ci_high], rel=1e-3)


def test_the_specification_is_vega_lite_with_its_data_left_to_the_script() -> None:
    looks = [{"family": "a", "label": "a", "light": "#000", "dark": "#fff", "shape": "circle"}]
    spec = specification(looks)
    assert set(spec["datasets"]) == {"points", "steps", "regions"}
    assert all("x" in layer["encoding"] and "y" in layer["encoding"] for layer in spec["layer"])


def test_packing_is_the_same_each_time() -> None:
    assert packed("abc" * 100) == packed("abc" * 100)
    assert np.unique([len(packed("a"))]).size == 1


def test_the_bundle_is_made_once_and_is_the_same_as_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundle.cache_clear()
    made = bundle()
    (kept,) = (tmp_path / "bench").iterdir()
    assert caches.read(kept) == made.encode()
    caches.keep(kept, b"kept")
    bundle.cache_clear()
    assert bundle() == "kept"
    bundle.cache_clear()
