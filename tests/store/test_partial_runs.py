"""A run of a part of a suite decides nothing about it."""

from dataclasses import replace

from bench.gate.baseline import find_baseline
from bench.history import read_history
from bench.store import Store
from tests.store.test_archive import INFO, Clock


def begin(store, **changed):
    run_id = store.begin_run(replace(INFO, **changed))
    store.finish_run(run_id, "complete")
    return run_id


def test_latest_is_the_newest_whole_run_of_the_suite_and_says_so(tmp_path):
    with Store.open(tmp_path, now=Clock()) as store:
        whole = begin(store)
        partial = begin(store, restrictions={"limit": 5, "only": ["a", "b*"]})
        choice = store.choose("latest")
        assert (choice.info.id, choice.passed_over.id) == (whole, partial)
        assert "--limit 5 --only a --only b*" in choice.remark and partial in choice.remark
        assert store.find("latest").id == whole
        assert store.choose(partial).info.restrictions == {"limit": 5, "only": ["a", "b*"]}
        assert store.choose(partial).remark is None
        newest = begin(store)
        assert (store.choose("latest").info.id, store.choose("latest").remark) == (newest, None)


def test_without_a_whole_run_of_its_suite_it_is_the_latest(tmp_path):
    with Store.open(tmp_path, now=Clock()) as store:
        begin(store, suite="other")
        partial = begin(store, restrictions={"limit": 5})
        assert (store.choose("latest").info.id, store.choose("latest").remark) == (partial, None)


def test_it_is_no_baseline_of_a_whole_run(tmp_path):
    with Store.open(tmp_path, now=Clock()) as store:
        first = begin(store)
        begin(store, restrictions={"only": "a"})
        last = begin(store)
        history = read_history(store, "suite")
        assert [night.is_partial for night in history.nights] == [False, True, False]
        for asked in ("previous", "best"):
            baseline, _ = find_baseline(store, history, store.find(last), asked)
            assert baseline is not None and baseline.id == first
