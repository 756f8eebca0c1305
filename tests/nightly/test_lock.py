"""The night's lock: one at a time, and free as soon as its holder is gone."""

from datetime import UTC, datetime

import pytest

from bench.errors import BusyError
from bench.nightly.lock import LOCK, night_lock

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def test_the_second_is_told_who_holds_it(tmp_path):
    import os

    with night_lock(tmp_path, "freight", NOW):
        with (
            pytest.raises(
                BusyError, match=f"process {os.getpid()} on .* has been running 'freight' since 2026-11-24 02:30"
            ) as found,
            night_lock(tmp_path, "other", NOW),
        ):
            raise AssertionError
        assert found.value.exit_code == 7
    with night_lock(tmp_path, "other", NOW):
        pass


def test_what_a_killed_night_left_in_the_file_holds_nobody_up(tmp_path):
    path = tmp_path / LOCK
    path.parent.mkdir()
    path.write_text('{"suite": "dead", "pid": 1, "host": "x", "since": "y"}')
    with night_lock(tmp_path, "freight", NOW):
        assert '"freight"' in path.read_text() and "dead" not in path.read_text()


def test_a_holder_that_has_not_signed_yet_is_told_all_the_same(tmp_path):
    with night_lock(tmp_path, "freight", NOW):
        (tmp_path / LOCK).write_text("")
        with pytest.raises(BusyError, match="has just started one"), night_lock(tmp_path, "other", NOW):
            raise AssertionError
