"""What a pass hides from the garbage collector, and that what a server froze is not counted for it."""

from __future__ import annotations

import gc

import pytest

from bench.measure import heap

pytestmark = pytest.mark.usefixtures("thawed")


def test_what_is_frozen_for_a_block_is_thawed_after_it() -> None:
    with heap.frozen_heap():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_what_was_frozen_before_stays_frozen() -> None:
    gc.freeze()
    with heap.frozen_heap():
        pass
    assert gc.get_freeze_count() > 0


def test_what_a_server_has_frozen_is_kept_without_being_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise AssertionError("a million objects are walked over")

    heap.freeze_for_good()
    frozen = gc.get_freeze_count()
    with monkeypatch.context() as patched:
        patched.setattr(gc, "get_freeze_count", refuse)
        with heap.frozen_heap():
            pass
    assert gc.get_freeze_count() >= frozen
