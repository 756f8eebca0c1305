"""`bench recommend` and `bench compare` as they are typed."""

import json

import pytest

from bench.__main__ import main
from tests.factories import Sketch, make_run
from tests.store.nights import store_run

MODELS = [Sketch("a", skill=0.9, latency_s=0.010), Sketch("b", skill=0.6, latency_s=0.003)]


@pytest.fixture
def where(tmp_path):
    """Options that name a results folder of two runs."""
    for night in (1, 2):
        store_run(tmp_path, make_run(MODELS, seed=night), night=night)
    return ["--results", str(tmp_path)]


def said(capsys, *command):
    assert main(list(command)) == 0
    return capsys.readouterr().out


def runs(capsys, where):
    return [run["id"] for run in json.loads(said(capsys, "ls", "runs", "--json", *where))]


def test_limits_and_preferences_change_the_pick(where, capsys):
    assert "Ship a for 'topic'" in said(capsys, "recommend", *where)
    assert "Ship b for 'topic'" in said(capsys, "recommend", *where, "--where", "latency_p50_s <= 5 ms")
    assert "Ship b for 'topic'" in said(capsys, "recommend", *where, "--prefer", "latency_p50_s")
    nobody = said(capsys, "recommend", *where, "--where", "latency_p50_s <= 1 us")
    assert "No pick for 'topic': no model is shown to meet every limit." in nobody and "Nearest is b" in nobody
    found = json.loads(said(capsys, "recommend", *where, "--json", "--where", "latency_p50_s <= 5 ms"))
    assert found["tasks"]["topic"]["recommendation"]["pick"] == "b"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where", "latncy_p50_s <= 5 ms"], "did you mean 'latency_p50_s'"),
        (["--where", "latency_p50_s 5 ms"], "NAME OPERATOR QUANTITY"),
        (["--where", "latency_p50_s <= 5 GiB"], "no unit of this quantity"),
        (["--prefer", "acuracy"], "did you mean 'accuracy'"),
        (["--rule", "weighted"], "needs decision.rates"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(where, capsys, options, says):
    assert main(["recommend", *where, *options]) == 2
    error = capsys.readouterr().err
    assert says in error and len(error.strip().splitlines()) == 1


def test_two_models_two_models_of_two_runs_and_two_runs(where, capsys):
    last, first = runs(capsys, where)
    assert "a and b differ, a is better: accuracy" in said(capsys, "compare", "a", "b", *where)
    apart = said(capsys, "compare", f"{first}:a", f"{last}:a", *where)
    assert "The two runs were made at different times" in apart
    whole = said(capsys, "compare", first, last, *where)
    assert "'topic', a:" in whole and "'topic', b:" in whole and "tests are one family" in whole
    assert main(["compare", "a", "zzz", *where]) == 2
    assert "'zzz' is no run and no model of run" in capsys.readouterr().err
