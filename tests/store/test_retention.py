"""Which nights keep their raw timings."""

from dataclasses import replace

from bench.store import Store
from bench.store.files import PARTIAL
from bench.store.maintenance import check
from bench.store.parts import KEPT_ANSWERS, parts_of
from bench.store.retention import plan_pruning, prune
from tests.factories import make_run
from tests.store.nights import store_run

SMALL = {"requests": 20, "examples": 20}


def nights(results, count, **how):
    return [store_run(results, make_run(["a"], seed=n, **SMALL), night=n, **how) for n in range(1, count + 1)]


def pruned(results, keep):
    with Store.open(results) as store:
        found = plan_pruning(store, keep)
        prune(store, found)
    return found


def test_the_newest_nights_keep_their_rows(tmp_path):
    ids = nights(tmp_path, 4)
    found = pruned(tmp_path, 2)
    assert found.runs == tuple(ids[:2])
    assert found.size_bytes > 0
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ids[2:]
    with Store.open(tmp_path) as store:
        assert [bool(store.load(run_id).gone) for run_id in ids] == [True, True, False, False]
        assert store.load(ids[0]).records[0].samples == ()
        assert len(store.load(ids[2]).records[0].samples) == 20
        assert plan_pruning(store, 2).runs == ()
    assert check(tmp_path) == []


def test_nights_are_days_on_which_something_ran_and_each_suite_has_its_own(tmp_path):
    first = store_run(tmp_path, make_run(["a"], **SMALL), night=1, suite="weekly")
    again = store_run(tmp_path, make_run(["a"], **SMALL), night=1, suite="weekly")
    ids = [store_run(tmp_path, make_run(["a"], **SMALL), night=night) for night in (2, 9, 23)]
    assert pruned(tmp_path, 2).runs == (ids[0],)
    with Store.open(tmp_path) as store:
        assert not store.load(first).gone
        assert not store.load(again).gone


def test_a_tagged_run_keeps_its_rows(tmp_path):
    ids = nights(tmp_path, 3)
    with Store.open(tmp_path) as store:
        store.tag(ids[0], "release")
    assert pruned(tmp_path, 1).runs == (ids[1],)


def test_rows_that_a_newer_night_links_to_stay_until_it_goes(tmp_path):
    [record] = make_run(["a"], **SMALL)
    first = store_run(tmp_path, [record], night=1)
    with Store.open(tmp_path) as store:
        later = store.begin_run(
            store.find(first).__class__(
                "suite",
                "",
                "hash",
                "bench run",
                "machine",
                "quick",
                id="20261109-023000-ffff",
                started_at="2026-11-09T02:30:00+00:00",
            )
        )
        assert store.reuse(later, record.cell, 0) is not None
        store.finish_run(later, "complete")
    found = pruned(tmp_path, 1)
    assert (found.runs, found.files) == ((first,), ())
    with Store.open(tmp_path) as store:
        assert len(store.load(later).records[0].samples) == 20
        assert store.load(first).records[0].samples == ()
    store_run(tmp_path, [record], night=20)
    assert len(pruned(tmp_path, 1).files) == 2
    assert check(tmp_path) == []


def test_killed_between_the_mark_and_the_files_the_rest_goes_next_time(tmp_path):
    ids = nights(tmp_path, 2)
    with Store.open(tmp_path) as store:
        found = plan_pruning(store, 1)
        prune(store, replace(found, files=()))
        assert len(plan_pruning(store, 1).files) == 2
        prune(store, plan_pruning(store, 1))
    assert [path.name for path in (tmp_path / "rows").iterdir()] == ids[1:]


def test_parts_of_cells_that_nobody_finished_go_with_their_night(tmp_path):
    ids = nights(tmp_path, 2)
    kept = [tmp_path / parts_of(run_id) / "a-p0-part-1-of-2.json" for run_id in ids]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        path.with_name(f"{path.name}{PARTIAL}").write_text("{")
    spent = tmp_path / KEPT_ANSWERS / "spent.jsonl"
    spent.write_text("")
    found = pruned(tmp_path, 1)
    assert str(kept[0].relative_to(tmp_path)) in found.files
    assert {*(tmp_path / KEPT_ANSWERS).iterdir()} == {spent, kept[1].parents[1]}
    assert kept[1].is_file()


def test_a_run_under_way_is_left_alone(tmp_path):
    ids = nights(tmp_path, 2)
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        assert store.hold(ids[0])
        assert plan_pruning(other, 1).runs == ()


def test_a_pruned_record_is_not_reused(tmp_path):
    ids = nights(tmp_path, 2)
    pruned(tmp_path, 1)
    with Store.open(tmp_path) as store:
        [record] = make_run(["a"], **SMALL)
        linked = store.reuse(
            store.begin_run(store.find(ids[1]).__class__("suite", "", "other", "bench run", "machine", "quick")),
            record.cell,
            0,
        )
    assert linked is not None
    assert linked[1] == ids[1]
