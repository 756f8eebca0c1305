"""`bench store`, and what the other commands show of a night whose raw timings are gone."""

import json

import pytest

from bench.__main__ import main
from bench.cli.run import command_line
from bench.store import Store
from tests.factories import Sketch, make_run
from tests.store.nights import store_run
from tests.store.test_addresses import ADDRESSES, SECRET

MODELS = [Sketch("a", skill=0.9, latency_s=0.010), Sketch("b", skill=0.6, latency_s=0.030)]


@pytest.fixture
def where(tmp_path):
    """Options that name a results folder of three nights."""
    for night in (1, 2, 3):
        store_run(tmp_path, make_run(MODELS, seed=night), night=night)
    return ["--results", str(tmp_path)]


def shown(capsys, *command):
    assert main([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def ids(capsys, where):
    return [run["id"] for run in reversed(shown(capsys, "ls", "runs", *where))]


def test_prune_removes_rows_and_every_number_stays(where, tmp_path, capsys):
    [first, _, last] = ids(capsys, where)
    before = shown(capsys, "show", first, *where)
    untouched = shown(capsys, "show", last, *where)
    assert main(["store", "prune", "--keep-nights", "1", "--dry-run", *where]) == 0
    assert "would remove the raw timings of 2 runs: 8 files" in capsys.readouterr().out
    assert shown(capsys, "show", first, *where) == before
    done = shown(capsys, "store", "prune", "--keep-nights", "1", *where)
    assert (len(done["runs"]), len(done["files"]), done["left"]) == (2, 8, {})
    after = shown(capsys, "show", first, *where)
    for cell, cell_before in zip(after["cells"], before["cells"], strict=True):
        assert (cell["quality"], cell["efficiency"]) == (cell_before["quality"], cell_before["efficiency"])
        assert [doubt["code"] for doubt in cell["doubts"]] == ["raw_timings_gone"]
    assert "raw timings and answers were pruned on 20" in after["run"]["remark"]
    assert after["fronts"] == before["fronts"]
    picks = [run["decision"]["tasks"]["topic"]["recommendation"]["pick"] for run in (before, after)]
    assert picks == ["a", "a"]
    assert shown(capsys, "show", last, *where) == untouched
    assert main(["store", "check", *where]) == 0


def test_reports_of_a_pruned_night_say_so(where, tmp_path, capsys):
    [first, *_] = ids(capsys, where)
    assert main(["store", "prune", "--keep-nights", "1", *where]) == 0
    remark = "raw timings and answers were pruned on"
    capsys.readouterr()
    assert main(["show", first, *where]) == 0
    assert remark in capsys.readouterr().out
    for form in ("html", "md", "csv", "json"):
        path = tmp_path / f"r.{form}"
        assert main(["report", first, *where, "--format", form, "-o", str(path)]) == 0
        assert form == "csv" or remark in path.read_text()
    capsys.readouterr()
    assert main(["recommend", first, *where]) == 0
    assert main(["compare", "a", "b", "--run", first, *where]) == 0
    said = capsys.readouterr().out
    assert "'topic': raw timings and answers were pruned on" in said
    assert "so quality is not compared" in said


def test_a_night_measured_on_another_machine_is_shown_by_its_summaries(where, tmp_path, capsys):
    """Its rows are in that machine's results folder; the database is one."""
    from bench.history.remember import remember

    [first, *_] = ids(capsys, where)
    with Store.open(tmp_path) as store:
        remember(store, first)
    (tmp_path / "rows").rename(tmp_path / "elsewhere")
    after = shown(capsys, "show", first, *where)
    assert "raw timings and answers are not in this results folder" in after["run"]["remark"]
    assert after["cells"][0]["efficiency"]["latency_p50_s"]["value"] > 0


def test_writing_summaries_again_does_not_lose_those_of_a_pruned_night(where, tmp_path, capsys):
    from bench.history.remember import remember

    [first, *_] = ids(capsys, where)
    assert main(["store", "prune", "--keep-nights", "1", *where]) == 0
    with Store.open(tmp_path) as store:
        before = {tuple(row) for row in store.summaries([first])}
        remember(store, first)
        assert {tuple(row) for row in store.summaries([first])} == before


def test_a_night_without_a_summary_keeps_its_rows_and_does_not_stop_the_others(where, tmp_path, capsys):
    [first, second, _] = ids(capsys, where)
    next((tmp_path / "rows" / first).glob("*.timings.parquet")).write_bytes(b"damaged")
    done = shown(capsys, "store", "prune", "--keep-nights", "1", *where)
    assert done["runs"] == [second]
    assert "cannot be read" in done["left"][first]
    assert len([*(tmp_path / "rows" / first).iterdir()]) == 4


def test_check_says_what_is_wrong_and_repairs_what_it_may(where, tmp_path, capsys):
    assert shown(capsys, "store", "check", *where) == {"whole": True, "findings": []}
    [first, *_] = ids(capsys, where)
    (tmp_path / "rows" / first / "x.parquet.partial").write_bytes(b"")
    assert main(["store", "check", *where]) == 4
    assert "half written" in capsys.readouterr().out
    assert main(["store", "check", "--repair", *where]) == 0
    assert capsys.readouterr().out == "the store is whole; 1 files removed\n"


def test_import_of_nothing(where, capsys):
    assert shown(capsys, "store", "import", *where) == {"records": 0, "runs": [], "left": []}


@pytest.mark.parametrize("command", [["check"], ["migrate"], ["prune", "--keep-nights", "3"]])
def test_a_folder_without_results(tmp_path, capsys, command):
    assert main(["store", *command, "--results", str(tmp_path / "none")]) == 4
    assert "no results are there; run a suite first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_prune_needs_to_know_how_many(where, capsys):
    assert main(["store", "prune", *where]) == 2
    assert main(["store", "prune", "--keep-nights", "0", *where]) == 2


@pytest.mark.parametrize("form", [["--store", "{}"], ["--store={}"]])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_password_on_the_command_line_is_not_stored(form, address):
    command = command_line(["run", "a=b.yaml", "--limit=3", *(word.format(address) for word in form)])
    assert SECRET not in command
    assert command.replace("'", "").startswith("bench run a=b.yaml --limit=3 --store")


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_command_prints_a_password(address, tmp_path, capsys):
    assert main(["ls", "runs", "--results", str(tmp_path), "--store", address]) in (2, 3, 4)
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    assert "Traceback" not in printed.err
    assert len(printed.err.strip().splitlines()) == 1


def test_a_results_folder_is_merged_into_another(where, tmp_path, tmp_path_factory, capsys):
    other = tmp_path_factory.mktemp("other")
    runs = ids(capsys, where)
    assert main(["store", "import", str(tmp_path), "--results", str(other)]) == 0
    assert "copied from" in capsys.readouterr().out
    assert ids(capsys, ["--results", str(other)]) == runs
    assert main(["store", "check", "--results", str(other)]) == 0
    assert main(["store", "import", str(other), "--results", str(other)]) == 4
    assert main(["store", "import", str(tmp_path / "none"), "--results", str(other)]) == 4


@pytest.mark.parametrize("form", [["--webhook", "https://x/hook"], ["--webhook=https://x/hook"]])
def test_a_webhook_on_the_command_line_is_not_stored(form):
    assert "hook" not in command_line(["nightly", "s", *form]).replace("--webhook", "")
