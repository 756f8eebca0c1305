"""Locks of runs."""

from bench.store.locks import RunLocks


def test_a_run_has_one_holder(tmp_path):
    first, second = RunLocks(tmp_path), RunLocks(tmp_path)
    assert first.hold("a")
    assert first.hold("a")
    assert not second.hold("a")
    assert second.hold("b")
    first.release("a")
    assert second.hold("a")
    second.release_all()
    assert first.hold("b")
    first.release_all()
    first.release("never held")
    assert list(tmp_path.iterdir()) == []
